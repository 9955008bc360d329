"""Verification against scikit-learn's ROC on all pairs held in memory, and its interval against resampled items."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from datasets.streams import generator
from tasks.metrics.verification import verification
from tasks.units import Units


def drawn(items: int, apart: float, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = generator(0, "test", "verification")
    labels = rng.integers(0, 4, items)
    rows = apart * np.eye(4)[labels] + rng.standard_normal((items, 4))
    return np.rint(rows) if whole else rows, labels


def pairs(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Both items of each pair, whether they show one person, and how near they are."""
    one, other = np.triu_indices(len(rows), 1)
    distances = ((rows[one] - rows[other]) ** 2).sum(axis=1).round(9)
    return one, other, labels[one] == labels[other], -distances


@pytest.mark.parametrize("whole", [False, True], ids=["plain", "ties"])
@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0])
def test_equals_scikit_learn(apart: float, whole: bool) -> None:
    rows, labels = drawn(70, apart, whole)
    _, _, same, near = pairs(rows, labels)
    found = verification(rows, labels)
    assert found is not None
    false, true, _ = roc_curve(same, near, drop_intermediate=False)
    assert found.auc == pytest.approx(roc_auc_score(same, near), abs=1e-12)
    assert found.eer == pytest.approx(np.interp(0.0, false - (1 - true), false), abs=1e-12)
    assert found.tar_at_far1 == pytest.approx(true[false <= 0.01].max(), abs=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = drawn(50, 1.0)
    whole = verification(rows, labels)
    monkeypatch.setattr("tasks.metrics.distances.BLOCK_BYTES", 8 * 50 * 7)
    parts = verification(rows, labels)
    assert whole is not None
    assert parts is not None
    assert (whole.auc, whole.eer, whole.tar_at_far1) == (parts.auc, parts.eer, parts.tar_at_far1)
    np.testing.assert_allclose(whole.influence, parts.influence, atol=1e-15)


def test_influence_is_the_derivative_by_an_items_weight() -> None:
    rows, labels = drawn(40, 1.0)
    one, other, same, near = pairs(rows, labels)
    found = verification(rows, labels)
    assert found is not None
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)
    for item in range(5):
        weight = np.ones(40)
        weight[item] += 1e-6
        more = roc_auc_score(same, near, sample_weight=weight[one] * weight[other])
        assert (more - found.auc) / 1e-6 == pytest.approx(found.influence[item], abs=1e-5)


def test_interval_is_that_of_fresh_samples() -> None:
    """Its width is the spread of the score over other items of the same kind."""
    rng = generator(0, "test", "fresh")
    scores, widths = [], []
    for _ in range(60):
        labels = rng.integers(0, 4, 60)
        found = verification(np.eye(4)[labels] + rng.standard_normal((60, 4)), labels)
        assert found is not None
        interval = found.interval(generator(0, "bootstrap"), "tracks")
        assert interval.over == "tracks"
        scores.append(found.auc)
        widths.append(interval.high - interval.low)
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.std(scores), rel=0.35)


def test_copies_of_a_person_widen_the_interval() -> None:
    rows, labels = drawn(80, 1.0)
    found = verification(rows, labels)
    assert found is not None
    units = Units(labels, labels, 4)
    by_person, by_item = (found.interval(generator(0, "bootstrap"), "items", own) for own in (units, None))
    assert (by_person.over, by_item.over) == ("people", "items")
    assert by_person.low < found.auc < by_person.high


def test_without_pairs_of_both_kinds_there_is_nothing_to_verify() -> None:
    assert verification(np.eye(3), np.arange(3)) is None
    assert verification(np.eye(3), np.zeros(3, dtype=np.int64)) is None


def test_rows_that_are_all_the_same_tell_nothing() -> None:
    found = verification(np.full((20, 3), 0.1), np.arange(20) % 3)
    assert found is not None
    assert (found.auc, found.eer, found.tar_at_far1) == (0.5, pytest.approx(0.5), 0)
