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
from tasks.clustering.rows import ClusteringConfig
from tasks.clustering.tracks import BBT, Buffy, ImageFolderConfig, ImageFolderTask, TrackFolderTask, TracksConfig
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.results import DetailTable, PerItem

CLASSES = ("howard", "leonard", "penny")


class Images(Clustering):
    dataset = "images"


def image_dataset(labels: np.ndarray, **changes: Any) -> Dataset:
    """A dataset of labelled images (their pixels are not read)."""
    values: dict[str, Any] = {
        "images": np.zeros((len(labels), 4, 4, 3), dtype=np.uint8),
        "labels": {"class": labels},
        "classes": {"class": CLASSES},
        "name": "drawn",
        "synthetic": True,
    }
    return Dataset(**(values | changes))


def track_dataset(lengths: list[int], labels: list[int]) -> Dataset:
    """Tracks of the given lengths and labels; frames in track order."""
    tracks = np.repeat(np.arange(len(lengths)), lengths)
    names = tuple(f"track {number}" for number in range(len(lengths)))
    identity = np.array(labels)[tracks]
    return replace(
        image_dataset(identity, tracks=tracks, track_names=names),
        labels={"identity": identity},
        classes={"identity": CLASSES},
    )


def score(task: Clustering, features: np.ndarray, dataset: Dataset, seed: int = 0) -> Scores:
    return task.evaluate(EvaluationInputs(dataset, task.frames(dataset, seed=0), seed=seed, features=features))


def test_perfect_features_score_one() -> None:
    labels = generator(0, "test").integers(0, 3, 60)
    scores = score(Images(), np.eye(3, dtype=np.float32)[labels], image_dataset(labels))
    assert list(scores.metrics) == ["accuracy", "hungarian", "f1", "nmi", "ami", "ari", "knn"]
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
    assert max(abs(shuffled.metrics[name]) for name in ("ami", "ari")) < 0.02
    assert shuffled.metrics["knn"] == pytest.approx(1 / 3, abs=0.1)
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
    assert ((scores.predictions["knn_label"] == -1) == (labels == -1)).all()
    known = labels >= 0
    assert np.mean(majority[known] == labels[known]) == pytest.approx(scores.metrics["accuracy"])
    counts = contingency(cluster[known], label[known], (3, 3))
    right = scores.predictions["knn_label"] == labels
    assert {
        **{name: float(value) for name, value in clustering_metrics(counts).items()},
        "knn": right[known].mean(),
    } == scores.metrics
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
    assert task.frames(track_dataset([3, 1, 2], [0, 1, 1]), seed=0).tolist() == [0, 1, 2, 3, 4, 5]


def test_released_protocol_drops_last_frames() -> None:
    """A track of one frame keeps it."""
    task = BBT(TracksConfig(protocol="released"))
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
    dataset = replace(image_dataset(labels), labels={"class": labels, "mood": labels})
    with pytest.raises(BenchError, match="one kind of label; its kinds of labels are: class, mood"):
        score(Images(), np.zeros((2, 2)), dataset)


def test_refuses_tracks_of_a_dataset_without() -> None:
    dataset = replace(track_dataset([1, 1], [0, 1]), tracks=None)
    with pytest.raises(BenchError, match="has no tracks"):
        score(BBT(), np.zeros((2, 2)), dataset)


def test_rows_must_match_the_labels() -> None:
    with pytest.raises(ValueError, match="3 rows of features for 2 items"):
        score(Images(), np.zeros((3, 2)), image_dataset(np.array([0, 1])))


