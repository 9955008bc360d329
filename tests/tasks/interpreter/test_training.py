"""Training of the pixel classifiers: they learn, each by an order of its own, and stop for good."""

import math

import numpy as np
import pytest
import torch

from datasets.base import Silent
from datasets.errors import Divergence
from tasks.interpreter.ensemble import new_ensemble
from tasks.interpreter.training import Pace, Stopping, squared_error, train

CLASSES = 3
PACE = Pace(batch=32, learning_rate=3e-3, epochs=6, warm=2, patience=5)


@pytest.fixture
def pixels() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 640)
    rows = rng.normal(size=(640, 5))
    rows[:, 0] += 6 * labels
    return torch.from_numpy(rows).half(), torch.from_numpy(labels)


def fitted(
    rows: torch.Tensor, targets: torch.Tensor, pace: Pace = PACE, seed: int = 0
) -> tuple[list[int], torch.nn.Module]:
    ensemble = new_ensemble(rows.shape[1], CLASSES, seed, members=3)
    taken = train(ensemble, rows, targets, pace, seed=seed, progress=Silent(), what="test")
    return taken, ensemble


def test_the_ensemble_learns_and_is_repeatable(pixels: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = pixels
    _, ensemble = fitted(rows, labels)
    assert not ensemble.training
    found = ensemble.judge(rows)
    assert (found.label == labels).float().mean() > 0.95
    assert (found.uncertainty >= 0).all()
    _, again = fitted(rows, labels)
    assert torch.equal(ensemble(rows.float()), again(rows.float()))
    _, other = fitted(rows, labels, seed=1)
    assert not torch.equal(ensemble(rows.float()), other(rows.float()))


def test_blocks_change_nothing(pixels: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = pixels
    _, ensemble = fitted(rows, labels)
    whole = ensemble.judge(rows)
    ensemble.block = 77
    parts = ensemble.judge(rows)
    assert torch.equal(whole.label, parts.label)
    torch.testing.assert_close(whole.uncertainty, parts.uncertainty)
    mean, variance = ensemble.regress(rows)
    every = ensemble(rows.float())
    torch.testing.assert_close(mean, every.mean(dim=0))
    torch.testing.assert_close(variance, every.var(dim=0, correction=0).mean(dim=1))


def test_a_member_keeps_the_weights_that_it_stopped_with(
    pixels: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = pixels
    stops = iter([10, 25, 10**6])

    class Fixed(Stopping):
        def __init__(self, warm: int, patience: int) -> None:
            super().__init__(warm, patience)
            self.left = next(stops)

        def after(self, epoch: int, loss: float) -> bool:
            self.left -= 1
            return self.left == 0

    monkeypatch.setattr("tasks.interpreter.training.Stopping", Fixed)
    taken, ensemble = fitted(rows, labels)
    assert taken == [10, 25, PACE.epochs * 20]
    stops = iter([10, 10, 10])
    ten, short = fitted(rows, labels)
    assert ten == [10, 10, 10]
    for name, value in ensemble.state_dict().items():
        assert torch.equal(value[0], short.state_dict()[name][0]), name
        assert not torch.equal(value[1], short.state_dict()[name][1]), name


def test_when_a_member_stops() -> None:
    rule = Stopping(warm=1, patience=2)
    assert not any(rule.after(0, loss) for loss in (0.1, 5.0, 5.0, 5.0, 5.0))
    # What came before the warm epochs' end is no best to beat, and an equal loss is no better one.
    assert [rule.after(1, loss) for loss in (3.0, 3.0, 2.0, 2.0, 2.0, 2.0)] == [False] * 5 + [True]


def test_heat_is_regressed(pixels: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = pixels
    heat = torch.nn.functional.one_hot(labels, CLASSES).float()
    ensemble = new_ensemble(rows.shape[1], CLASSES, 0, members=2)
    train(ensemble, rows, heat, PACE, seed=0, progress=Silent(), what="test", loss=squared_error)
    assert (ensemble.regress(rows)[0] - heat).square().mean() < 0.05


def test_fewer_pixels_than_a_batch(pixels: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = pixels
    taken, _ = fitted(rows[:9], labels[:9], Pace(batch=64, epochs=3))
    assert taken == [3, 3, 3]


def test_a_loss_that_is_not_finite_names_the_classifier(pixels: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = pixels
    rows[3] = math.nan
    with pytest.raises(Divergence, match=r"test: the loss of classifier \d is nan in epoch 1"):
        fitted(rows, labels)
