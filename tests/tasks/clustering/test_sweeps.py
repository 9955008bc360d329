"""Clustering as light or view change: the groups, their scores, and what is left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import generator
from datasets.yaleb import YaleB as YaleBSource
from tasks.base import EvaluationInputs, Scores, Task
from tasks.clustering.sweeps import Sweep, ViewSweep, YaleB
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.results import Curve, DetailTable, Interval

PEOPLE = ("ada", "bob", "cem", "dan")
METRICS = ("accuracy", "hungarian", "f1", "nmi")


def sweep_dataset(identity: np.ndarray, truth: dict[str, np.ndarray], **changes: Any) -> Dataset:
    fields: dict[str, Any] = {
        "images": np.zeros((len(identity), 4, 4, 3), dtype=np.uint8),
        "labels": {"identity": identity},
        "classes": {"identity": PEOPLE},
        "truth": truth,
        "name": "drawn",
        "synthetic": True,
    }
    return Dataset(**(fields | changes))


def lights(angles: list[float]) -> dict[str, np.ndarray]:
    """Lights to the left and right at the given angles to the camera's axis."""
    azimuth = np.array(angles) * np.resize([1, -1], len(angles))
    return {"light": np.stack([azimuth, np.zeros(len(angles))], axis=1).astype(np.float32)}


def views(yaw: list[float]) -> dict[str, np.ndarray]:
    view = np.zeros((len(yaw), 6), dtype=np.float32)
    view[:, 0] = 0.3
    view[:, 1] = np.radians(yaw)
    return {"view": view}


def score(task: Sweep, features: np.ndarray, dataset: Dataset, seed: int = 0) -> Scores:
    return task.evaluate(EvaluationInputs(dataset, task.frames(dataset, seed=0), seed=seed, features=features))


def ring(group: list[float], people: int, each: int) -> tuple[np.ndarray, list[float]]:
    """Every person `each` times at every angle of `group`: identities and angles."""
    identity = np.tile(np.repeat(np.arange(people), each), len(group))
    return identity, np.repeat(group, people * each).tolist()


SWEEPS: list[tuple[Sweep, Any, list[float], list[str]]] = [
    (YaleB(), lights, [5, 20, 40, 60, 100], ["0-12", "12-25", "25-50", "50-77", "77-180"]),
    (ViewSweep(), views, [5, 20, -40, 60], ["0-15", "15-30", "30-45", "45-60"]),
]


@pytest.mark.parametrize(("task", "truth", "angles", "names"), SWEEPS)
def test_perfect_features_score_one_at_every_angle(
    task: Sweep, truth: Any, angles: list[float], names: list[str]
) -> None:
    identity, places = ring(angles, 3, 4)
    scores = score(task, np.eye(3, dtype=np.float32)[identity], sweep_dataset(identity, truth(places)))
    assert scores.metrics == pytest.approx(dict.fromkeys(METRICS, 1))
    curve = scores.details["curve"]
    assert [point["name"] for point in curve["points"]] == names
    for point in curve["points"]:
        assert point["metrics"] == pytest.approx(dict.fromkeys(METRICS, 1))
        assert (point["items"], point["clusters"]) == (12, 3)
        assert point["intervals"]["accuracy"] == {"low": 1, "high": 1, "over": "items"}
    assert (curve["left_out"], curve["outside"]) == ([], 0)
    assert curve["axis"] == task.axis


@pytest.mark.parametrize(("task", "truth", "angles", "names"), SWEEPS)
def test_shuffled_identities_score_at_chance(task: Sweep, truth: Any, angles: list[float], names: list[str]) -> None:
    rng = generator(0, "test")
    identity, places = ring(angles, 4, 60)
    features = np.eye(4)[identity] + 0.1 * rng.standard_normal((len(identity), 4))
    scores = score(task, features, sweep_dataset(rng.permutation(identity), truth(places)))
    assert scores.metrics["accuracy"] == pytest.approx(1 / 4, abs=0.06)
    assert len(scores.details["curve"]["points"]) == len(names)
    for point in scores.details["curve"]["points"]:
        assert point["metrics"]["accuracy"] == pytest.approx(1 / 4, abs=0.12)
        assert point["metrics"]["nmi"] < 0.06
        interval = point["intervals"]["accuracy"]
        assert interval["low"] < point["metrics"]["accuracy"] < interval["high"]