def test_scores_are_declared_and_explained(checked: Callable[[Task, Scores], list[str]]) -> None:
    labels = np.arange(60) % 3
    scores = score(Images(), np.eye(3, dtype=np.float32)[labels], image_dataset(labels))
    assert checked(Images(), scores) == [
        "3 clusters, the true number (oracle).",
        "accuracy: majority label per cluster (= weighted cluster purity, the paper's); hungarian: each label given to "
        "one cluster at most; ami, ari: corrected for chance, random clusters score 0.",
        "knn: share of items whose label is the most frequent one of the 5 nearest others (Euclidean); the most "
        "frequent label of all is that of 0.333.",
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
    assert "knn" not in scores.metrics, "it looks at all pairs too"
    assert "left_out" in scores.details["finch"]


def test_how_the_scores_follow_from_the_arrays() -> None:
    """The items of two methods are the same where their labels are."""
    items = score(Images(), np.array([[0.0], [1.0]]), image_dataset(np.array([0, 1]))).per_item
    assert items == PerItem("clustering", identity="label", unit="items")
    tracks = score(BBT(), np.array([[0.0], [1.0], [1.1], [0.1]]), track_dataset([3, 1, 2, 4], [0, 1, 1, 0])).per_item
    assert tracks == PerItem("clustering", identity="label", unit="tracks")


def test_people_are_verified_without_clusters(checked: Callable[[Task, Scores], list[str]]) -> None:
    """Perfect features tell every pair apart; the same in another order, none."""
    rng = generator(0, "test", "verification")
    labels = np.repeat(np.arange(3), 20)
    dataset, features = (
        track_dataset([1] * 60, labels.tolist()),
        np.eye(3)[labels] + 0.01 * rng.standard_normal((60, 3)),
    )
    perfect = score(BBT(), features, dataset)
    said = checked(BBT(), perfect)
    assert any(text.startswith("verification_auc: whether two tracks show one person") for text in said)
    assert list(perfect.metrics)[-2:] == ["verification_auc", "knn"]
    assert (perfect.metrics["verification_auc"], perfect.secondary["verification_eer"]) == (1, 0)
    assert perfect.secondary["verification_tar_at_far1"] == 1
    shuffled = score(BBT(), features[rng.permutation(60)], dataset)
    assert shuffled.metrics["verification_auc"] == pytest.approx(0.5, abs=0.06)
    interval = shuffled.intervals["verification_auc"]
    assert interval.low < shuffled.metrics["verification_auc"] < interval.high
    assert (interval.over, perfect.per_item.groups) == ("tracks", "")
    assert "person" not in perfect.predictions, "tracks are the units"


def test_nothing_to_verify_is_left_out(checked: Callable[[Task, Scores], list[str]]) -> None:
    """Where nobody has two tracks there is no pair of one person."""
    scores = score(BBT(), np.array([[0.0], [1.0], [2.0]]), track_dataset([1, 1, 1], [0, 1, 2]))
    assert checked(BBT(), scores)
    assert "verification_auc" not in scores.metrics


def test_too_many_pairs_of_one_person_are_left_out_and_said(
    checked: Callable[[Task, Scores], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.clustering.extras.MOST_PAIRS", 3)
    four = score(BBT(), np.arange(5.0)[:, None], track_dataset([1] * 5, [0, 0, 1, 1, 1]))
    assert "verification_auc" not in four.metrics
    assert "No verification_auc: 4 pairs of one person are more than 3." in checked(BBT(), four)
    three = score(BBT(), np.arange(4.0)[:, None], track_dataset([1] * 4, [0, 1, 1, 1]))
    assert "verification_auc" in three.metrics


def test_normalising_changes_what_is_clustered_and_is_said(checked: Callable[[Task, Scores], list[str]]) -> None:
    """Labels are directions; lengths differ far more."""
    rng = generator(0, "test", "normalise")
    labels = np.repeat([0, 1], 30)
    features = np.eye(2)[labels] * rng.uniform(1, 1000, (60, 1)) + 0.01 * rng.standard_normal((60, 2))
    dataset = image_dataset(labels)
    plain, turned = (score(Images(ClusteringConfig(normalise=how)), features, dataset) for how in ("none", "l2"))
    assert turned.metrics["accuracy"] == turned.metrics["knn"] == 1 > plain.metrics["accuracy"]
    said = checked(Images(), turned)
    assert "Features: each item's features by their length, so that distances are those of angles." in said
    assert not [text for text in checked(Images(), plain) if text.startswith("Features:")]


def test_stability_is_scored_where_it_is_asked_for(checked: Callable[[Task, Scores], list[str]]) -> None:
    rng = generator(0, "test", "stability")
    labels = np.repeat(np.arange(3), 40)
    apart, noise = np.eye(3)[labels] * 10 + rng.standard_normal((120, 3)), rng.standard_normal((120, 3))
    task, dataset = Images(ClusteringConfig(stability=True)), image_dataset(labels)
    stable, loose = (score(task, features, dataset) for features in (apart, noise))
    assert stable.secondary["stability"] == 1 > loose.secondary["stability"] + 0.2
    assert loose.secondary["stability"] == np.mean(loose.details["stability"])
    assert len(set(loose.details["stability"])) > 1, "draws differ"
    assert loose.secondary["stability"] == score(task, noise, dataset, seed=0).secondary["stability"]
    checked(task, loose)
    table = loose.charts[-1]
    assert isinstance(table, DetailTable)
    assert table.rows[-1] == ("mean", (f"{loose.secondary['stability']:.3f}",))
    assert "stability" not in score(Images(), noise, dataset).secondary


def test_neighbours_of_the_same_person_do_not_vote() -> None:
    """An emotion that is the person's own is known again by nothing but the person."""
    rng = generator(0, "test", "neighbours")
    people = np.repeat(np.arange(12), 6)
    features = rng.standard_normal((12, 8))[people] + 0.01 * rng.standard_normal((72, 8))
    labels = rng.permutation(np.arange(12) % 3)[people]
    unknown = replace(image_dataset(labels), labels={"mood": labels}, classes={"mood": CLASSES})
    known = replace(unknown, labels={"mood": labels, "identity": people})

    class Moods(Images):
        label_kind = "mood"

    assert score(Moods(), features, unknown).metrics["knn"] == 1
    assert score(Moods(), features, known).metrics["knn"] < 0.7
    scores = score(Moods(), features, known)
    assert {interval.over for interval in scores.intervals.values()} == {"people"}
    assert "verification_auc" not in scores.metrics, "moods are no people"
