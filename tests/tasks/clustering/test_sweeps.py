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
from tasks.metrics.bootstrap import bootstrap_intervals
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.results import Curve, DetailTable, Interval, PerItem

PEOPLE = ("ada", "bob", "cem", "dan")
METRICS = ("accuracy", "hungarian", "f1", "nmi", "ami", "ari")
# Azimuth and elevation of a light of each subset, in degrees, by the number that stands for it here.
LIGHTS = {5: (5, 10), 20: (20, 10), 40: (35, 15), 60: (60, 20), 100: (95, 0)}


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
    """Lights of `LIGHTS`, to the left and right; of another angle, one that the database does not have."""
    places = np.array([LIGHTS.get(int(angle), (7, 7)) for angle in angles], dtype=np.float32)
    places[:, 0] *= np.resize([1, -1], len(angles))
    return {"light": places}


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
    assert scores.metrics == pytest.approx(dict.fromkeys((*METRICS, "verification_auc", "knn"), 1))
    curve = scores.details["curve"]
    assert [point["name"] for point in curve["points"]] == names
    for point in curve["points"]:
        assert point["metrics"] == pytest.approx(dict.fromkeys(METRICS, 1))
        assert (point["items"], point["clusters"]) == (12, 3)
        assert point["intervals"]["accuracy"] == {"low": 1, "high": 1, "over": "people"}
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
        assert abs(point["metrics"]["ami"]) < 0.05
        interval = point["intervals"]["accuracy"]
        assert interval["low"] < point["metrics"]["accuracy"] < interval["high"]
        assert point["metrics"]["accuracy"] == pytest.approx(point["chance"]["accuracy"], abs=0.1)
        assert abs(point["chance"]["ami"]) < 0.005


def test_each_group_is_clustered_by_itself() -> None:
    """Angle outweighs identity in the features: all images together are clustered by angle, groups by identity."""
    identity, places = ring([5, 20], 2, 5)
    features = np.stack([100.0 * np.array(places), identity], axis=1)
    scores = score(YaleB(), features, sweep_dataset(identity, lights(places)))
    assert scores.metrics["accuracy"] == 0.5
    assert [point["metrics"]["accuracy"] for point in scores.details["curve"]["points"]] == [1, 1]


def test_points_follow_from_the_predictions() -> None:
    rng = generator(0, "test")
    identity = rng.integers(-1, 3, 200)
    scores = score(
        YaleB(),
        rng.standard_normal((200, 5)),
        sweep_dataset(identity, lights(rng.choice([5, 20, 40, 60, 100, 7], 200).tolist())),
    )
    group, cluster, label = (scores.predictions[name] for name in ("group", "group_cluster", "label"))
    assert ((group == -1) == (cluster == -1)).all()
    assert (group[label == -1] == -1).all()
    for number, point in enumerate(scores.details["curve"]["points"]):
        chosen = group == number
        counts = contingency(cluster[chosen], label[chosen], (point["clusters"], len(PEOPLE)))
        assert {name: float(value) for name, value in clustering_metrics(counts).items()} == point["metrics"]
        assert point["items"] == np.count_nonzero(chosen)


def test_lights_that_the_database_does_not_have_are_outside() -> None:
    identity, places = ring([5, 20, 7], 2, 3)
    curve = score(YaleB(), np.eye(2)[identity], sweep_dataset(identity, lights(places))).details["curve"]
    assert [(point["name"], point["items"]) for point in curve["points"]] == [("0-12", 6), ("12-25", 6)]
    assert curve["outside"] == 6


def test_bounds_belong_to_the_lower_group() -> None:
    identity, places = ring([0, 15, 15.01, 30, 45, 45.01, 60], 2, 2)
    scores = score(ViewSweep(), np.eye(2)[identity], sweep_dataset(identity, views(places)))
    assert [point["items"] for point in scores.details["curve"]["points"]] == [8, 8, 4, 8]


def test_yaw_beyond_the_last_group_is_outside() -> None:
    identity, places = ring([-60, 15, 61], 2, 3)
    curve = score(ViewSweep(), np.eye(2)[identity], sweep_dataset(identity, views(places))).details["curve"]
    assert [(point["name"], point["items"]) for point in curve["points"]] == [("0-15", 6), ("45-60", 6)]
    assert curve["left_out"][0]["reason"] == "0 items of 0 people: expected at least two people"
    assert curve["outside"] == 6


def test_groups_that_cannot_be_clustered_are_left_out_with_a_reason() -> None:
    identity = np.array([0, 0, 1, 1, 0, 1, 2, 0, 0, 0])
    places = [5, 5, 5, 5, 20, 20, 20, 40, 40, 40]
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
    identity, places = ring([5, 20], 3, 6)
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


