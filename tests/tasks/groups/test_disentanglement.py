"""The task `disentanglement`, on codes whose answers are known."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.base import Dataset
from datasets.errors import BenchError, NotApplicable
from datasets.packed import PackedBits
from datasets.synthetic.faces.factors import NAMES, factors
from datasets.synthetic.sources import FacesTruth
from tasks.base import EvaluationInputs, Model, Scores, Task
from tasks.groups.disentanglement import Disentanglement, DisentanglementConfig, by_scene_parameter
from tasks.results import Heatmap

COUNT = 128
FACTORS = factors(list(FacesTruth.open("mini").faces())[:COUNT])
TRUE = (FACTORS - FACTORS.mean(axis=0)) / FACTORS.std(axis=0)
KINDS = np.array([name.split(".")[0] for name in NAMES])


class Whole(Model):
    """No groups."""

    def feature_groups(self, images: Tensor) -> dict[str, Tensor]:
        raise NotApplicable("no groups of features")


class Grouped(Model):
    """Groups given beforehand; an image's first two bytes are its index."""

    def __init__(self, groups: Mapping[str, np.ndarray]) -> None:
        self.groups = groups

    def feature_groups(self, images: Tensor) -> dict[str, Tensor]:
        assert torch.is_inference_mode_enabled()
        index = (images[:, :2, 0, 0] * 255).round().long()
        places = index[:, 0] + 256 * index[:, 1]
        return {name: torch.from_numpy(values)[places] for name, values in self.groups.items()}


