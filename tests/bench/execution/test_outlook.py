"""What a plan costs: told by records of the same, by steps that are timed, or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.commands.plan import lines
from bench.execution import measure
from bench.execution.costs import Costs
from bench.execution.measure import TIMED, UNTIMED, StepClock
from bench.execution.outlook import Outlook, outlook
from bench.execution.progress import Whole, duration
from bench.execution.workers import worker_count
from bench.grid.request import Options, Request
from bench.pipeline.cell import Cell, cells
from bench.pipeline.context import Context
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.pipeline.walk import look
from datasets.base import Silent
from datasets.errors import BenchError
from methods.learning import Learner, Losses, Schedule

Grid = Callable[..., tuple[int, list[Record]]]


class Nothing(Learner):
    """A learner that nobody trains."""

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}

    def forward(self, images: Any, *, phase: str, step: int, generator: torch.Generator) -> Losses:
        return {}

    def validate(self, images: Any) -> Losses:
        return {}


@pytest.fixture
def asked(own_methods: Path, own_tracks: Path, tmp_path: Path) -> Callable[..., tuple[Request, list[Cell], Context]]:
    """What a request on the user's tracks means to the store that `grid` fills."""

    def ask(**options: Any) -> tuple[Request, list[Cell], Context]:
        values = {"methods": f"{own_methods}:Tiny", "tasks": f"tracks:{own_tracks}", "profile": "smoke", **options}
        request = Options(**values, device="cpu", baselines=False).request()
        store = Store(tmp_path / "store")
        return request, cells(request, store), Context.of(request, store)

    return ask


def test_records_of_the_same_tell_and_others_do_not(
    grid: Grid, own_methods: Path, asked: Callable[..., tuple[Request, list[Cell], Context]]
) -> None:
    _, [record] = grid(f"{own_methods}:Tiny")
    _, [other_seed], context = asked(seeds="1")
    costs = Costs.of(context)
    assert costs.get(other_seed, "fit") == record.stages["fit"]
    assert costs.get(other_seed, "evaluate") == record.stages["evaluate"]
    for options in ({"settings": ["Tiny.width=3"]}, {"profile": "mini"}, {"threads": 2}):
        _, [other], context = asked(seeds="1", **options)
        assert [Costs.of(context).get(other, stage) for stage in ("fit", "encode", "evaluate")] == [None] * 3, options
    _, [part], context = asked(seeds="1", limit=3)
    assert Costs.of(context).get(part, "fit") == record.stages["fit"], "which knows nothing of tasks"
    assert Costs.of(context).get(part, "evaluate") is None


def test_an_outlook_adds_up_what_is_to_do(
    grid: Grid, own_methods: Path, asked: Callable[..., tuple[Request, list[Cell], Context]]
) -> None:
    _, [record] = grid(f"{own_methods}:Tiny")
    _, plan, context = asked(seeds="0-2")
    ahead = outlook([look(cell, context) for cell in plan], context)
    assert (ahead.trainings, ahead.timed, ahead.unknown) == (2, 0, {})
    assert ahead.seconds["fit"] == pytest.approx(2 * record.stages["fit"].seconds)
    assert set(ahead.cells) == {plan[1].name, plan[2].name}, "seed 0 is in the store"
    assert ahead.sized
    assert ahead.bytes > 2 * 4 * (record.parameters or 0)
    assert ahead.memory_mb == max(record.stages[stage].peak_memory_mb for stage in ("fit", "encode", "evaluate"))


