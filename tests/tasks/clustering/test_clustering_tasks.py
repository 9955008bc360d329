"""The clustering task, its track and folder variants, and what they refuse."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Scores, Task
from tasks.clustering.base import Clustering
from tasks.clustering.tracks import BBT, Buffy, ImageFolderConfig, ImageFolderTask, TrackFolderTask, TracksConfig
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.results import PerItem

CLASSES = ("howard", "leonard", "penny")


class Images(Clustering):
    dataset = "images"


def image_dataset(labels: np.ndarray, **changes: Any) -> Dataset:
    """A dataset of labelled images (their pixels are not read)."""
    values: dict[str, Any] = {
        "images": np.zeros((len(labels), 4, 4, 3), dtype=np.uint8),
        "labels": {"identity": labels},
        "classes": {"identity": CLASSES},
        "name": "drawn",
        "synthetic": True,
    }
    return Dataset(**(values | changes))


def track_dataset(lengths: list[int], labels: list[int]) -> Dataset:
    """Tracks of the given lengths and labels; frames in track order."""
    tracks = np.repeat(np.arange(len(lengths)), lengths)
    names = tuple(f"track {number}" for number in range(len(lengths)))
    return image_dataset(np.array(labels)[tracks], tracks=tracks, track_names=names)


def score(task: Clustering, features: np.ndarray, dataset: Dataset, seed: int = 0) -> Scores:
    return task.evaluate(EvaluationInputs(dataset, task.frames(dataset, seed=0), seed=seed, features=features))


def test_perfect_features_score_one() -> None:
    labels = generator(0, "test").integers(0, 3, 60)
    scores = score(Images(), np.eye(3, dtype=np.float32)[labels], image_dataset(labels))
    assert set(scores.metrics) == {"accuracy", "hungarian", "f1", "nmi"}
    assert all(value == pytest.approx(1) for value in scores.metrics.values())
    for name in scores.metrics:
        interval = scores.intervals[name]
        assert (interval.low, interval.high) == pytest.approx((1, 1))
        assert interval.over == "items"
    assert scores.details["clusters"] == "oracle"
    assert scores.details["number_of_clusters"] == 3
    assert scores.details["class_counts"] == np.bincount(labels).tolist()
    assert sum(scores.details["cluster_sizes"]) == 60


def test_shuffled_labels_score_at_chance() -> None:
    """Good features, labels in random order: what the metrics say of nothing."""
    rng = generator(0, "test")
    labels = np.repeat(np.arange(3), 100)
    features = np.eye(3)[labels] + 0.1 * rng.standard_normal((300, 3))
    assert score(Images(), features, image_dataset(labels)).metrics["accuracy"] == 1
    shuffled = score(Images(), features, image_dataset(rng.permutation(labels)))
    assert shuffled.metrics["accuracy"] == pytest.approx(1 / 3, abs=0.08)
    assert shuffled.metrics["nmi"] < 0.03
    interval = shuffled.intervals["accuracy"]
    assert interval.low < shuffled.metrics["accuracy"] < interval.high


def test_same_seed_same_bits() -> None:
    rng = generator(0, "test")
    labels = rng.integers(0, 3, 80)
    features = np.eye(3)[labels] + rng.standard_normal((80, 3))
    first, again, other = (score(Images(), features, image_dataset(labels), seed) for seed in (1, 1, 2))
    assert first.metrics == again.metrics == other.metrics
    assert first.intervals == again.intervals != other.intervals


def test_scores_follow_from_the_predictions() -> None:
    rng = generator(0, "test")
    labels = rng.integers(-1, 3, 80)
    scores = score(Images(), rng.standard_normal((80, 5)), image_dataset(labels))
    cluster, label, majority = (scores.predictions[name] for name in ("cluster", "label", "majority"))
    assert (label == labels).all()
    assert ((cluster == -1) == (labels == -1)).all()
    assert ((majority == -1) == (labels == -1)).all()
    known = labels >= 0
    assert np.mean(majority[known] == labels[known]) == pytest.approx(scores.metrics["accuracy"])
    counts = contingency(cluster[known], label[known], (3, 3))
    assert {name: float(value) for name, value in clustering_metrics(counts).items()} == scores.metrics
    assert scores.details["unknown"] == np.count_nonzero(~known)


def test_clusters_are_as_many_as_the_classes_that_occur() -> None:
    labels = np.array([0, 2, 0, 2])
    scores = score(Images(), labels[:, None].astype(np.float32), image_dataset(labels))
    assert scores.details["number_of_clusters"] == 2
    assert scores.details["class_counts"] == [2, 0, 2]
    assert scores.metrics["accuracy"] == 1


@pytest.mark.parametrize("task", [BBT(), Buffy()])
def test_tracks_are_scored_one_each(task: Clustering) -> None:
    dataset = track_dataset([3, 1, 2, 4], [0, 1, 1, 0])
    scores = score(task, np.array([[0.0], [1.0], [1.1], [0.1]]), dataset)
    assert scores.metrics["accuracy"] == 1
    assert scores.predictions["label"].tolist() == [0, 1, 1, 0]
    assert scores.intervals["accuracy"].over == scores.details["unit"] == "tracks"


def test_default_protocol_takes_all_frames_as_they_are() -> None:
    task = BBT()
    assert task.input_scale == 1
    assert task.frames(track_dataset([3, 1, 2], [0, 1, 1]), seed=0).tolist() == [0, 1, 2, 3, 4, 5]


def test_released_protocol_drops_last_frames_and_does_not_scale() -> None:
    """A track of one frame keeps it."""
    task = BBT(TracksConfig(protocol="released"))
    assert task.input_scale == 255
    assert task.frames(track_dataset([3, 1, 2], [0, 1, 1]), seed=0).tolist() == [0, 1, 3, 4]


def test_released_protocol_with_tracks_in_any_order() -> None:
    tracks = np.array([1, 0, 1, 0, 2, 1])
    dataset = image_dataset(tracks, tracks=tracks, track_names=("a", "b", "c"))
    assert BBT(TracksConfig(protocol="released")).frames(dataset, seed=0).tolist() == [0, 1, 2, 4]


def test_folder_tasks_need_their_folder() -> None:
    assert ImageFolderTask(ImageFolderConfig(folder="photos")).config.folder == "photos"
    assert (TrackFolderTask.dataset, ImageFolderTask.dataset) == ("tracks", "images")
    for task in (TrackFolderTask, ImageFolderTask):
        with pytest.raises(ValidationError, match="folder"):
            task()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_features_that_are_not_finite(bad: float) -> None:
    features = np.zeros((4, 2))
    features[3, 0] = bad
    with pytest.raises(BenchError, match="1 of 4 items are not finite"):
        score(Images(), features, image_dataset(np.array([0, 1, 0, 1])))


@pytest.mark.parametrize("labels", [[0, 0, 0], [-1, -1, -1], [-1, 2, 2]])
def test_refuses_fewer_than_two_classes(labels: list[int]) -> None:
    with pytest.raises(BenchError, match=r"drawn\[synthetic\]: clustering needs items of at least two classes"):
        score(Images(), np.zeros((3, 2)), image_dataset(np.array(labels)))


def test_refuses_an_unclear_kind_of_label() -> None:
    labels = np.array([0, 1])
    dataset = replace(image_dataset(labels), labels={"identity": labels, "mood": labels})
    with pytest.raises(BenchError, match="one kind of label; its kinds of labels are: identity, mood"):
        score(Images(), np.zeros((2, 2)), dataset)


def test_refuses_tracks_of_a_dataset_without() -> None:
    with pytest.raises(BenchError, match="has no tracks"):
        score(BBT(), np.zeros((2, 2)), image_dataset(np.array([0, 1])))


def test_rows_must_match_the_labels() -> None:
    with pytest.raises(ValueError, match="3 rows of features for 2 items"):
        score(Images(), np.zeros((3, 2)), image_dataset(np.array([0, 1])))


def test_scores_are_declared_and_explained(checked: Callable[[Task, Scores], list[str]]) -> None:
    labels = np.arange(60) % 3
    scores = score(Images(), np.eye(3, dtype=np.float32)[labels], image_dataset(labels))
    assert checked(Images(), scores) == [
        "3 clusters, the true number (oracle).",
        "accuracy: majority label per cluster (= weighted cluster purity, the paper's); hungarian: each label given to "
        "one cluster at most.",
    ]
    at_classes = scores.details["finch"]["at_classes"]
    assert scores.secondary == {"finch_nmi": at_classes["nmi"], "finch_purity": at_classes["purity"]}
    [table] = scores.charts
    assert table.rows[-1][0] == "3 (asked for)"


def test_where_finch_is_left_out_its_scores_are_absent(
    monkeypatch: pytest.MonkeyPatch, checked: Callable[[Task, Scores], list[str]]
) -> None:
    monkeypatch.setattr("tasks.clustering.finch.LARGEST", 10)
    labels = np.arange(12) % 3
    scores = score(Images(), np.eye(3)[labels], image_dataset(labels))
    assert checked(Images(), scores)
    assert (scores.secondary, list(scores.charts)) == ({}, [])
    assert "left_out" in scores.details["finch"]


def test_how_the_scores_follow_from_the_arrays() -> None:
    """The items of two methods are the same where their labels are."""
    items = score(Images(), np.array([[0.0], [1.0]]), image_dataset(np.array([0, 1]))).per_item
    assert items == PerItem("clustering", identity="label", unit="items")
    tracks = score(BBT(), np.array([[0.0], [1.0], [1.1], [0.1]]), track_dataset([3, 1, 2, 4], [0, 1, 1, 0])).per_item
    assert tracks == PerItem("clustering", identity="label", unit="tracks")
