"""Resampled scores: right in closed form, the record's own where every item counts once, and of the same draws."""

from collections.abc import Callable

import numpy as np
import pytest

from datasets.streams import generator
from tasks.metrics import bootstrap
from tasks.metrics.attributes import balanced_accuracy
from tasks.metrics.binary_tables import attribute_metrics, tables_of
from tasks.metrics.clustering import Fitted
from tasks.metrics.paired import STATISTICS, resamples
from tasks.metrics.verification import verification

N, DRAWS = 300, 2000
Arrays = Callable[[int], dict[str, np.ndarray]]


def scored(statistic: str, arrays: dict[str, np.ndarray], weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Each metric on the resamples of one stream, or with the weights given."""
    score = STATISTICS[statistic](arrays, ("score", "other", "pck_loose"))
    if score is None:
        return {}
    drawn = resamples(N, DRAWS, generator(0, "units", "task")) if weights is None else weights
    return score(drawn.astype(float))


def answers(wrong: int) -> dict[str, np.ndarray]:
    """One attribute of which the first `wrong` answers are wrong."""
    truth = (np.arange(N) % 2).astype(np.int8)[:, None]
    given = truth.copy()
    given[:wrong] = 1 - given[:wrong]
    return {"frame": np.arange(N), "attributes": truth, "score": given}


def clusters(wrong: int) -> dict[str, np.ndarray]:
    label = np.arange(N) % 2
    return {"label": label, "cluster": np.where(np.arange(N) < wrong, 1 - label, label)}


def attributes(wrong: int) -> dict[str, np.ndarray]:
    """One clustering against an attribute that it tells and one that is the same everywhere, which is not scored."""
    found = clusters(wrong)
    values = np.stack([found["label"], np.ones(N, dtype=int)], axis=1).astype(np.int8)
    return {"frame": np.arange(N), "cluster": found["cluster"], "attributes": values}


def masks(wrong: int) -> dict[str, np.ndarray]:
    """One pixel per image, of the class of its number's parity, that the first `wrong` images get wrong."""
    truth = np.arange(N) % 2
    confusion = np.zeros((N, 2, 2), dtype=np.int64)
    confusion[np.arange(N), truth, np.where(np.arange(N) < wrong, 1 - truth, truth)] = 1
    return {"frame": np.arange(N), "confusion": confusion}


def means(wrong: int) -> dict[str, np.ndarray]:
    return {"frame": np.arange(N), "score": (np.arange(N) >= wrong).astype(float)}


def found(wrong: int) -> dict[str, np.ndarray]:
    """Two keypoints per image, one of which is not visible; of the other one the first `wrong` are found far away."""
    distance = np.full((N, 2), np.nan)
    distance[:, 0] = np.where(np.arange(N) < wrong, 10.0, 0.5)
    return {"frame": np.arange(N), "distance": distance, "pck_loose": np.ones(1)}


CASES = [
    ("clustering", clusters, "accuracy"),
    ("attribute_clustering", attributes, "accuracy"),
    ("attribute_accuracy", answers, "score"),
    ("segmentation", masks, "pixel_accuracy"),
    ("parts", masks, "pixel_accuracy"),
    ("keypoints", found, "pck_loose"),
    ("mean", means, "score"),
]


def test_every_statistic_has_its_case() -> None:
    assert {statistic for statistic, *_ in CASES} == set(STATISTICS)


@pytest.mark.parametrize(("statistic", "arrays", "metric"), CASES)
def test_items_that_change_sides_are_a_binomial(statistic: str, arrays: Arrays, metric: str) -> None:
    """Of 300 items 30 are wrong before and 18 after, all of them among the 30."""
    gain = scored(statistic, arrays(18))[metric] - scored(statistic, arrays(30))[metric]
    share = 12 / N
    assert gain.shape == (DRAWS,)
    assert gain.mean() == pytest.approx(share, abs=0.002)
    assert gain.std() == pytest.approx(np.sqrt(share * (1 - share) / N), rel=0.1)


@pytest.mark.parametrize(("statistic", "arrays", "metric"), CASES)
def test_every_item_once_is_the_score_itself(statistic: str, arrays: Arrays, metric: str) -> None:
    assert scored(statistic, arrays(30), np.ones((1, N)))[metric] == pytest.approx([0.9])


@pytest.mark.parametrize(("statistic", "arrays", "metric"), CASES)
def test_arrays_that_are_not_there_score_nothing(statistic: str, arrays: Arrays, metric: str) -> None:
    assert scored(statistic, {"frame": np.arange(N)}) == {}


def test_unknown_items_count_for_nobody() -> None:
    """All that the two answer differently are unknown."""
    found = []
    for wrong in (30, 18):
        one, other, third = clusters(wrong), answers(wrong), attributes(wrong)
        one["cluster"][:100] = -1
        other["attributes"][:100] = -1
        third["attributes"][:100] = -1
        found.append(
            [
                scored("clustering", one)["accuracy"],
                scored("attribute_accuracy", other)["score"],
                scored("attribute_clustering", third)["accuracy"],
            ]
        )
    for before, after in zip(*found, strict=True):
        assert np.array_equal(before, after)


def test_items_without_a_number_are_no_mean() -> None:
    lacking = means(18)
    lacking["score"][0] = np.nan
    assert scored("mean", lacking) == {}


def test_attributes_count_alike_however_many_items_they_are_known_of() -> None:
    """Of the first attribute, known of two items, one answer is right; of the second, known of all, nine of ten."""
    truth = np.ones((10, 2), dtype=np.int8)
    truth[2:, 0] = -1
    given = np.ones((10, 2), dtype=np.int8)
    given[0] = 0
    score = STATISTICS["attribute_accuracy"]({"attributes": truth, "score": given}, ("score",))
    assert score is not None
    assert score(np.ones((1, 10)))["score"] == pytest.approx([(1 / 2 + 9 / 10) / 2]), "not 10 of 12"
    drawn = np.zeros((1, 10))
    drawn[0, 5:] = 2
    assert score(drawn)["score"] == pytest.approx([1.0]), "an attribute known of nobody drawn is left out"


def test_neighbours_and_means_are_scored_beside_a_clustering() -> None:
    """Over the items that are known, each kept for itself: what an item's neighbours said does not change."""
    arrays = clusters(30)
    arrays["knn_label"] = np.where(np.arange(N) < 60, 1 - arrays["label"], arrays["label"])
    arrays["score"] = np.where(np.arange(N) < 100, np.nan, 0.25)
    arrays["cluster"][:100] = -1
    once = scored("clustering", arrays, np.ones((1, N)))
    assert once["knn"] == pytest.approx([1.0])
    assert once["score"] == pytest.approx([0.25])
    arrays = {**clusters(30), "knn_label": arrays["knn_label"]}
    drawn = scored("clustering", arrays)["knn"]
    assert drawn.mean() == pytest.approx(0.8, abs=0.003)
    assert drawn.std() == pytest.approx(np.sqrt(0.8 * 0.2 / N), rel=0.1)


def test_tables_of_many_people_are_scored_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the same bits, with no more cells at once than allowed."""
    whole = scored("clustering", clusters(30))
    sizes: list[int] = []
    known = Fitted.cell_metrics

    def noted(self: Fitted, counts: np.ndarray, cells: np.ndarray) -> dict[str, np.ndarray]:
        sizes.append(len(counts) * self.held(len(cells)))
        return known(self, counts, cells)

    monkeypatch.setattr(bootstrap, "BLOCK", 3000)
    monkeypatch.setattr(Fitted, "cell_metrics", noted)
    found = scored("clustering", clusters(30))
    assert len(sizes) > 1
    assert max(sizes) <= 3000
    assert {name: values.tolist() for name, values in found.items()} == {n: v.tolist() for n, v in whole.items()}


def test_verification_is_what_pairs_of_items_drawn_more_often_say() -> None:
    """The mean of a number per item, against all pairs weighed by how often both items were drawn, one by one."""
    rng = np.random.default_rng(0)
    label = np.arange(120) % 6
    rows = rng.normal(0, 1, (120, 8)) + 0.8 * rng.normal(0, 1, (6, 8))[label]
    found = verification(rows, label)
    assert found is not None
    arrays = {"label": label, "cluster": label, "verification_auc": found.per_item}
    score = STATISTICS["clustering"](arrays, ("verification_auc",))
    assert score is not None
    assert score(np.ones((1, 120)))["verification_auc"] == pytest.approx([found.auc])
    one, other = np.triu_indices(120, 1)
    distance, same = ((rows[one] - rows[other]) ** 2).sum(axis=1), label[one] == label[other]
    closer = (distance[same][:, None] < distance[~same]).astype(float)
    drawn = resamples(120, 150, generator(0, "test", "pairs"))
    pairs = drawn[:, one] * drawn[:, other]
    exact = [own[same] @ closer @ own[~same] / (own[same].sum() * own[~same].sum()) for own in pairs]
    first_order = score(drawn.astype(float))["verification_auc"]
    assert np.corrcoef(exact, first_order)[0, 1] > 0.95
    assert np.std(first_order) == pytest.approx(np.std(exact), rel=0.15)


def test_balanced_accuracy_of_answers_is_the_tasks_score() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random((N, 6)) < rng.uniform(0.1, 0.9, 6)).astype(np.int8)
    truth[rng.random((N, 6)) < 0.2] = -1
    truth[:, 5] = 1
    given = (rng.random((N, 6)) < 0.5).astype(np.uint8)
    score = STATISTICS["attribute_accuracy"](
        {"attributes": truth, "accuracy_16_frozen": given}, ("accuracy_16_frozen", "balanced_accuracy_16_frozen")
    )
    assert score is not None
    whole = float(np.nanmean(balanced_accuracy(given, truth)))
    assert score(np.ones((1, N)))["balanced_accuracy_16_frozen"] == pytest.approx([whole]), "but for what is constant"
    drawn = resamples(N, 20, generator(0, "test", "balanced"))
    repeated = [
        np.nanmean(balanced_accuracy(np.repeat(given, own, axis=0), np.repeat(truth, own, axis=0))) for own in drawn
    ]
    assert score(drawn.astype(float))["balanced_accuracy_16_frozen"] == pytest.approx(repeated)


def test_one_clustering_against_many_attributes_is_the_tasks_score() -> None:
    rng = np.random.default_rng(0)
    values = (rng.random((N, 6)) < rng.uniform(0.1, 0.9, 6)).astype(np.int8)
    values[rng.random((N, 6)) < 0.2] = -1
    group = rng.integers(0, 2, N)
    tables = tables_of(group, values)
    own = {name: found.mean() for name, found in attribute_metrics(tables, tables).items()}
    found = scored("attribute_clustering", {"cluster": group, "attributes": values}, np.ones((1, N)))
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(own)
