"""Keys change with what a value depends on and with nothing else."""

import sys
from pathlib import Path

import pytest

from bench.pipeline.keys import differences, key_of, source_version


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A little package of two modules, outside the project."""
    folder = tmp_path / "keyed_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "main.py").write_text('"""Main."""\nfrom keyed_package import part\n\ndef f():\n    return part.g()\n')
    (folder / "part.py").write_text("def g():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def version() -> str:
    source_version.cache_clear()
    for name in [name for name in sys.modules if name.startswith("keyed_package")]:
        del sys.modules[name]
    return source_version("keyed_package.main")


def test_comments_and_docstrings_change_nothing(package: Path) -> None:
    before = version()
    (package / "main.py").write_text(
        '"""Other."""\nfrom keyed_package import part  # why\n\n\ndef f():\n    """Doc."""\n    return part.g()\n'
    )
    assert version() == before


def test_code_changes_it_also_in_an_imported_module(package: Path) -> None:
    before = version()
    (package / "part.py").write_text("def g():\n    return 2\n")
    assert version() != before


def test_a_module_that_is_not_imported_changes_nothing(package: Path) -> None:
    before = version()
    (package / "other.py").write_text("x = 1\n")
    assert version() == before


def test_project_modules_are_followed_across_packages() -> None:
    source_version.cache_clear()
    assert source_version("methods.pdr.method") != source_version("methods.vqvae")


def test_key_ignores_the_order_of_names() -> None:
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


def test_differences_name_the_place() -> None:
    old = {"method": {"config": {"nf": 16, "zdim": 256}}, "seed": 0}
    new = {"method": {"config": {"nf": 32, "zdim": 256}}, "seed": 0, "data": "x"}
    assert differences(old, new) == [("data", None, "x"), ("method.config.nf", 16, 32)]
