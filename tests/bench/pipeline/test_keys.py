"""Keys change with what a value depends on and with nothing else."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.pipeline import keys
from bench.pipeline.keys import differences, key_of, packages_of, source_version


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


def forget() -> None:
    """Read all sources anew."""
    for function in (keys.source_version, keys.packages_of, keys._closure, keys._read):
        function.cache_clear()


def version() -> str:
    forget()
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
    forget()
    assert source_version("methods.pdr.method") != source_version("methods.vqvae")


def test_key_ignores_the_order_of_names() -> None:
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


def test_differences_name_the_place() -> None:
    old = {"method": {"config": {"nf": 16, "zdim": 256}}, "seed": 0}
    new = {"method": {"config": {"nf": 32, "zdim": 256}}, "seed": 0, "data": "x"}
    assert differences(old, new) == [("data", None, "x"), ("method.config.nf", 16, 32)]


def test_versions_of_the_packages_that_decide_numbers_are_those_that_the_code_imports() -> None:
    ward, loop = packages_of("tasks.clustering.ward"), packages_of("bench.training.loop")
    assert {"numpy", "scipy"} <= set(ward)
    assert "torch" in loop
    assert "finch-clust" not in loop, "a new version of what is not used trains nothing anew"
    assert "kornia" in packages_of("methods.selfsupervised.contrastive")
    assert "kornia" not in packages_of("methods.selfsupervised.masked")
    assert "torchmetrics" in packages_of("tasks.rerendered.task")


# What methods and tasks import that decides no number: types, settings, files, pictures, what the machine has.
NEUTRAL_PACKAGES = {
    *("jaxtyping", "pydantic", "safetensors", "huggingface_hub"),
    *("PIL", "matplotlib", "psutil", "threadpoolctl"),
}


def test_every_package_that_methods_and_tasks_import_is_one_or_the_other() -> None:
    root = Path(keys.__file__).parents[2]
    found = set()
    for room in ("methods", "tasks"):
        for path in (root / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {name.name.partition(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.partition(".")[0])
    unknown = found - sys.stdlib_module_names - {*keys.PROJECT_PACKAGES, *keys.DECISIVE, *NEUTRAL_PACKAGES}
    assert not unknown


PRINT_KEYS = """
import json, sys
from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.context import Context
from bench.pipeline.store import Store
from bench.pipeline.walk import look

request = Options(methods="pdr,vqvae,raw_pixels", tasks="bbt,celeba_linear", profile="smoke", baselines=False).request()
store = Store(__import__("pathlib").Path(sys.argv[1]))
context = Context.of(request, store)
found = {}
for cell in cells(request, store):
    found[cell.name] = [cell.unit, look(cell, context).ingredients]
print(json.dumps([found, [__import__("bench.pipeline.keys").pipeline.keys.source_version("bench.training.loop")]]))
"""


def keys_in(tree: Path, store: Path) -> str:
    """All that keys are made of, as the code in `tree` sees it."""
    command = [sys.executable, "-c", PRINT_KEYS, str(store)]
    done = subprocess.run(
        command, cwd=tree, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."}
    )
    return done.stdout.splitlines()[-1]


def test_keys_follow_what_computes_and_not_what_reports(tmp_path: Path, drawn: Path) -> None:
    """A field added to the record and reworded progress change no key; a changed line of a loss does."""
    tree, store, root = tmp_path / "tree", tmp_path / "store", Path(__file__).parents[3]
    for package in ("bench", "methods", "tasks", "datasets"):
        shutil.copytree(root / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    store.mkdir()
    (store / "data").symlink_to(drawn)
    before = keys_in(tree, store)
    assert '"fit"' in before, "the training images are there, so that keys of trainings are known"

    def edit(name: str, old: str, new: str) -> None:
        text = (tree / name).read_text()
        assert old in text, f"{name} changed: adapt this test"
        (tree / name).write_text(text.replace(old, new, 1))

    edit(
        "bench/pipeline/records.py",
        "    environment: Environment\n",
        "    environment: Environment\n    mood: str = ''\n",
    )
    edit("bench/training/report.py", "going on after epoch", "continuing after epoch")
    edit("bench/run.py", "interrupted: run the same command", "stopped: run the same command")
    assert keys_in(tree, store) == before
    edit("methods/pdr/losses.py", " * ", " * 1.0 * ")
    assert keys_in(tree, store) != before
