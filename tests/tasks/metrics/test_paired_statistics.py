"""Resampled differences: right in closed form, of the same items, and nothing where the arrays say nothing."""

import numpy as np
import pytest

from datasets.streams import generator
from tasks.metrics.paired import RESAMPLES, STATISTICS

N = 300


def drawn(statistic: str, before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return STATISTICS[statistic](before, after, ("score", "other"), generator(0, "paired", "task"))


def answers(wrong: int) -> dict[str, np.ndarray]:
    """One attribute of which the first `wrong` answers are wrong."""
    truth = (np.arange(N) % 2).astype(np.int8)[:, None]
    given = truth.copy()
    given[:wrong] = 1 - given[:wrong]
    return {"frame": np.arange(N), "attributes": truth, "score": given}


def clusters(wrong: int) -> dict[str, np.ndarray]:
    label = np.arange(N) % 2
    return {"label": label, "cluster": np.where(np.arange(N) < wrong, 1 - label, label)}


def masks(wrong: int) -> dict[str, np.ndarray]:
    """One pixel per image, of the class of its number's parity, that the first `wrong` images get wrong."""
    truth = np.arange(N) % 2
    confusion = np.zeros((N, 2, 2), dtype=np.int64)
    confusion[np.arange(N), truth, np.where(np.arange(N) < wrong, 1 - truth, truth)] = 1
    return {"frame": np.arange(N), "confusion": confusion}


def means(wrong: int) -> dict[str, np.ndarray]:
    return {"frame": np.arange(N), "score": (np.arange(N) >= wrong).astype(float)}


CASES = [
    ("clustering", clusters, "accuracy"),
    ("attribute_accuracy", answers, "score"),
    ("segmentation", masks, "pixel_accuracy"),
    ("mean", means, "score"),
]


def test_every_statistic_has_its_case() -> None:
    assert {statistic for statistic, *_ in CASES} == set(STATISTICS)


@pytest.mark.parametrize(("statistic", "arrays", "metric"), CASES)
def test_items_that_change_sides_are_a_binomial(statistic: str, arrays: object, metric: str) -> None:
    """Of 300 items 30 are wrong before and 18 after, all of them among the 30."""
    assert callable(arrays)
    found = drawn(statistic, arrays(30), arrays(18))[metric]
    share = 12 / N
    assert found.shape == (RESAMPLES,)
    assert found.mean() == pytest.approx(share, abs=0.002)
    assert found.std() == pytest.approx(np.sqrt(share * (1 - share) / N), rel=0.1)


@pytest.mark.parametrize(("statistic", "arrays", "metric"), CASES)
def test_the_same_answers_differ_in_no_resample(statistic: str, arrays: object, metric: str) -> None:
    assert callable(arrays)
    assert not drawn(statistic, arrays(30), arrays(30))[metric].any()
    assert np.array_equal(*(drawn(statistic, arrays(30), arrays(18))[metric] for _ in range(2))), "one stream"


@pytest.mark.parametrize(("statistic", "arrays", "metric"), CASES)
def test_arrays_that_are_not_there_are_no_difference(statistic: str, arrays: object, metric: str) -> None:
    assert callable(arrays)
    assert drawn(statistic, arrays(30), {"frame": np.arange(N)}) == {}


def test_unknown_items_count_for_nobody() -> None:
    before, after = clusters(30), clusters(18)
    before["cluster"][:100] = -1
    assert not drawn("clustering", before, after)["accuracy"].any(), "all that differ are unknown"
    before, after = answers(30), answers(18)
    before["attributes"][:100] = -1
    assert not drawn("attribute_accuracy", before, after)["score"].any()


def test_other_labels_and_items_without_a_number_are_left_out() -> None:
    other = clusters(18)
    assert drawn("clustering", clusters(30), {**other, "label": 1 - other["label"]}) == {}
    lacking = means(18)
    lacking["score"][0] = np.nan
    assert drawn("mean", means(30), lacking) == {}