def test_each_groups_scores_their_chance_and_what_is_lost(checked: Callable[[Task, Scores], list[str]]) -> None:
    """The features tell identity at the first angle, and nothing at the last."""
    identity, places = ring([5, 20, 40], 4, 10)
    noise = generator(0, "test").standard_normal((120, 4))
    features = np.where(np.array(places)[:, None] < 40, 10 * np.eye(4)[identity], noise)
    scores = score(YaleB(), features, sweep_dataset(identity, lights(places)))
    said = checked(YaleB(), scores)
    points = scores.details["curve"]["points"]
    groups = ["0-12", "12-25", "25-50"]
    for metric in ("ami", "accuracy"):
        names = [f"{metric}@{group}" for group in groups]
        assert [name for name in scores.secondary if name.startswith(f"{metric}@")] == names
        assert [scores.secondary[name] for name in names] == [point["metrics"][metric] for point in points]
        for name, point in zip(names, points, strict=True):
            assert scores.intervals[name] == Interval(**point["intervals"][metric])
    ami = [point["metrics"]["ami"] for point in points]
    assert scores.secondary["lost"] == ami[0] - ami[-1] > 0.5
    assert scores.intervals["lost"].low <= scores.secondary["lost"] <= scores.intervals["lost"].high
    assert scores.intervals["lost"].over == "people"
    by_chance = [f"{point['chance']['accuracy']:.3f} ({point['name']})" for point in points]
    assert f"Accuracy by group of random clusters of the same sizes: {', '.join(by_chance)}; their AMI is 0." in said
    *curves, table = scores.charts
    assert isinstance(table, DetailTable)
    titles = ["ami by light angle"] * 2 + ["accuracy by light angle"] * 2
    assert [curve.title for curve in curves] == titles
    for curve in curves:
        assert isinstance(curve, Curve)
        assert (curve.x_label, curve.x) == ("light angle, degrees", tuple(groups))
    own, chance = curves[2:]
    assert isinstance(own, Curve)
    assert isinstance(chance, Curve)
    assert own.y == tuple(scores.secondary[f"accuracy@{group}"] for group in groups)
    assert own.low == tuple(scores.intervals[f"accuracy@{group}"].low for group in groups)
    assert (chance.y_label, chance.low) == ("accuracy of random clusters", ())
    assert chance.y == tuple(point["chance"]["accuracy"] for point in points)


def test_groups_of_different_sizes_have_different_accuracies_by_chance_and_lose_no_ami() -> None:
    """Random features: purity falls where a group holds more images of a person, AMI does not."""
    rng = generator(0, "test", "sizes")
    few, many = ring([5], 4, 3), ring([100], 4, 60)
    identity, places = np.concatenate([few[0], many[0]]), few[1] + many[1]
    dataset = sweep_dataset(identity, lights(places))
    found = [score(YaleB(), rng.standard_normal((len(places), 5)), dataset) for _ in range(12)]
    points = [scores.details["curve"]["points"] for scores in found]
    assert np.mean([first["chance"]["accuracy"] - last["chance"]["accuracy"] for first, last in points]) > 0.15
    gained = [first["metrics"]["accuracy"] - last["metrics"]["accuracy"] for first, last in points]
    assert np.mean(gained) > 0.15
    assert abs(np.mean([scores.secondary["lost"] for scores in found])) < 0.1


def test_intervals_resample_people() -> None:
    """Half of the people are always right, the others never: whom one meets decides, not which image."""
    rng = generator(0, "test", "people")
    identity, places = ring([5], 4, 50)
    features = np.where(identity[:, None] < 2, 9 * np.eye(4)[identity], rng.standard_normal((200, 4)))
    scores = score(YaleB(), features, sweep_dataset(identity, lights(places)))
    interval = scores.intervals["accuracy"]
    counts = contingency(scores.predictions["cluster"], identity, (4, 4))
    by_image = bootstrap_intervals(counts, "items", generator(0, "bootstrap"))["accuracy"]
    assert interval.over == "people"
    assert interval.high - interval.low > 2 * (by_image.high - by_image.low)
    assert scores.per_item == PerItem("clustering", identity="label", unit="items", groups="person")
    assert (scores.predictions["person"] == identity).all()


def test_without_any_group_there_is_no_curve(checked: Callable[[Task, Scores], list[str]]) -> None:
    identity = np.array([0, 1, 0, 1])
    scores = score(ViewSweep(), np.eye(2)[identity], sweep_dataset(identity, views([61, 62, 63, 64])))
    assert checked(ViewSweep(), scores)
    assert not [name for name in scores.secondary if "@" in name or name == "lost"]
    assert not [chart for chart in scores.charts if isinstance(chart, Curve)]