def test_each_group_is_clustered_by_itself() -> None:
    """Angle outweighs identity in the features: all images together are clustered by angle, groups by identity."""
    identity, places = ring([0, 20], 2, 5)
    features = np.stack([100.0 * np.array(places), identity], axis=1)
    scores = score(YaleB(), features, sweep_dataset(identity, lights(places)))
    assert scores.metrics["accuracy"] == 0.5
    assert [point["metrics"]["accuracy"] for point in scores.details["curve"]["points"]] == [1, 1]


def test_points_follow_from_the_predictions() -> None:
    rng = generator(0, "test")
    identity = rng.integers(-1, 3, 200)
    scores = score(
        YaleB(), rng.standard_normal((200, 5)), sweep_dataset(identity, lights(rng.uniform(0, 120, 200).tolist()))
    )
    group, cluster, label = (scores.predictions[name] for name in ("group", "group_cluster", "label"))
    assert ((group == -1) == (cluster == -1)).all()
    assert (group[label == -1] == -1).all()
    for number, point in enumerate(scores.details["curve"]["points"]):
        chosen = group == number
        counts = contingency(cluster[chosen], label[chosen], (point["clusters"], len(PEOPLE)))
        assert {name: float(value) for name, value in clustering_metrics(counts).items()} == point["metrics"]
        assert point["items"] == np.count_nonzero(chosen)


def test_light_angles_are_those_to_the_camera_axis() -> None:
    light = np.array([[0, 0], [12, 0], [0, -12], [-12, 0], [35, 40], [-130, 20], [0, 90]], dtype=np.float32)
    dataset = sweep_dataset(np.zeros(7, dtype=int), {"light": light})
    apart = np.degrees(np.arccos(np.cos(np.radians(35)) * np.cos(np.radians(40))))
    behind = np.degrees(np.arccos(np.cos(np.radians(130)) * np.cos(np.radians(20))))
    np.testing.assert_allclose(YaleB().angles(dataset), [0, 12, 12, 12, apart, behind, 90], atol=1e-4)


def test_bounds_belong_to_the_lower_group() -> None:
    identity, places = ring([0, 12, 12.01, 25, 50, 77, 77.01, 180], 2, 2)
    scores = score(YaleB(), np.eye(2)[identity], sweep_dataset(identity, lights(places)))
    assert [point["items"] for point in scores.details["curve"]["points"]] == [8, 8, 4, 4, 8]


def test_yaw_beyond_the_last_group_is_outside() -> None:
    identity, places = ring([-60, 15, 61], 2, 3)
    curve = score(ViewSweep(), np.eye(2)[identity], sweep_dataset(identity, views(places))).details["curve"]
    assert [(point["name"], point["items"]) for point in curve["points"]] == [("0-15", 6), ("45-60", 6)]
    assert curve["outside"] == 6


def test_groups_that_cannot_be_clustered_are_left_out_with_a_reason() -> None:
    identity = np.array([0, 0, 1, 1, 0, 1, 2, 0, 0, 0])
    places = [0, 0, 0, 0, 20, 20, 20, 40, 40, 40]
    scores = score(YaleB(), np.eye(3)[identity], sweep_dataset(identity, lights(places)))
    curve = scores.details["curve"]
    assert [point["name"] for point in curve["points"]] == ["0-12"]
    assert {group["name"]: group["reason"] for group in curve["left_out"]} == {
        "12-25": "3 items of 3 people: expected at least two items per person",
        "25-50": "3 items of 1 person: expected at least two people",
        "50-77": "0 items of 0 people: expected at least two people",
        "77-180": "0 items of 0 people: expected at least two people",
    }
    assert scores.predictions["group"].tolist() == [0] * 4 + [-1] * 6


