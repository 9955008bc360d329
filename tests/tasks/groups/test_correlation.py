"""Correlation between groups of features, by hand and through the task."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.base import Dataset
from datasets.errors import NotApplicable
from tasks.base import EvaluationInputs, Model, Scores, Task
from tasks.groups import correlation
from tasks.groups.correlation import Correlation, CorrelationConfig, mean_absolute_correlation
from tasks.results import Heatmap


def test_against_numpy() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((50, 3)), rng.standard_normal((50, 4))
    other[:, 0] = -2 * one[:, 1] + 5
    expected = np.abs(np.corrcoef(one, other, rowvar=False)[:3, 3:]).mean()
    assert mean_absolute_correlation(one, other) == pytest.approx(expected)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((50, 7)), rng.integers(0, 2, (50, 5)).astype(np.uint8)
    whole = mean_absolute_correlation(one, other)
    monkeypatch.setattr(correlation, "BLOCK_BYTES", 8 * 50 * 3)
    assert mean_absolute_correlation(one, other) == pytest.approx(whole, rel=1e-12)


def test_units_that_never_change_are_left_out() -> None:
    rng = np.random.default_rng(0)
    one = rng.standard_normal((50, 2))
    still = np.concatenate([one, np.ones((50, 1))], axis=1)
    assert mean_absolute_correlation(one, still) == pytest.approx(mean_absolute_correlation(one, one))


class Groups(Model):
    """A group, its negative, and noise."""

    def feature_groups(self, images: Tensor) -> dict[str, Tensor]:
        mean = images.mean(dim=(2, 3))
        noise = (images.flatten(1) * 1e4).sin()[:, 100:103]
        return {"a": mean[:, :1], "b": 1 - mean[:, :1], "c": noise}


@pytest.fixture
def dataset() -> Dataset:
    images = np.random.default_rng(1).integers(0, 256, (600, 8, 8, 3), dtype=np.uint8)
    return Dataset(images, name="drawn", synthetic=True)


def scored(groups: Callable[[], Any], dataset: Dataset) -> Scores:
    task = Correlation(CorrelationConfig(dataset="bbt"))
    return task.evaluate(EvaluationInputs(dataset, np.arange(600), seed=0, model=groups))


class Still(Model):
    """A group that changes, and two that are zeros and ones for ever."""

    def feature_groups(self, images: Tensor) -> dict[str, Tensor]:
        mean = images.mean(dim=(2, 3))
        return {"off": torch.zeros_like(mean), "a": mean, "on": torch.ones_like(mean)}


def test_a_group_that_never_changes_has_no_pair(dataset: Dataset) -> None:
    class Two(Still):
        def feature_groups(self, images: Tensor) -> dict[str, Tensor]:
            return {**super().feature_groups(images), "b": -images.mean(dim=(2, 3))}

    scores = scored(Two, dataset)
    assert list(scores.details["pcc"]["pairs"]) == ["a-b"]
    assert scores.details["pcc"]["constant"] == {"off": 3, "a": 0, "on": 3, "b": 0}
    with pytest.raises(NotApplicable, match="less than two groups"):
        scored(Still, dataset)


def test_pairs_of_groups(dataset: Dataset) -> None:
    task = Correlation(CorrelationConfig(dataset="bbt"))
    assert (task.dataset, task.encodes) == ("bbt", False)
    scores = scored(Groups, dataset)
    pairs = scores.details["pcc"]["pairs"]
    assert scores.details["pcc"]["groups"] == ["a", "b", "c"]
    assert pairs["a-b"] == pytest.approx(1, abs=1e-6)
    assert pairs["a-c"] < 0.15
    assert scores.metrics["mean_pcc"] == pytest.approx(np.mean(list(pairs.values())))
    assert torch.is_grad_enabled()


def test_the_pairs_as_a_symmetric_chart(dataset: Dataset, checked: Callable[[Task, Scores], list[str]]) -> None:
    scores = scored(Groups, dataset)
    assert checked(Correlation(CorrelationConfig(dataset="bbt")), scores) == []
    pairs = scores.details["pcc"]["pairs"]
    [chart] = scores.charts
    assert isinstance(chart, Heatmap)
    assert chart.rows == chart.columns == ("a", "b", "c")
    assert chart.values == (
        (None, pairs["a-b"], pairs["a-c"]),
        (pairs["a-b"], None, pairs["b-c"]),
        (pairs["a-c"], pairs["b-c"], None),
    )
