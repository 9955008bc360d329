"""One clustering against many attributes: its tables, its joint intervals, and what is left out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Scores, Task
from tasks.clustering.attributes import CelebA, CelebAConfig
from tasks.metrics.binary_tables import attribute_metrics, mean_intervals, tables_of
from tasks.metrics.bootstrap import bootstrap_intervals
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.results import PerItem

METRICS = ("accuracy", "hungarian", "f1", "nmi", "ami", "ari")
ANSWERS = ("balanced_accuracy", "average_precision")


def attribute_dataset(values: np.ndarray, **changes: Any) -> Dataset:
    """A dataset of images with attributes, all of the test split."""
    fields: dict[str, Any] = {
        "images": np.zeros((len(values), 4, 4, 3), dtype=np.uint8),
        "labels": {"attributes": values, "split": np.full(len(values), 2)},
        "classes": {"attributes": tuple(f"attribute {column}" for column in range(values.shape[1]))},
        "name": "celeba",
        "synthetic": True,
    }
    return Dataset(**(fields | changes))


def drawn_values(items: int, attributes: int, unknown: float = 0.0) -> np.ndarray:
    rng = generator(0, "test", "values")
    values = (rng.random((items, attributes)) < rng.uniform(0.1, 0.9, attributes)).astype(np.int64)
    values[rng.random(values.shape) < unknown] = -1
    return values


def score(features: np.ndarray, dataset: Dataset, seed: int = 0, task: CelebA | None = None) -> Scores:
    task = CelebA() if task is None else task
    return task.evaluate(EvaluationInputs(dataset, task.frames(dataset, seed=0), seed=seed, features=features))


@pytest.mark.parametrize("chosen", [0, 3])
def test_a_feature_that_is_an_attribute_scores_one_on_it(chosen: int) -> None:
    values = drawn_values(80, 5)
    scores = score(values[:, [chosen]].astype(np.float32), attribute_dataset(values))
    own = scores.details["attributes"][f"attribute {chosen}"]
    assert [own[name] for name in (*METRICS, *ANSWERS)] == pytest.approx([1] * 8)
    assert scores.metrics["accuracy"] < 0.95


def test_features_that_tell_nothing_score_at_chance() -> None:
    """Good features, attributes in random order: purity is then the share of the more frequent value."""
    rng = generator(0, "test", "chance")
    values = drawn_values(600, 6)
    features = values[:, [0]] + 0.1 * rng.standard_normal((600, 3))
    shuffled = values[rng.permutation(600)]
    scores = score(features, attribute_dataset(shuffled))
    majority = np.maximum(shuffled.mean(axis=0), 1 - shuffled.mean(axis=0)).mean()
    assert scores.metrics["accuracy"] == pytest.approx(majority, abs=0.02)
    assert scores.metrics["nmi"] < 0.01
    for name, value in scores.metrics.items():
        interval = scores.intervals[name]
        if name == "balanced_accuracy":
            assert value == pytest.approx(0.5, abs=0.02)
            continue  # where both clusters have one majority it is 1/2 in every resample
        assert interval.low < value < interval.high, name
        assert interval.over == "items"


def test_scores_are_means_of_each_attribute_scored_alone() -> None:
    """Also where some are unknown; recomputed from the predictions."""
    values = drawn_values(90, 7, unknown=0.3)
    scores = score(generator(0, "test").standard_normal((90, 4)), attribute_dataset(values))
    cluster, kept = scores.predictions["cluster"], scores.predictions["attributes"]
    np.testing.assert_array_equal(kept, values)
    alone: dict[str, list[float]] = {name: [] for name in METRICS}
    for column in range(7):
        known = values[:, column] >= 0
        for name, value in clustering_metrics(contingency(cluster[known], values[known, column], (2, 2))).items():
            assert scores.details["attributes"][f"attribute {column}"][name] == pytest.approx(float(value))
            alone[name].append(float(value))
        assert scores.details["attributes"][f"attribute {column}"]["known"] == np.count_nonzero(known)
    assert {name: scores.metrics[name] for name in METRICS} == pytest.approx(
        {name: np.mean(found) for name, found in alone.items()}
    )
    assert scores.details["unknown"] == np.count_nonzero(values < 0)


def test_attributes_without_two_values_are_left_out_and_named() -> None:
    values = drawn_values(40, 5)
    values[:, 1] = -1
    values[:, 2] = 1
    values[:, 4] = np.where(np.arange(40) < 10, -1, 0)
    scores = score(generator(0, "test").standard_normal((40, 4)), attribute_dataset(values))
    assert list(scores.details["attributes"]) == ["attribute 0", "attribute 3"]
    assert scores.details["left_out"] == {
        "attribute 1": "unknown on all items",
        "attribute 2": "present on all 40 items where it is known",
        "attribute 4": "absent on all 30 items where it is known",
    }
    two = [scores.details["attributes"][name]["nmi"] for name in ("attribute 0", "attribute 3")]
    assert scores.metrics["nmi"] == pytest.approx(np.mean(two))


def test_same_seed_same_bits() -> None:
    dataset = attribute_dataset(drawn_values(60, 3, unknown=0.2))
    features = generator(0, "test").standard_normal((60, 4))
    first, again, other = (score(features, dataset, seed) for seed in (1, 1, 2))
    assert first.metrics == again.metrics == other.metrics
    assert first.intervals == again.intervals != other.intervals


def test_images_are_random_ones_of_the_test_split() -> None:
    split = np.arange(300) % 3
    dataset = attribute_dataset(drawn_values(300, 2), labels={"split": split})
    task = CelebA(CelebAConfig(images=40))
    frames = task.frames(dataset, seed=1)
    assert len(frames) == 40
    assert (split[frames] == 2).all()
    assert (np.diff(frames) > 0).all()
    assert frames.tolist() == task.frames(dataset, seed=1).tolist() != task.frames(dataset, seed=2).tolist()
    assert set(frames) < set(CelebA(CelebAConfig(images=60)).frames(dataset, seed=1))
    assert CelebA().frames(dataset, seed=1).tolist() == np.flatnonzero(split == 2).tolist()
    assert CelebA().config.images == 6000


def test_fewer_images_than_the_paper_are_owned_up_to() -> None:
    scores = score(generator(0, "test").standard_normal((30, 2)), attribute_dataset(drawn_values(30, 2)))
    assert scores.details["reduced"] == ["30 test images in place of the paper's 6,000"]


def test_refuses_what_cannot_be_scored() -> None:
    values = drawn_values(20, 3)
    features = np.zeros((20, 2))
    with pytest.raises(BenchError, match=r"celeba\[synthetic\]: no attribute can be scored: each is unknown or the"):
        score(features, attribute_dataset(np.ones_like(values)))
    with pytest.raises(BenchError, match="no labels named attributes"):
        score(features, attribute_dataset(values, labels={"split": np.full(20, 2)}))
    with pytest.raises(BenchError, match="no labels named split"):
        score(features, attribute_dataset(values, labels={"attributes": values}))
    with pytest.raises(BenchError, match="none of its 20 images is of the test split"):
        score(features, attribute_dataset(values, labels={"attributes": values, "split": np.zeros(20, dtype=int)}))
    with pytest.raises(ValueError, match="19 rows of features for 20 items"):
        score(features[:19], attribute_dataset(values))
    with pytest.raises(ValidationError, match="images"):
        CelebAConfig(images=1)


def test_tables_are_contingency_tables() -> None:
    values = drawn_values(50, 4, unknown=0.4)
    clusters = generator(0, "test").integers(0, 3, 50)
    tables = tables_of(clusters, values)
    for column in range(4):
        known = values[:, column] >= 0
        np.testing.assert_array_equal(tables[column], contingency(clusters[known], values[known, column], (3, 2)))


def test_an_empty_table_has_no_scores() -> None:
    tables = np.array([[[3, 1], [0, 4]], [[0, 0], [0, 0]]])
    found = attribute_metrics(tables, np.array([tables[0], tables[0]]))
    assert found["accuracy"].tolist() == [7 / 8, pytest.approx(np.nan, nan_ok=True)]


def test_intervals_of_one_attribute_are_those_of_the_bootstrap() -> None:
    """Resampled items and multinomial tables are the same experiment."""
    values = drawn_values(300, 1)
    clusters = np.where(generator(0, "test").random(300) < 0.7, values[:, 0], 1 - values[:, 0])
    joint = mean_intervals(clusters, values, generator(0, "bootstrap"))
    alone = bootstrap_intervals(contingency(clusters, values[:, 0], (2, 2)), "items", generator(1, "bootstrap"))
    for name in METRICS:
        interval = joint[name]
        assert interval.low == pytest.approx(alone[name].low, abs=0.012), name
        assert interval.high == pytest.approx(alone[name].high, abs=0.012), name


def test_equal_attributes_make_the_interval_no_narrower() -> None:
    """Items are drawn with all their attributes: nine copies of one tell no more than it does."""
    values = drawn_values(200, 1)
    clusters = np.where(generator(0, "test").random(200) < 0.7, values[:, 0], 1 - values[:, 0])
    one = mean_intervals(clusters, values, generator(0, "bootstrap"))
    nine = mean_intervals(clusters, np.repeat(values, 9, axis=1), generator(0, "bootstrap"))
    for name, interval in one.items():
        assert (nine[name].low, nine[name].high) == pytest.approx((interval.low, interval.high)), name


def test_attributes_known_of_few_items_have_intervals() -> None:
    """Many resamples hold no item that an attribute is known of."""
    values = np.full((12, 2), -1)
    values[:2, 0] = [0, 1]
    values[1:4, 1] = [1, 0, 1]
    intervals = mean_intervals(np.arange(12) % 2, values, generator(0, "bootstrap"))
    for name, interval in intervals.items():
        assert interval.low <= interval.high <= 1, name
        assert interval.low >= 0 or name in ("ami", "ari"), name


def test_scores_are_declared_and_explained(checked: Callable[[Task, Scores], list[str]]) -> None:
    values = drawn_values(60, 3)
    scores = score(generator(0, "test").standard_normal((60, 4)), attribute_dataset(values))
    clusters, attributes, meaning, answers, voted, reduced = checked(CelebA(), scores)
    assert clusters == "2 clusters, the true number (oracle)."
    assert attributes == "Means over 3 attributes, all scored against one clustering."
    assert meaning.startswith("accuracy: majority label per cluster")
    assert reduced == "Less than the paper's protocol: 60 test images in place of the paper's 6,000."
    assert scores.secondary["finch_nmi"] == scores.details["finch"]["at_classes"]["nmi"]
    positive = values.mean()
    assert answers.endswith(f"by chance {positive:.3f}.")
    assert voted == "knn_*: by the share of the 5 nearest others (Euclidean) that has it."
    assert scores.per_item == PerItem("attribute_clustering")


def test_answers_by_cluster_are_scikit_learns() -> None:
    values, clusters = drawn_values(80, 5, unknown=0.2), generator(0, "test", "clusters").integers(0, 3, 80)
    tables = tables_of(clusters, values)
    found = attribute_metrics(tables, tables)
    for column in range(5):
        known = values[:, column] >= 0
        own, cluster = values[known, column], clusters[known]
        share = tables[column, :, 1] / tables[column].sum(axis=1)
        answers = tables[column].argmax(axis=1)
        assert found["average_precision"][column] == pytest.approx(average_precision_score(own, share[cluster]))
        assert found["balanced_accuracy"][column] == pytest.approx(balanced_accuracy_score(own, answers[cluster]))


def test_people_are_resampled_whole_and_do_not_vote_for_themselves(
    checked: Callable[[Task, Scores], list[str]],
) -> None:
    """Four images of a person with one set of attributes are one observation, not four."""
    people = np.repeat(np.arange(40), 4)
    values = drawn_values(40, 3)[people]
    features = generator(0, "test", "people").standard_normal((40, 6))[people]
    features = features + 0.01 * generator(0, "test", "images").standard_normal(features.shape)
    split = np.full(160, 2)
    alone = score(features, attribute_dataset(values))
    whole = score(
        features, attribute_dataset(values, labels={"attributes": values, "split": split, "identity": people})
    )
    assert whole.metrics == alone.metrics
    for name in ("accuracy", "nmi"):
        by_person, by_image = whole.intervals[name], alone.intervals[name]
        assert (by_person.over, by_image.over) == ("people", "items")
        assert by_person.high - by_person.low > 1.5 * (by_image.high - by_image.low)
    assert alone.secondary["knn_balanced_accuracy"] == 1 > whole.secondary["knn_balanced_accuracy"] + 0.2
    assert whole.per_item == PerItem("attribute_clustering", groups="person")
    assert (whole.predictions["person"] == people).all()
    assert "Intervals resample people, each with all their images." in checked(CelebA(), whole)
