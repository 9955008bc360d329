"""Principal components of few rows and many columns."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from datasets.packed import PackedBits
from tasks.groups import principal
from tasks.groups.principal import codes, coordinates


def test_against_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    features = (np.random.default_rng(0).standard_normal((20, 70)) * np.geomspace(1, 9, 70)).astype(np.float32)
    found, expected = coordinates(features), PCA().fit_transform(features)[:, :19]
    assert found.shape == (20, 19)
    assert np.abs(found) == pytest.approx(np.abs(expected), abs=1e-3)
    assert (found[np.abs(found).argmax(axis=0), np.arange(19)] > 0).all()
    monkeypatch.setattr(principal, "BLOCK_BYTES", 8 * 20 * 9)
    assert coordinates(features) == pytest.approx(found, abs=1e-9)


def test_distances_stay() -> None:
    features = np.random.default_rng(0).standard_normal((12, 40))
    found = coordinates(features)
    centred = features - features.mean(axis=0)
    assert found @ found.T == pytest.approx(centred @ centred.T)


def test_packed_bits() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (10, 77), dtype=np.uint8)
    packed = PackedBits(np.packbits(bits, axis=1), 77)
    assert np.array_equal(coordinates(packed), coordinates(bits.astype(np.float32)))
    assert codes(packed, coordinates(packed), 4).shape == (10, 4)
    assert codes(packed, coordinates(packed), 77).shape == (10, 77)


def test_codes_have_mean_0_and_variance_1() -> None:
    features = np.random.default_rng(0).standard_normal((30, 50)) * np.geomspace(1, 1e3, 50)
    found = codes(features, coordinates(features), 8)
    assert found.mean(axis=0) == pytest.approx(np.zeros(8), abs=1e-9)
    assert found.T @ found / 30 == pytest.approx(np.eye(8), abs=1e-9)
    few = features[:5]
    assert codes(few, coordinates(few), 8).shape == (5, 4)


def test_few_features_keep_their_axes() -> None:
    features = np.random.default_rng(0).standard_normal((30, 4)) + np.array([0, 5, 0, 0])
    features[:, 2] = 0.1
    found = codes(features, coordinates(features), 4)
    kept = features[:, [0, 1, 3]]
    assert found == pytest.approx((kept - kept.mean(axis=0)) / kept.std(axis=0))


def test_rounding_is_no_feature() -> None:
    rng = np.random.default_rng(0)
    still = (1 + 1e-7 * rng.integers(-1, 2, (30, 50))).astype(np.float32)
    assert coordinates(still).shape == (30, 0)
    assert codes(still, coordinates(still), 8).shape == (30, 0)
    assert codes(still[:, :4], coordinates(still[:, :4]), 8).shape == (30, 0)
    assert coordinates(np.zeros((30, 50))).shape == (30, 0)
