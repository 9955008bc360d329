"""Batches that a sampler draws: what it says, with their targets, from a stream of each epoch's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_supervised import Regressor, brightness, images, schedule

from bench.training import loop
from bench.training.loop import FabricTrainer
from datasets.base import Silent
from datasets.errors import BenchError


class OneShade:
    """Batches of three neighbours, five an epoch."""

    per_epoch = 5

    def __init__(self) -> None:
        self.drawn: list[np.ndarray] = []

    def draw(self, steps: int, rng: np.random.Generator) -> np.ndarray:
        self.drawn.append(3 * rng.integers(20, size=steps)[:, None] + np.arange(3))
        return self.drawn[-1]


class Counting(Regressor):
    """Keeps the targets that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor, *, phase: str, step: int) -> dict[str, Any]:
        self.seen.append(targets)
        return super().forward(inputs, targets, phase=phase, step=step)


class Stopped(Silent):
    """Raises what Ctrl-C raises at a batch of the whole training."""

    def __init__(self, at: int) -> None:
        self.left = at

    def track(self, items: Any, *, total: int, what: str) -> Any:
        for item in items:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            yield item


def train(folder: Path, learner: Regressor, sampler: Any, progress: Silent | None = None, **changes: Any) -> Any:
    trainer = FabricTrainer(folder, seed=3, device="cpu", progress=progress)
    settings = schedule(**{"max_epochs": 3, **changes})
    return trainer.train_supervised(learner, images(), brightness(images()), settings, sampler=sampler)


def test_batches_are_what_was_drawn_with_their_targets(tmp_path: Path) -> None:
    learner, sampler = Counting(), OneShade()
    summary = train(tmp_path, learner, sampler, max_steps=13)
    assert (summary["steps"], summary["epochs"]) == (13, 3)
    assert [len(drawn) for drawn in sampler.drawn] == [5, 5, 3]
    rows = np.concatenate(sampler.drawn)
    assert len({row.tobytes() for row in rows}) > 5, "epochs have streams of their own"
    for chosen, targets in zip(rows, learner.seen, strict=True):
        assert np.array_equal(targets.numpy(), brightness(images())[chosen])


def test_an_interrupted_training_draws_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", Regressor(), OneShade(), Stopped(at=8))
    resumed, whole, drawn = Regressor(), Regressor(), OneShade()
    train(tmp_path / "cut", resumed, drawn)
    train(tmp_path / "whole", whole, OneShade())
    assert len(drawn.drawn) == 2, "it went on after the first epoch"
    assert all(map(torch.equal, resumed.state_dict().values(), whole.state_dict().values()))


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        ([[0, 1]], "got list"),
        (np.zeros((4, 3)), r"got float64 \(4, 3\)"),
        (np.zeros((2, 3), int), r"got int64 \(2, 3\)"),
        (np.full((5, 3), 60), "got 60 to 60"),
        (np.full((5, 3), -1), "got -1 to -1"),
        (np.zeros((5, 0), int), "got empty batches"),
    ],
)
def test_what_are_no_batches_is_said_in_one_line(tmp_path: Path, drawn: Any, told: str) -> None:
    class Wrong:
        per_epoch = 5

        def draw(self, steps: int, rng: np.random.Generator) -> Any:
            return drawn

    due = r"Wrong.draw: expected indices of 60 inputs, \(5, batch\); "
    with pytest.raises(BenchError, match=due + told) as caught:
        train(tmp_path, Regressor(), Wrong())
    assert "\n" not in str(caught.value)