def drawn(count: int = COUNT, values: np.ndarray = FACTORS) -> Dataset:
    images = np.zeros((count, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    return Dataset(
        images, truth={"factors": values[:count]}, classes={"factors": NAMES}, name="faces_truth", synthetic=True
    )


def scored(
    features: Any,
    model: Callable[[], Any] = Whole,
    dataset: Dataset | None = None,
    frames: np.ndarray | None = None,
    **config: Any,
) -> Scores:
    dataset = drawn() if dataset is None else dataset
    frames = np.arange(len(dataset)) if frames is None else frames
    task = Disentanglement(DisentanglementConfig(**{"trees": 20, **config}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return task.evaluate(EvaluationInputs(dataset, frames, seed=3, features=features, model=model))


def test_true_factors_noise_and_mixtures() -> None:
    rng = np.random.default_rng(0)
    true = scored(TRUE).metrics
    noise = scored(rng.standard_normal((COUNT, 2000)).astype(np.float32))
    mixed = scored(np.tile(TRUE @ np.linalg.qr(rng.standard_normal((28, 28)))[0], 3).astype(np.float32)).metrics
    assert list(true) == [metric.name for metric in Disentanglement.metrics]
    assert all(0 <= value <= 1 for scores in (true, noise.metrics, mixed) for value in scores.values())
    assert true["dci_disentanglement"] > 0.85
    assert true["dci_completeness"] > 0.85
    assert true["dci_informativeness"] > 0.9
    assert true["sap"] > 0.7
    assert true["mig"] > 0.4
    assert all(value < 0.1 for value in noise.metrics.values())
    assert all(mixed[name] < 0.5 * true[name] for name in ("dci_disentanglement", "dci_completeness", "mig", "sap"))
    assert np.max(noise.details["disentanglement"]["values"]) < 0.1
    assert noise.details["disentanglement"]["rows"] == ["all"]
    assert "completeness" not in noise.details["disentanglement"]


def test_matrix_of_groups() -> None:
    rng = np.random.default_rng(0)
    tilted = {
        kind: (TRUE[:, kind == KINDS] @ rng.standard_normal(((kind == KINDS).sum(), 50))).astype(np.float32)
        for kind in ("light", "view", "geometry")
    }
    scores = scored(None, lambda: Grouped(tilted))
    found = scores.details["disentanglement"]
    assert found["rows"] == ["light", "view", "geometry"]
    assert found["columns"] == ["geometry", "albedo", "light", "view", "expression"]
    values = np.array(found["values"])
    assert values[[0, 1, 2], [2, 3, 0]].min() > 0.95
    values[[0, 1, 2], [2, 3, 0]] = 0
    assert values.max() < 0.3  # people's parameters go together
    assert found["disentanglement"] > 0.5
    assert scores.details["codes"] == {"light": 4, "view": 6, "geometry": 8}
    by_factor = scores.details["disentanglement_factors"]
    assert by_factor["columns"] == list(NAMES)
    light = np.array(by_factor["values"])[0, KINDS == "light"]
    assert found["values"][0][2] == pytest.approx(light.mean())


def test_matrix_by_hand() -> None:
    found = by_scene_parameter(["a", "b"], ["x.1", "y.1", "x.2"], np.array([[0.2, 0.0, 0.4], [0.0, 0.6, 0.0]]))
    assert found["columns"] == ["x", "y"]
    assert np.array(found["values"]) == pytest.approx(np.array([[0.3, 0], [0, 0.6]]))
    assert (found["disentanglement"], found["completeness"]) == pytest.approx((1, 1))
    level = by_scene_parameter(["a", "b"], ["x.1", "y.1"], np.full((2, 2), 0.5))
    assert (level["disentanglement"], level["completeness"]) == pytest.approx((0, 0), abs=1e-12)
    # One scene parameter is easier to tell than the other, from either group.
    easy = by_scene_parameter(["a", "b"], ["x.1", "y.1"], np.array([[0.9, 0.1], [0.9, 0.1]]))
    assert (easy["disentanglement"], easy["completeness"]) == pytest.approx((0, 0), abs=1e-12)
    # Three quarters of what is told of x is in a, all that is told of y in b, and nothing tells z.
    partial = by_scene_parameter(["a", "b"], ["x.1", "y.1", "z.1"], np.array([[0.6, 0.0, 0.0], [0.2, 0.7, 0.0]]))
    b = 1 + (0.2 * np.log(0.2) + 0.8 * np.log(0.8)) / np.log(3)  # shares 1/4 and 1
    x = 1 + (0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(2)
    assert partial["disentanglement"] == pytest.approx((0.75 + 1.25 * b) / 2)
    assert partial["completeness"] == pytest.approx((0.8 * x + 0.7) / 1.5)


def test_groups_share_the_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.groups.features.BATCH", 50)
    rng = np.random.default_rng(0)
    groups = {name: rng.standard_normal((COUNT, 40)).astype(np.float32) for name in "abc"}
    groups["off"] = np.zeros((COUNT, 40), np.float32)
    scores = scored(None, lambda: Grouped(groups), codes=14)
    assert scores.details["codes"] == {"a": 4, "b": 4, "c": 3, "off": 0}
    assert scores.predictions["codes"].shape == (COUNT, 11)
    assert scores.details["disentanglement"]["values"][3] == [0] * 5
    assert sum(scored(None, lambda: Grouped(groups), codes=2).details["codes"].values()) == 3


def test_predictions_are_what_the_scores_come_from() -> None:
    frames = np.arange(1, COUNT, 2)
    features = np.random.default_rng(0).standard_normal((len(frames), 10)).astype(np.float32)
    found = scored(features, frames=frames).predictions
    assert np.array_equal(found["frame"], frames)
    assert np.array_equal(found["factors"], FACTORS[frames])
    assert found["codes"] == pytest.approx((features - features.mean(axis=0)) / features.std(axis=0), abs=1e-5)


def test_same_seed_same_bits() -> None:
    features = (TRUE @ np.random.default_rng(0).standard_normal((28, 60))).astype(np.float32)
    first, again = scored(features), scored(features)
    assert first.metrics == again.metrics
    assert first.details == again.details


def test_packed_bits_and_still_features() -> None:
    bits = (np.random.default_rng(0).uniform(size=(COUNT, 500)) < 0.5).astype(np.uint8)
    bits[:, :28] = TRUE > 0
    packed = scored(PackedBits(np.packbits(bits, axis=1), 500))
    assert packed.metrics == scored(bits.astype(np.float32)).metrics
    still = scored(np.ones((COUNT, 500), np.float32))
    assert set(still.metrics.values()) == {0.0}


def test_few_images_of_which_a_factor_is_constant() -> None:
    values = FACTORS.copy()
    values[:, 3] = 1.5
    features = np.random.default_rng(0).standard_normal((32, 100)).astype(np.float32)
    scores = scored(features, dataset=drawn(32, values), trees=30)
    assert scores.details["constant"] == [NAMES[3]]
    assert list(scores.details["factors"]) == [name for name in NAMES if name != NAMES[3]]
    assert all(0 <= value <= 1 for value in scores.metrics.values())
    assert scores.details["codes"] == {"all": 31}


def test_what_it_cannot_score() -> None:
    with pytest.raises(NotApplicable, match="no features"):
        scored(None)
    features = np.ones((COUNT, 4), np.float32)
    features[5, 2] = np.nan
    with pytest.raises(BenchError, match="of 1 of 128 images are not finite"):
        scored(features)
    with pytest.raises(BenchError, match="no true factors"):
        scored(features, dataset=Dataset(np.zeros((COUNT, 2, 2, 3), np.uint8), name="bbt"))
    with pytest.raises(BenchError, match="7 images, expected at least 8"):
        scored(features[:7], dataset=drawn(7))
    with pytest.raises(BenchError, match="the same in all"):
        scored(features, dataset=drawn(values=np.ones_like(FACTORS)))


def test_what_groups_tell_as_a_chart(checked: Callable[[Task, Scores], list[str]]) -> None:
    groups = {kind: TRUE[:, kind == KINDS].astype(np.float32) for kind in ("light", "view")}
    scores = scored(None, lambda: Grouped(groups))
    assert checked(Disentanglement(), scores) == []
    [chart] = scores.charts
    assert isinstance(chart, Heatmap)
    assert chart.rows == ("light", "view")
    assert chart.columns == ("geometry", "albedo", "light", "view", "expression")
    assert [list(row) for row in chart.values] == scores.details["disentanglement"]["values"]
