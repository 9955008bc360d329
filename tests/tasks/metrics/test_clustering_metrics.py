"""Clustering metrics against scikit-learn's definitions, and the bootstrap against the items it stands for."""

import itertools
import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    normalized_mutual_info_score,
    precision_recall_fscore_support,
)

from datasets.streams import generator
from tasks.metrics.bootstrap import (
    ItemCells,
    bootstrap_intervals,
    mean_interval,
    percentiles,
    unit_metrics,
    unit_weights,
)
from tasks.metrics.clustering import (
    LARGEST_WHOLE,
    Fitted,
    chance_scores,
    clustering_metrics,
    contingency,
    majority_labels,
    majority_scores,
    nmi_and_purity,
    normalised_mutual_information,
)
from tasks.units import Units


def numbered(names: np.ndarray) -> Units:
    known, number = np.unique(names, return_inverse=True)
    return Units(names, number, len(known))


def random_assignment(case: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Clusters, labels, and how many of each there may be."""
    rng = generator(case, "test")
    shape = (int(rng.integers(1, 7)), int(rng.integers(1, 7)))
    items = int(rng.integers(1, 60))
    return rng.integers(0, shape[0], items), rng.integers(0, shape[1], items), shape


def accuracy_of(counts: np.ndarray) -> float:
    return float(clustering_metrics(counts)["accuracy"])


@pytest.mark.parametrize("case", range(40))
def test_equals_scikit_learn(case: int) -> None:
    """Also with empty clusters, absent classes and tied majorities."""
    clusters, labels, shape = random_assignment(case)
    counts = contingency(clusters, labels, shape)
    predicted = majority_labels(counts)[clusters]
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, average="weighted", zero_division=0)
    weighted = majority_scores(counts, majority_labels(counts))
    assert accuracy_of(counts) == pytest.approx(np.mean(predicted == labels), abs=1e-12)
    assert weighted.precision == pytest.approx(precision, abs=1e-12)
    assert weighted.recall == pytest.approx(recall, abs=1e-12)
    assert weighted.f1 == pytest.approx(f1, abs=1e-12)
    expected = normalized_mutual_info_score(labels, clusters)
    assert normalised_mutual_information(counts) == pytest.approx(expected, abs=1e-9)
    metrics = clustering_metrics(counts)
    assert metrics["ami"] == pytest.approx(adjusted_mutual_info_score(labels, clusters), abs=1e-9)
    assert metrics["ari"] == pytest.approx(adjusted_rand_score(labels, clusters), abs=1e-12)


@pytest.mark.parametrize("case", range(10))
def test_hungarian_is_the_best_matching(case: int) -> None:
    clusters, labels, (k, c) = random_assignment(case)
    counts = contingency(clusters, labels, (k, c))
    square = np.zeros((max(k, c), max(k, c)))
    square[:k, :c] = counts
    best = max(sum(square[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(len(square))))
    assert clustering_metrics(counts)["hungarian"] == pytest.approx(best / len(labels))


def test_batches_score_each_table_by_itself() -> None:
    tables = generator(0, "test").integers(0, 9, (5, 4, 3))
    together = clustering_metrics(tables, tables[0])
    for index, table in enumerate(tables):
        for name, alone in clustering_metrics(table, tables[0]).items():
            assert together[name][index] == pytest.approx(float(alone)), name
    with pytest.raises(ValueError, match="read off one table"):
        clustering_metrics(tables)


def test_perfect_clusters_score_one_whatever_their_names() -> None:
    counts = np.array([[0, 7, 0], [0, 0, 2], [4, 0, 0]])
    assert all(value == pytest.approx(1) for value in clustering_metrics(counts).values())


def test_purity_forgives_what_a_matching_does_not() -> None:
    """Two clusters of one class: all pure, but only one of them can be matched to it."""
    counts = np.array([[5, 0], [5, 0], [0, 2]])
    assert accuracy_of(counts) == 1
    assert clustering_metrics(counts)["hungarian"] == pytest.approx(7 / 12)


def test_bootstrap_is_that_of_resampled_items() -> None:
    """Multinomial tables give the interval of actually redrawn items, and of the binomial's normal approximation."""
    rng = generator(0, "test")
    labels = rng.integers(0, 3, 200)
    clusters = np.where(rng.random(200) < 0.7, labels, rng.integers(0, 3, 200))
    counts = contingency(clusters, labels, (3, 3))
    interval = bootstrap_intervals(counts, "tracks", generator(0, "bootstrap"))["accuracy"]
    assert interval.over == "tracks"

    drawn = rng.integers(0, 200, (2000, 200))
    right = majority_labels(counts)[clusters] == labels
    accuracies = right[drawn].mean(axis=1)
    low, high = np.percentile(accuracies, [2.5, 97.5])
    assert interval.low == pytest.approx(low, abs=0.01)
    assert interval.high == pytest.approx(high, abs=0.01)
    accuracy = accuracy_of(counts)
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / 200)
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=0.1)