def test_a_training_that_no_record_tells_of_is_timed_once_for_all_seeds(
    asked: Callable[..., tuple[Request, list[Cell], Context]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, plan, context = asked(seeds="0,1")
    found = [look(cell, context) for cell in plan]
    unknown = outlook(found, context)
    assert unknown.unknown["fit"] == 2
    assert unknown.guessed == {cell.name for cell in plan}
    taken: list[int] = []
    train = measure.FabricTrainer.train

    def counted(self: Any, learner: Any, images: Any, schedule: Schedule, **name: Any) -> dict[str, Any]:
        taken.append(schedule.max_steps or 0)
        return {**train(self, learner, images, schedule, **name), "seconds": 6.0}

    monkeypatch.setattr(measure.FabricTrainer, "train", counted)
    ahead = outlook(found, context, Silent())
    assert taken == [UNTIMED, TIMED]
    assert (ahead.trainings, ahead.timed) == (2, 2)
    count = measure.open_source(plan[0].training_dataset, None, "smoke").count  # type: ignore[arg-type, attr-defined]
    steps = 3 * (int(count * 0.8) // 16)  # three epochs of Tiny
    assert ahead.seconds["fit"] == pytest.approx(2 * 6.0 / TIMED * steps)
    assert list((context.store.root / "checkpoints").iterdir()) == [], "what is timed is thrown away"


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        (Schedule(batch_size=10, max_epochs=5), 5 * 8),
        (Schedule(batch_size=10, max_epochs=5, max_steps=7), 7),
        (Schedule(batch_size=10, max_epochs=5, holdout=False), 5 * 10),
        (Schedule(batch_size=500, max_epochs=5), 5),
    ],
)
def test_all_steps_of_a_schedule_count(
    schedule: Schedule, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure.FabricTrainer, "train", lambda *_, **__: {"seconds": 1.0, "steps": 2})
    clock = StepClock(tmp_path, "cpu")
    clock.train(Nothing(), np.zeros((100, 8, 8, 3), np.uint8), schedule)
    assert clock.seconds == steps / 2


def test_the_paper_on_a_cpu_and_what_does_not_fit_are_warned_of(
    asked: Callable[..., tuple[Request, list[Cell], Context]],
) -> None:
    request, _, context = asked(profile="paper")
    ahead = Outlook(trainings=1, memory_mb=2.0**40, bytes=10**18)
    ahead.add("pdr/bbt/0", "fit", 7200.0, None, 0)
    said = list(lines(ahead, request, context))
    assert "  train: about 2.0 h" in said
    assert sum(line.startswith("warning: ") for line in said) == 3
    assert any("made for a GPU" in line for line in said)
    smoke, _, _ = asked()
    assert not any("made for a GPU" in line for line in lines(ahead, smoke, context))
    assert list(lines(Outlook(), request, context)) == ["nothing to train: all of it is in the store"]


def test_what_is_unknown_is_called_so(asked: Callable[..., tuple[Request, list[Cell], Context]]) -> None:
    request, _, context = asked(jobs=2)
    ahead = Outlook(trainings=2)
    ahead.add("a/b/0", "fit", 100.0, 500.0, 10**9)
    ahead.add("a/b/1", "fit", None, None, None)
    said = list(lines(ahead, request, context))
    assert "  train: about 2 min, and 1 of which it is unknown" in said
    assert "time: at least 2 min in 2 processes side by side" in said
    assert any(line.startswith("disk: at least 1.0 GB more") for line in said)


def test_no_more_workers_than_memory_holds(asked: Callable[..., tuple[Request, list[Cell], Context]]) -> None:
    def count(memory_mb: float | None, **options: Any) -> int:
        return worker_count(asked(**options)[0], "cpu", memory_mb)

    assert count(None, jobs=6) == 6
    assert count(1500.0, jobs=6, memory=4.0) == 2
    assert count(None, jobs=6, memory=4.0) == 4, "a gibibyte each where nothing is known"
    assert count(9000.0, jobs=6, memory=4.0) == 1
    wrong: list[tuple[dict[str, Any], str]] = [({"memory": 0.0}, "--memory"), ({"threads": 0}, "expected 1 to")]
    for options, message in [*wrong, ({"memory": float("nan")}, "--memory")]:
        with pytest.raises(BenchError, match=message):
            asked(**options)


def test_a_run_says_how_far_it_is() -> None:
    whole = Whole(3, 2, {"a": 100.0, "b": 300.0}, {"b"})
    assert whole.line() == "run: 0 of 3 cells, 0 s so far, at least 3 min left"
    whole.ended("b")
    assert whole.line() == "run: 1 of 3 cells, 0 s so far, about 50 s left"
    whole.ended("a")
    assert whole.line() == "run: 2 of 3 cells, 0 s so far, the rest unknown"


def test_durations_for_a_person() -> None:
    assert [duration(one) for one in (0.4, 89, 91, 5400, 86400 * 2.9, 86400 * 10)] == [
        "0 s",
        "89 s",
        "2 min",
        "1.5 h",
        "69.6 h",
        "10 days",
    ]
