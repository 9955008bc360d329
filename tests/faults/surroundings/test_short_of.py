"""Machines that are short of something: a command ends with one clear line or finishes, and the next one goes on."""

import json
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.campaign import tried
from tests.processes import command, environment

COMMAND = ["run", "--methods", "random_init", "--no-baselines", "--tasks", "bbt", "--profile", "smoke", "--no-mlflow"]


def bench(*arguments: str, short_of: Callable[[], None] | None = None, **options: object) -> tuple[int, str]:
    """A command's exit code and what it printed, in a process of its own with limits."""
    tried("surroundings: commands short of space, memory, handles, an output or a home")
    own = {**os.environ, **environment()}
    given: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": own, **options}
    process = subprocess.run(  # type: ignore[call-overload]
        command(*arguments), preexec_fn=short_of, text=True, timeout=300, check=False, **given
    )
    return process.returncode, (process.stdout or "") + (process.stderr or "")


def limit(which: int, value: int) -> Callable[[], None]:
    """To be called in the process that is to have the limit."""
    return lambda: resource.setrlimit(which, (value, value))


def told_in_one_line(text: str) -> None:
    """No traceback, and each error is a line of its own."""
    assert "Traceback" not in text, text
    assert [line for line in text.splitlines() if line.startswith("error: ")], text


@pytest.mark.parametrize("kilobytes", [1, 30, 300])
def test_files_that_cannot_grow_are_one_line_and_the_next_run_goes_on(tmp_path: Path, kilobytes: int) -> None:
    """As a full disk: a write fails half-way."""
    store = tmp_path / "store"
    code, text = bench(*COMMAND, "--store", str(store), short_of=limit(resource.RLIMIT_FSIZE, kilobytes * 1000))
    assert code in (1, 2), text  # 2 where not even the record of a failure can be written
    told_in_one_line(text)
    code, text = bench(*COMMAND, "--store", str(store))
    assert code == 0, text
    assert [json.loads(path.read_text())["status"] for path in store.glob("records/*.json")].count("ok") == 1


def test_sixty_four_file_handles_are_enough(tmp_path: Path) -> None:
    code, text = bench(*COMMAND, "--store", str(tmp_path / "store"), short_of=limit(resource.RLIMIT_NOFILE, 64))
    assert code == 0, text


@pytest.mark.parametrize("megabytes", [300, 1500])
def test_little_memory_is_one_line_or_a_finished_run(tmp_path: Path, megabytes: int) -> None:
    code, text = bench(
        *COMMAND, "--store", str(tmp_path / "store"), short_of=limit(resource.RLIMIT_AS, megabytes * 10**6)
    )
    assert code in (0, 1), text
    if code:
        told_in_one_line(text)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("given", [["list", "methods"], ["run", *COMMAND[1:]]])
def test_an_output_that_takes_nothing_is_one_line(tmp_path: Path, given: list[str]) -> None:
    store = ["--store", str(tmp_path / "store")] if given[0] == "run" else []
    with Path("/dev/full").open("w") as full:
        code, text = bench(*given, *store, stdout=full, stderr=subprocess.PIPE)
    assert code == 1, text
    told_in_one_line(text)
    assert len(text.splitlines()) == 1, text


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder here that nobody can write to")
def test_a_store_that_cannot_be_written_is_one_line() -> None:
    code, text = bench(*COMMAND, "--store", "/proc/store")
    assert code == 2
    assert text.startswith("error: cannot write to the store /proc/store")
    assert len(text.splitlines()) == 1, text


def test_without_home_or_account_a_run_ends_well(tmp_path: Path) -> None:
    code, text = bench(*COMMAND, "--store", str(tmp_path / "store"), env=environment())
    assert code == 0, text
    assert "Traceback" not in text