def test_intervals_of_uninformative_clusters_hold_the_score() -> None:
    """Reading majorities off every resample, or NMI's own bias, would push the interval above the score."""
    rng = generator(1, "test")
    counts = contingency(rng.integers(0, 6, 48), rng.integers(0, 6, 48), (6, 6))
    for name, interval in bootstrap_intervals(counts, "tracks", generator(0, "bootstrap")).items():
        value = float(clustering_metrics(counts)[name])
        below, above = value - interval.low, interval.high - value
        assert below > 0, name
        assert above > 0, name
        assert 0.4 < below / above < 2.5, name


def test_bootstrap_repeats_bit_for_bit() -> None:
    counts = np.array([[9, 1], [2, 8]])
    first = bootstrap_intervals(counts, "items", generator(3, "bootstrap"))
    assert first == bootstrap_intervals(counts, "items", generator(3, "bootstrap"))
    assert first != bootstrap_intervals(counts, "items", generator(4, "bootstrap"))


def test_chance_is_that_of_random_labels() -> None:
    """Of many items purity is the largest class's share, of one per cluster 1; AMI is 0 whatever the sizes."""
    rng = generator(0, "test", "chance")
    labels = np.repeat([0, 1], [300, 100])
    many = chance_scores(np.arange(400) % 4, labels, (4, 2), rng)
    assert many["accuracy"] == pytest.approx(0.75, abs=0.01)
    few = chance_scores(np.arange(8), labels[::50], (8, 2), rng)
    assert few["accuracy"] == 1
    assert abs(many["ami"]) < 0.003


def test_resampled_people_are_drawn_with_all_their_items() -> None:
    """The tables of resamples are those of actually joined people."""
    rng = generator(0, "test", "tables")
    units = numbered(rng.integers(0, 7, 60))
    clusters, labels = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    weights = unit_weights(units.count, rng, resamples=20)
    own = ItemCells(clusters, labels, (3, 4))
    drawn = np.zeros((20, 12), dtype=int)
    drawn[:, own.cells] = own.counts(weights[:, units.number])
    for table, often in zip(drawn.reshape(20, 3, 4), weights, strict=True):
        items = np.concatenate([np.flatnonzero(units.number == unit) for unit in np.repeat(np.arange(7), often)])
        np.testing.assert_array_equal(table, contingency(clusters[items], labels[items], (3, 4)))


def test_people_of_one_item_have_the_intervals_of_items() -> None:
    rng = generator(0, "test", "single")
    labels = rng.integers(0, 3, 200)
    clusters = np.where(rng.random(200) < 0.7, labels, rng.integers(0, 3, 200))
    counts, units = contingency(clusters, labels, (3, 3)), numbered(np.arange(200))
    drawn = unit_metrics(clusters, labels, units, counts, unit_weights(200, rng))
    alone = bootstrap_intervals(counts, "items", generator(0, "bootstrap"))
    for name, interval in percentiles(drawn, "people").items():
        assert (interval.low, interval.high) == pytest.approx((alone[name].low, alone[name].high), abs=0.02), name
        assert interval.over == "people"


def test_resamples_without_some_classes_keep_their_adjusted_scores() -> None:
    """The expectation shrinks with the classes that a resample of people lacks; one of nobody has no score."""
    rng = generator(0, "test", "people")
    people = np.repeat(np.arange(12), 10)
    clusters = np.where(rng.random(120) < 0.6, people, rng.integers(0, 12, 120))
    counts, units = contingency(clusters, people, (12, 12)), numbered(people)
    weights = unit_weights(12, rng, resamples=500)
    weights[0] = 0
    own = ItemCells(clusters, people, (12, 12))
    unshifted = Fitted(counts).cell_metrics(own.counts(weights[1:, units.number]), own.cells)["ami"]
    assert unshifted.mean() == pytest.approx(float(clustering_metrics(counts)["ami"]), abs=0.06)
    found = unit_metrics(clusters, people, units, counts, weights)
    assert np.isnan(found["ami"][0])
    assert np.nanmean(found["ami"]) == pytest.approx(float(clustering_metrics(counts)["ami"]))


