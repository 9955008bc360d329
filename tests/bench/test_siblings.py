"""Folders and files beside a user's command that are called as the project's packages are."""

import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.siblings import ROOT, passed_over

ASK = """
import sys
sys.path[:0] = [{beside!r}, {root!r}]
{before}
import bench, datasets, methods, tasks
import datasets.errors, methods.ranges, tasks.results
print(datasets.__file__, methods.__file__, tasks.__file__)
"""


def ask(beside: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    code = ASK.format(beside=str(beside), root=str(ROOT), before=before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", ["tasks.py", "methods/__init__.py", "datasets/__init__.py", "datasets/errors.py"])
def test_the_projects_own_packages_are_taken(file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("raise ZeroDivisionError('a stranger')\n")
    done = ask(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(ROOT / name / "__init__.py") for name in ("datasets", "methods", "tasks")]


def test_one_that_was_imported_before_is_named(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("")
    done = ask(tmp_path, before="import tasks")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: tasks has been imported from {tmp_path / 'tasks.py'}")


def test_what_is_passed_over_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(bench.__file__).parent == ROOT / "bench"
    (tmp_path / "tasks.py").write_text("")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "photo.png").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert passed_over("tasks") == tmp_path / "tasks.py"
    assert passed_over("datasets") is None, "a folder of images is no package"
