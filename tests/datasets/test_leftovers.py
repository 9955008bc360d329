"""What killed processes leave behind is swept, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datasets import leftovers
from datasets.files import atomic_folder, atomic_path
from datasets.leftovers import UNTOUCHED, nobodys, sweep, temporary_name

WRITER = """
import sys, time
from pathlib import Path
from datasets.files import atomic_folder, atomic_path
with atomic_path(Path(sys.argv[1]) / "a.json") as path, atomic_folder(Path(sys.argv[1]) / "b") as folder:
    path.write_text("half")
    (folder / "c.npy").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_what_a_live_process_writes_stays_and_what_it_left_when_killed_goes(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(list(tmp_path.iterdir())) == 2
        assert sweep([tmp_path]) == 0
        assert len(list(tmp_path.iterdir())) == 2
        process.kill()
    assert sweep([tmp_path]) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_this_process_writes_is_somebodys(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a") as path, atomic_folder(tmp_path / "b") as folder:
        path.write_text("half")
        assert not nobodys(path)
        assert not nobodys(folder)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "b"]


def test_a_number_given_to_another_process_is_told_by_its_start(tmp_path: Path, monkeypatch) -> None:
    name = temporary_name("a")
    (tmp_path / name).write_text("half")
    monkeypatch.setattr(leftovers, "_start", lambda _: 1)
    assert nobodys(tmp_path / name)


@pytest.mark.parametrize("name", [".a.0123.tmp", ".a.00000000-1-1.01234567.tmp"])
def test_of_another_machine_only_what_is_untouched_for_a_day_goes(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "features.npy").write_text("half")
    assert not nobodys(folder)
    old = time.time() - UNTOUCHED - 60
    os.utime(folder, (old, old))
    assert not nobodys(folder)
    os.utime(folder / "features.npy", (old, old))
    assert nobodys(folder)


def test_other_files_stay(tmp_path: Path) -> None:
    for name in (".hidden", "a.tmp", "b.json"):
        (tmp_path / name).write_text("theirs")
    assert sweep([tmp_path, tmp_path / "absent"]) == 0
    assert len(list(tmp_path.iterdir())) == 3


def test_long_names_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250)
    with atomic_path(target) as path:
        path.write_text("whole")
    assert target.read_text() == "whole"
