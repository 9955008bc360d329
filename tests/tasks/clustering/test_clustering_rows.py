"""Narrow rows in place of wide features, and what normalising does to them."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from datasets.errors import BenchError
from datasets.packed import PackedBits
from datasets.streams import generator
from tasks.clustering.rows import Normalise, compact, normalised
from tasks.metrics.distances import squared_distance_blocks

HOWS: tuple[Normalise, ...] = ("standardise", "l2", "pca")


def drawn(items: int, width: int) -> np.ndarray:
    rng = generator(0, "test", "rows")
    scales = 10.0 ** rng.uniform(-2, 2, width)
    return (scales * (rng.standard_normal((items, width)) + 3)).astype(np.float32)


def by_hand(features: np.ndarray, how: Normalise) -> np.ndarray:
    """Distances after normalising all values at once."""
    values = features.astype(np.float64)
    if how == "standardise":
        return pdist((values - values.mean(axis=0)) / values.std(axis=0))
    if how == "l2":
        return pdist(values / np.linalg.norm(values, axis=1, keepdims=True))
    scores, deviations, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = np.searchsorted(np.cumsum(deviations**2) / (deviations**2).sum(), 0.95) + 1
    return pdist(scores[:, :kept] * np.sqrt(len(values)))


@pytest.mark.parametrize("width", [6, 200])
@pytest.mark.parametrize("how", HOWS)
def test_distances_are_those_of_the_normalised_features(how: Normalise, width: int) -> None:
    """Also where features are wider than there are items, and read a few columns at a time."""
    features = drawn(30, width)
    rows = np.asarray(normalised(features, how))
    assert rows.shape[1] <= min(30, width)
    np.testing.assert_allclose(pdist(rows), by_hand(features, how), rtol=1e-5, atol=1e-6)


def test_none_leaves_features_alone() -> None:
    features = drawn(10, 50)
    assert normalised(features, "none") is features


def test_compact_keeps_inner_products_and_copies_nothing_narrow() -> None:
    wide, narrow = drawn(12, 90), drawn(12, 5)
    np.testing.assert_allclose(compact(wide) @ compact(wide).T, wide.astype(float) @ wide.astype(float).T, rtol=1e-9)
    assert compact(narrow) is narrow


@pytest.mark.parametrize("how", HOWS)
def test_packed_bits_and_memory_maps_are_as_good_as_arrays(how: Normalise, tmp_path: object) -> None:
    bits = (generator(0, "test", "bits").random((20, 100)) < 0.4).astype(np.uint8)
    dense = normalised(bits.astype(np.float32), how)
    packed = normalised(PackedBits(np.packbits(bits, axis=1), 100), how)
    np.testing.assert_array_equal(dense, packed)


def test_standardising_and_lengths_leave_out_scale() -> None:
    features = drawn(25, 8)
    for how in HOWS:
        once, other = (np.asarray(normalised(features * factor, how)) for factor in (1, np.float32(0.25)))
        np.testing.assert_allclose(pdist(once), pdist(other), rtol=1e-9)


def test_constant_columns_empty_rows_and_equal_rows_become_zero() -> None:
    features = np.concatenate([drawn(15, 3), np.full((15, 1), 0.1, np.float32)], axis=1)
    assert not np.asarray(normalised(features, "standardise"))[:, 3].any()
    features[4] = 0
    assert not np.asarray(normalised(features, "l2"))[4].any()
    assert not np.asarray(normalised(np.full((15, 4), 0.1), "pca")).any()


@pytest.mark.parametrize("width", [6, 200])
@pytest.mark.parametrize("how", HOWS)
def test_refuses_features_that_are_not_finite(how: Normalise, width: int) -> None:
    features = drawn(30, width)
    features[7, 2] = np.nan
    with pytest.raises(BenchError, match="1 of 30 items are not finite"):
        normalised(features, how)


def test_wide_features_keep_their_products_in_as_many_dimensions_as_they_need() -> None:
    features = drawn(40, 200).astype(np.float64)
    features[7] = features[3]
    rows = compact(features)
    assert rows.shape == (40, 39), "two rows are equal"
    np.testing.assert_allclose(rows @ rows.T, features @ features.T, rtol=0, atol=1e-12 * (features**2).sum(1).max())
    np.testing.assert_allclose(pdist(rows), pdist(features), rtol=1e-9, atol=1e-9)
    assert not compact(np.zeros((4, 9))).any()


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_wide_features_that_are_0_or_1_keep_equal_distances_equal(share: float) -> None:
    """Whose distances are whole numbers: what decides a tie is no rounding error."""
    features = (generator(0, "test", "binary").random((60, 4000)) < share).astype(np.float64)
    rows = compact(features)
    found = np.concatenate([block for _, block in squared_distance_blocks(rows)])
    assert len(np.unique(found)) == len(np.unique(squareform(pdist(features, "cityblock"))))
