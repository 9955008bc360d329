"""DCI, MIG and SAP, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from tasks.metrics.disentanglement import (
    completeness,
    concentration,
    disentanglement,
    forest_importance,
    mutual_information,
    mutual_information_gap,
    ridge_r2,
    separated_attribute_predictability,
)


@pytest.fixture
def independent() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(300, 3))


def mixed(codes: np.ndarray) -> np.ndarray:
    """Each code turned by the same angle towards the others."""
    turn = np.eye(3) - 2 / 3
    return (codes - 0.5) @ turn


def test_entropies_by_hand() -> None:
    quarter = 1 + 0.25 * np.log2(0.25) + 0.75 * np.log2(0.75)
    weights = np.array([[1.0, 3.0], [2.0, 2.0], [0.0, 5.0], [0.0, 0.0]])
    assert concentration(weights) == pytest.approx([quarter, 0, 1, 0])
    # Rows count by their sums, 4, 4, 5 and 0.
    assert disentanglement(weights) == pytest.approx((4 * quarter + 5) / 13)
    columns = [np.array([1, 2]) / 3, np.array([0.3, 0.2, 0.5])]
    parts = [1 + (share * np.log(share)).sum() / np.log(4) for share in columns]
    assert completeness(weights) == pytest.approx((3 * parts[0] + 10 * parts[1]) / 13)


def test_extremes_of_disentanglement_and_completeness() -> None:
    assert disentanglement(np.eye(4)) == completeness(np.eye(4)) == 1
    assert disentanglement(np.ones((4, 3))) == pytest.approx(0, abs=1e-12)
    assert completeness(np.ones((4, 3))) == pytest.approx(0, abs=1e-12)
    assert disentanglement(np.zeros((4, 3))) == completeness(np.zeros((4, 3))) == 0
    # Two codes per factor: each for one factor only, but no factor in one code.
    doubled = np.repeat(np.eye(2), 2, axis=0)
    assert (disentanglement(doubled), completeness(doubled)) == pytest.approx((1, 0.5))
    assert completeness(np.array([[1.0, 2.0]])) == 1
    assert disentanglement(np.zeros((0, 3))) == 0


def test_order_of_codes_and_factors_is_nothing() -> None:
    rng = np.random.default_rng(0)
    codes, factors = rng.standard_normal((100, 5)), rng.standard_normal((100, 3))
    importance, order = rng.uniform(size=(5, 3)), rng.permutation(5)
    assert disentanglement(importance[order][:, ::-1]) == pytest.approx(disentanglement(importance))
    assert completeness(importance[order][:, ::-1]) == pytest.approx(completeness(importance))
    for gap in (mutual_information_gap, separated_attribute_predictability):
        assert gap(codes[:, order], factors[:, ::-1]) == pytest.approx(gap(codes, factors)[::-1])


def test_forests_tell_codes_that_match_from_codes_that_are_mixed(independent: np.ndarray) -> None:
    same, told = forest_importance(independent, independent.T, trees=20, seed=2**40)
    assert same.sum(axis=0) == pytest.approx([1, 1, 1])
    assert disentanglement(same) > 0.95
    assert completeness(same) > 0.95
    assert (told > 0.95).all()
    turned, _ = forest_importance(mixed(independent), independent.T, trees=20, seed=2**40)
    assert disentanglement(turned) < 0.3
    again, _ = forest_importance(mixed(independent), independent.T, trees=20, seed=2**40)
    assert np.array_equal(turned, again)


def test_what_codes_leave_out_is_not_told(independent: np.ndarray) -> None:
    two = independent[:, :2]
    _, told = forest_importance(two, independent.T, trees=20, seed=0)
    assert told[:2].min() > 0.95
    assert told[2] < 0.05
    assert ridge_r2(two, independent, 4) == pytest.approx([1, 1, 0], abs=0.02)
    assert mutual_information_gap(two, independent)[2] < 0.05
    assert separated_attribute_predictability(two, independent)[2] < 0.05


def test_shuffled_factors(independent: np.ndarray) -> None:
    shuffled = np.random.default_rng(1).permutation(independent)
    _, told = forest_importance(independent, shuffled.T, trees=20, seed=0)
    assert told.max() < 0.05
    assert ridge_r2(independent, shuffled, 4).max() < 0.05
    assert mutual_information_gap(independent, shuffled).max() < 0.1
    assert separated_attribute_predictability(independent, shuffled).max() < 0.05


def test_mutual_information_against_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    codes, factors = rng.integers(0, 20, (200, 3)), rng.integers(0, 20, (200, 2))
    codes[:2], factors[:2] = [[0], [19]], [[0], [19]]
    expected = [[mutual_info_score(code, factor) for factor in factors.T] for code in codes.T]
    assert mutual_information(codes.astype(float), factors.astype(float)) == pytest.approx(np.array(expected))


def test_mutual_information_gap_by_hand() -> None:
    # A fair factor; a code that is it, one that tells half of it, and one that tells nothing.
    factor = np.repeat([0.0, 1.0], 8)
    half = np.where(np.arange(16) % 8 < 4, factor, 0.5)
    nothing = np.tile([0.0, 1.0], 8)
    codes = np.stack([nothing, factor, half], axis=1)
    information = mutual_information(codes, factor[:, None])[:, 0] / np.log(2)
    assert information == pytest.approx([0, 1, 0.5])
    assert mutual_information_gap(codes, factor[:, None]) == pytest.approx([0.5])
    assert mutual_information_gap(codes[:, :2], factor[:, None]) == pytest.approx([1])
    assert mutual_information_gap(codes[:, 1:2], factor[:, None]) == pytest.approx([1])
    assert mutual_information_gap(np.repeat(codes[:, 1:2], 2, axis=1), factor[:, None]) == pytest.approx([0])


def test_equal_bins() -> None:
    # 0.2 to 0.4 of the range is the second of five bins, and the greatest value is in the last.
    values = np.array([10.0, 11.9, 12.1, 13.9, 20.0])[:, None]
    labels = np.array([0, 0, 1, 1, 4])
    assert mutual_information(values, values, 5)[0, 0] == pytest.approx(mutual_info_score(labels, labels))


def test_separated_attribute_predictability_by_hand() -> None:
    one, other = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])
    factor = (3 * one + 4 * other)[:, None]  # squared correlations 9/25 and 16/25
    codes = np.stack([-5 * one, other + 7], axis=1)
    assert separated_attribute_predictability(codes, factor) == pytest.approx([7 / 25])
    assert separated_attribute_predictability(codes[:, :1], factor) == pytest.approx([9 / 25])


def test_constant_and_absent_codes_tell_nothing(independent: np.ndarray) -> None:
    still, factors = np.full((300, 2), 0.1), independent
    with_still = np.concatenate([independent, still], axis=1)
    for gap in (mutual_information_gap, separated_attribute_predictability):
        assert gap(with_still, factors) == pytest.approx(gap(independent, factors))
        assert gap(still, factors) == pytest.approx([0, 0, 0])
        assert gap(still[:, :0], factors) == pytest.approx([0, 0, 0])
    for nothing in (still, still[:, :0]):
        importance, told = forest_importance(nothing, factors.T, trees=20, seed=0)
        assert not importance.any()
        assert told.max() < 0.02
        assert disentanglement(importance) == completeness(importance) == 0
    assert not ridge_r2(np.zeros((300, 4)), factors, 4).any()
    assert not ridge_r2(still[:, :0], factors, 4).any()


def test_ridge_is_held_out_and_takes_any_scale(independent: np.ndarray) -> None:
    noise = np.random.default_rng(2).standard_normal((300, 600))
    assert ridge_r2(noise, independent, 4).max() < 0.05
    found = ridge_r2(np.concatenate([noise[:, :5], independent * [1, 2, 3]], axis=1), independent, 4)
    assert found.min() > 0.95
    assert ridge_r2(1e-6 * mixed(independent), independent, 4) == pytest.approx([1, 1, 1], abs=1e-3)
    assert ridge_r2(independent, independent[:, :1], 4).shape == (1,)