def test_same_seed_same_bits() -> None:
    rng = generator(0, "test")
    identity, places = ring([0, 20], 3, 6)
    dataset, features = sweep_dataset(identity, lights(places)), rng.standard_normal((36, 3))
    first, again, other = (score(YaleB(), features, dataset, seed).details for seed in (1, 1, 2))
    assert first == again != other


def test_refuses_a_dataset_without_the_truth() -> None:
    identity = np.array([0, 1, 0, 1])
    with pytest.raises(BenchError, match=r"drawn\[synthetic\]: this task needs the true light .*; its truth is: view"):
        score(YaleB(), np.eye(2)[identity], sweep_dataset(identity, views([0, 1, 2, 3])))
    with pytest.raises(BenchError, match=r"its true view is \(4, 2\), expected \(4, 6\)"):
        score(ViewSweep(), np.eye(2)[identity], sweep_dataset(identity, {"view": np.zeros((4, 2))}))


def test_real_lights_fall_into_the_classical_subsets(real_data: Path) -> None:
    content = YaleBSource.open(real_data).read(8, Silent())
    dataset = Dataset(content.images, content.labels, content.classes, truth=content.truth, name="yaleb")
    identity = dataset.labels["identity"]
    people = len(dataset.classes["identity"])
    scores = score(YaleB(), np.eye(people, dtype=np.float32)[identity], dataset)
    curve = scores.details["curve"]
    assert scores.metrics["accuracy"] == 1
    assert sum(point["items"] for point in curve["points"] + curve["left_out"]) == len(dataset)
    assert curve["outside"] == 0
    assert all(point["metrics"]["accuracy"] == 1 for point in curve["points"])
    assert len(curve["points"]) >= 3


def test_each_groups_accuracy_and_what_is_lost(checked: Callable[[Task, Scores], list[str]]) -> None:
    """The features tell identity at the first angle, and nothing at the last."""
    identity, places = ring([5, 20, 40], 2, 10)
    noise = generator(0, "test").standard_normal((60, 2))
    features = np.where(np.array(places)[:, None] < 40, 10 * np.eye(2)[identity], noise)
    scores = score(YaleB(), features, sweep_dataset(identity, lights(places)))
    checked(YaleB(), scores)
    points = scores.details["curve"]["points"]
    names = ["accuracy@0-12", "accuracy@12-25", "accuracy@25-50"]
    assert [name for name in scores.secondary if "@" in name] == names
    assert [scores.secondary[name] for name in names] == [point["metrics"]["accuracy"] for point in points]
    assert scores.secondary["lost"] == 1 - points[-1]["metrics"]["accuracy"] > 0.1
    for name, point in zip(names, points, strict=True):
        assert scores.intervals[name] == Interval(**point["intervals"]["accuracy"])
    curve, table = scores.charts
    assert isinstance(curve, Curve)
    assert (curve.title, curve.x_label, curve.x) == (
        "accuracy by light angle",
        "light angle, degrees",
        ("0-12", "12-25", "25-50"),
    )
    assert curve.y == tuple(scores.secondary[name] for name in names)
    assert curve.low == tuple(scores.intervals[name].low for name in names)
    assert curve.high == tuple(scores.intervals[name].high for name in names)
    assert isinstance(table, DetailTable)


def test_without_any_group_there_is_no_curve(checked: Callable[[Task, Scores], list[str]]) -> None:
    identity = np.array([0, 1, 0, 1])
    scores = score(ViewSweep(), np.eye(2)[identity], sweep_dataset(identity, views([61, 62, 63, 64])))
    assert checked(ViewSweep(), scores)
    assert not [name for name in scores.secondary if not name.startswith("finch")]
    assert not [chart for chart in scores.charts if isinstance(chart, Curve)]
