"""The cores that a process may use, not those of the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from datasets import cores
from datasets.cores import quotas, usable_cores

ASK = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
PRINT = "from datasets.cores import usable_cores; print(usable_cores())"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_that_is_tied_to_one_core_has_one() -> None:
    done = subprocess.run([sys.executable, "-c", ASK + PRINT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def group(folder: Path, **files: str) -> None:
    """A control group with these files; `cpu_max` is `cpu.max`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("cpu_", "cpu.", 1)).write_text(text)


def member(tmp_path: Path, text: str) -> Path:
    (tmp_path / "membership").write_text(text)
    return tmp_path / "membership"


def test_every_group_above_counts(tmp_path: Path) -> None:
    group(tmp_path / "job", cpu_max="150000 100000\n")
    group(tmp_path / "job" / "step", cpu_max="400000 100000\n")
    group(tmp_path / "job" / "step" / "task", cpu_max="max 100000\n")
    assert list(quotas(member(tmp_path, "0::/job/step/task\n"), tmp_path)) == [4.0, 1.5]


@pytest.mark.parametrize("tree", ["cpu", "cpu,cpuacct"])
def test_the_first_version_has_a_tree_of_its_own(tree: str, tmp_path: Path) -> None:
    group(tmp_path / tree, cpu_cfs_quota_us="-1\n", cpu_cfs_period_us="100000\n")
    group(tmp_path / tree / "job", cpu_cfs_quota_us="50000\n", cpu_cfs_period_us="100000\n")
    text = "9:memory:/job\n5:cpuset:/job\n4:cpu,cpuacct:/job\n"
    assert list(quotas(member(tmp_path, text), tmp_path)) == [0.5]


def test_a_group_that_cannot_be_seen_leaves_those_above_it(tmp_path: Path) -> None:
    group(tmp_path, cpu_max="200000 100000\n")
    assert list(quotas(member(tmp_path, "0::/host/only\n"), tmp_path)) == [2.0]
    assert list(quotas(tmp_path / "no-such-file", tmp_path)) == []


@pytest.mark.parametrize("text", ["", "max\n", "0 0\n", "many 100000\n"])
def test_what_says_no_number_is_no_limit(text: str, tmp_path: Path) -> None:
    group(tmp_path, cpu_max=text)
    assert list(quotas(member(tmp_path, "0::/\n"), tmp_path)) == []


@pytest.mark.parametrize(("limits", "expected"), [([], 8), ([16.0], 8), ([2.5, 1.2], 2), ([0.1], 1)])
def test_the_least_of_all_limits_rules(limits: list[float], expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    monkeypatch.setattr(cores, "quotas", lambda: iter(limits))
    assert usable_cores() == expected
