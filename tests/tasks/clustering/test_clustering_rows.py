"""Narrow rows in place of wide features, and what normalising does to them."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from datasets.errors import BenchError
from datasets.packed import PackedBits
from datasets.streams import generator
from tasks.clustering.rows import Normalise, compact, normalised

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


def test_many_items_have_the_same_distances_in_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    features = drawn(40, 200)
    expected = pdist(features.astype(np.float64))
    monkeypatch.setattr("tasks.clustering.rows.LARGEST_COPIED", 39)
    np.testing.assert_allclose(pdist(compact(features)), expected, rtol=1e-6)