def test_means_over_people() -> None:
    """Two people of a hundred items each: their mean is one of three values."""
    units, values = numbered(np.repeat([0, 1], 100)), np.repeat([0.0, 1.0], 100)
    found = mean_interval(values, generator(0, "bootstrap"), units)
    assert (found.low, found.high, found.over) == (0, 1, "people")
    alone = mean_interval(values, generator(0, "bootstrap"))
    assert (alone.high - alone.low, alone.over) == (pytest.approx(0.14, abs=0.02), "items")


def many_people(people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clusters and labels of two items per person, many of them right, and their table."""
    rng = generator(0, "test", "many", people)
    labels = np.repeat(np.arange(people), 2)
    clusters = np.where(rng.random(2 * people) < 0.5, labels, rng.integers(0, people, 2 * people))
    return clusters, labels, contingency(clusters, labels, (people, people))


def test_many_classes_score_as_scikit_learn_says() -> None:
    """A table that is too large to be spread out for every resample is added up by its occupied cells."""
    clusters, labels, counts = many_people(150)
    assert counts.size > LARGEST_WHOLE
    found = clustering_metrics(counts)
    predicted = majority_labels(counts)[clusters]
    assert found["nmi"] == pytest.approx(normalized_mutual_info_score(labels, clusters), abs=1e-9)
    assert found["ami"] == pytest.approx(adjusted_mutual_info_score(labels, clusters), abs=1e-9)
    assert found["ari"] == pytest.approx(adjusted_rand_score(labels, clusters), abs=1e-12)
    assert found["accuracy"] == pytest.approx(np.mean(predicted == labels), abs=1e-12)
    f1 = precision_recall_fscore_support(labels, predicted, average="weighted", zero_division=0)[2]
    assert found["f1"] == pytest.approx(f1, abs=1e-12)
    assert found["f1"] == pytest.approx(majority_scores(counts, majority_labels(counts)).f1, abs=1e-12)
    together = clustering_metrics(np.stack([counts, counts.T]), counts)
    for name, values in together.items():
        assert values[0] == pytest.approx(float(found[name]), abs=1e-12), name
    assert nmi_and_purity(clusters, labels, (150, 150)) == (found["nmi"], found["accuracy"])


def test_both_ways_of_adding_up_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters, labels, counts = many_people(20)
    units = numbered(labels // 2)
    weights = unit_weights(units.count, generator(1, "test"), resamples=50)
    whole = (
        bootstrap_intervals(counts, "items", generator(0, "bootstrap")),
        percentiles(unit_metrics(clusters, labels, units, counts, weights), "people"),
    )
    monkeypatch.setattr("tasks.metrics.clustering.LARGEST_WHOLE", 0)
    cells = (
        bootstrap_intervals(counts, "items", generator(0, "bootstrap")),
        percentiles(unit_metrics(clusters, labels, units, counts, weights), "people"),
    )
    for one, other in zip(whole, cells, strict=True):
        for name, interval in one.items():
            assert (other[name].low, other[name].high) == pytest.approx((interval.low, interval.high), abs=1e-9), name


def test_blocks_of_resamples_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters, labels, counts = many_people(20)
    values = (clusters == labels).astype(float)

    def intervals() -> list[object]:
        units = numbered(labels // 2)
        weights = unit_weights(units.count, generator(1, "test"), resamples=50)
        return [
            bootstrap_intervals(counts, "items", generator(0, "bootstrap")),
            percentiles(unit_metrics(clusters, labels, units, counts, weights), "people"),
            mean_interval(values, generator(0, "bootstrap")),
            mean_interval(values, generator(0, "bootstrap"), units),
        ]

    together = intervals()
    monkeypatch.setattr("tasks.metrics.bootstrap.BLOCK", 3000)
    assert intervals() == together


def test_memory_grows_with_the_items_not_with_the_square_of_the_classes() -> None:
    """2,000 resamples of a whole table of 1,000 x 1,000 would be 16 GB."""
    clusters, labels, counts = many_people(1000)
    tracemalloc.start()
    bootstrap_intervals(counts, "tracks", generator(0, "bootstrap"))
    nmi_and_purity(clusters, labels, counts.shape)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6
