"""One grid, whoever runs it: this process, several, or an executor of one's own; and workers that die."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.execution.base import Executor, Job, OnDone, Unit, units_of
from bench.execution.progress import RichProgress
from bench.grid.request import Options
from bench.pipeline.cell import Cell, cells
from bench.pipeline.records import Record
from bench.pipeline.run import run_cell
from bench.pipeline.store import Store
from bench.run import Run
from datasets.base import Silent

COUNTING = """


class Counting(Tiny):
    def fit(self, images, trainer):
        import os, pathlib

        log = pathlib.Path(os.environ["TEST_LOG"])
        with log.open("a") as lines:
            lines.write(f"fit {self.config.width}\\n")
        return super().fit(images, trainer)


class Fatal(Tiny):
    def encode(self, images):
        import os, pathlib, signal

        log = pathlib.Path(os.environ["TEST_LOG"])
        deaths = log.read_text().count("died") if log.exists() else 0
        if deaths < int(os.environ["TEST_DEATHS"]):
            with log.open("a") as lines:
                lines.write("died\\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(images)


class CutShort(Tiny):
    def fit(self, images, trainer):
        import os, signal, threading

        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
        while True:
            trainer.progress.say("x" * 1_000_000)
"""


@pytest.fixture
def counting(own_methods: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of methods that write what they do to `log`."""
    path = tmp_path / "own_counting.py"
    path.write_text(own_methods.read_text() + COUNTING)
    monkeypatch.setenv("TEST_LOG", str(tmp_path / "log"))
    return path


@pytest.fixture
def run(new_store: Callable[[str], Path], own_tracks: Path) -> Callable[..., Run]:
    """Make a run of methods on the user's tracks, of two tasks, that has not begun."""

    def make(methods: str, **options: Any) -> Run:
        values: dict[str, object] = {"profile": "smoke", "device": "cpu", "jobs": 2, "baselines": False, **options}
        request: Request = Options(
            methods=methods, tasks=f"tracks:{own_tracks},images:{own_tracks}", **values
        ).request()  # type: ignore[arg-type]
        store = Store(new_store("store"))
        return Run(request, store, cells(request, store), Console(quiet=True), "tests", mirror=False)

    return make


class Backwards(Executor):
    """Runs the cells of all units one by one, the last one first."""

    def __init__(self, job: Job, plan: Sequence[Cell], progress: RichProgress) -> None:
        self.context = job.context(Silent())
        self.plan = job.cells()
        assert [cell.name for cell in self.plan] == [cell.name for cell in plan], "a job means the same cells anywhere"

    def run(self, units: Sequence[Unit], on_done: OnDone) -> None:
        for unit in reversed(units):
            for index in reversed(unit.cells):
                on_done(index, run_cell(self.plan[index], self.context))


def test_any_executor_runs_the_whole_grid(run: Callable[..., Run], own_methods: Path) -> None:
    plain = run(f"{own_methods}:Tiny,raw_pixels,chance", jobs=1)
    assert plain.go() == 0
    other = run(f"{own_methods}:Tiny,raw_pixels,chance", force=True)
    other.choose = Backwards
    assert other.go() == 0
    assert len(other.records) == len(plain.records) == 6
    assert [(r.name, r.metrics, r.weights_sha256) for r in other.records] == [
        (r.name, r.metrics, r.weights_sha256) for r in plain.records
    ]
    assert all(record.run == other.manifest.id for record in other.records), "computed anew, by this run"


def test_cells_that_share_a_checkpoint_are_a_unit_and_one_that_needs_none_is_not_first(
    run: Callable[..., Run], own_methods: Path
) -> None:
    plan = run(f"{own_methods}:Tiny,{own_methods}:Diverges").plan
    assert [unit.cells for unit in units_of(plan)] == [(0, 1), (2, 3)]


def test_force_trains_each_checkpoint_once_with_two_workers(
    run: Callable[..., Run], counting: Path, tmp_path: Path
) -> None:
    """Two seeds, two tasks each: four cells that share two checkpoints."""
    methods = f"{counting}:Counting"
    assert run(methods, seeds="0,1").go() == 0
    assert (tmp_path / "log").read_text().count("fit") == 2
    again = run(methods, seeds="0,1", force=True)
    assert again.go() == 0
    assert (tmp_path / "log").read_text().count("fit") == 4, "each of the two once more"
    assert not any(done.cached for done in again.done.values())
    fits = {record.stages["fit"].key for record in again.records}
    assert len(fits) == 2


def records_of(run: Run) -> list[tuple[str, str | None]]:
    return [(record.status, record.error) for record in run.records]


def test_a_dead_workers_cells_are_run_again_by_another_once(
    run: Callable[..., Run], counting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DEATHS", "1")
    once = run(f"{counting}:Fatal,{counting}:Counting")
    assert once.go() == 0, records_of(once)
    assert [record.status for record in once.records] == ["ok"] * 4


def test_a_cell_that_kills_two_workers_is_given_up_and_the_others_end(
    run: Callable[..., Run], counting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DEATHS", "99")
    fatal = run(f"{counting}:Fatal,{counting}:Counting")
    assert fatal.go() == 1
    first, second, *others = fatal.records
    assert "its worker process died twice" in str(first.error)
    assert second.status == "failed"
    assert [record.status for record in others] == ["ok", "ok"]


def test_a_worker_that_dies_while_it_reports_does_not_silence_the_others(
    run: Callable[..., Run], counting: Path
) -> None:
    """What is in the middle of a message when it is killed takes nothing with it that the others need."""
    cut = run(f"{counting}:CutShort,{counting}:Counting")
    assert cut.go() == 1
    status = {(record.method, record.status) for record in cut.records}
    assert status == {("own_counting.py:CutShort", "failed"), ("own_counting.py:Counting", "ok")}


def test_nothing_is_left_running(run: Callable[..., Run], own_methods: Path) -> None:
    """Ctrl-C in the parent ends the workers, and what had ended is on record."""
    one = run(f"{own_methods}:Tiny", seeds="0-3")
    take, seen = one._take, list[Record]()

    def interrupt(index: int, done: object) -> None:
        take(index, done)  # type: ignore[arg-type]
        seen.append(one.done[index].record)
        os.kill(os.getpid(), signal.SIGINT)

    one._take = interrupt  # type: ignore[method-assign]
    assert one.go() == 130
    assert len(one.records) == len(seen) >= 1
    import multiprocessing

    assert not multiprocessing.active_children()
