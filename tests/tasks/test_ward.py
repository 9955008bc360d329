"""Ward clustering against scikit-learn's, which is the reference for every partition."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.cluster import AgglomerativeClustering

import tasks.ward
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.ward import squared_distances, ward_clusters


def partition(clusters: np.ndarray) -> set[frozenset[int]]:
    """The clusters as sets of items."""
    return {frozenset(np.flatnonzero(clusters == cluster).tolist()) for cluster in np.unique(clusters)}


def reference(features: np.ndarray, clusters: int) -> np.ndarray:
    return AgglomerativeClustering(clusters, linkage="ward").fit_predict(features)


def cases(kind: str, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Random features (n, d) and numbers of clusters."""
    rng = generator(0, "test", kind)
    for _ in range(count):
        items, size = int(rng.integers(2, 70)), int(rng.integers(1, 40))
        features = rng.standard_normal((items, size)).astype(np.float32)
        match kind:
            case "ties":  # points of a small grid: many equal distances, many duplicates
                features = rng.integers(0, 5, (items, min(size, 3))).astype(np.float32)
            case "duplicates":
                features = features[rng.integers(0, max(1, items // 3), items)]
            case "offset":  # far from the origin
                features = features + np.float32(1e4)
            case "scales":  # columns of very different size
                features = features * np.exp(rng.normal(0, 4, size)).astype(np.float32)
            case "tight":  # groups a million times smaller than their distance
                features = rng.standard_normal((4, size))[rng.integers(0, 4, items)] + 1e-6 * features
            case "outlier":  # one item so far out that the others' mean is nowhere near them
                features[0] += 1e5
        yield features, int(rng.integers(1, items + 1))


@pytest.mark.parametrize("kind", ["normal", "ties", "duplicates", "offset", "scales", "tight", "outlier"])
def test_same_partition_as_scikit_learn(kind: str) -> None:
    for features, clusters in cases(kind, 60):
        ours = ward_clusters(features, clusters)
        assert partition(ours) == partition(reference(features, clusters))
        assert ours.dtype == np.int64


@pytest.mark.parametrize("kind", ["normal", "duplicates", "offset", "scales", "tight", "outlier"])
def test_distances_are_exact(kind: str) -> None:
    for features, _ in cases(kind, 20):
        exact = pdist(features.astype(np.float64), "sqeuclidean")
        np.testing.assert_allclose(squared_distances(features), exact, rtol=2e-10, atol=0)


def test_blocks_do_not_change_the_distances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory map read a few columns at a time, with its close pairs recomputed in several parts."""
    features = generator(0, "test").standard_normal((30, 517)).astype(np.float32)
    features[10:20] = features[:10]
    np.save(tmp_path / "features.npy", features)
    monkeypatch.setattr(tasks.ward, "BLOCK_BYTES", 8 * 30 * 3)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    exact = pdist(features.astype(np.float64), "sqeuclidean")
    np.testing.assert_allclose(squared_distances(mapped), exact, rtol=2e-10, atol=0)


def test_numbers_clusters_by_first_appearance() -> None:
    features = np.array([[5.0], [0.0], [5.1], [9.0], [0.1]])
    assert ward_clusters(features, 3).tolist() == [0, 1, 0, 2, 1]


def test_one_cluster_and_one_item() -> None:
    assert ward_clusters(np.arange(4.0)[:, None], 1).tolist() == [0, 0, 0, 0]
    assert ward_clusters(np.zeros((1, 3)), 1).tolist() == [0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_names_the_first_item_that_is_not_finite(bad: float) -> None:
    features = np.zeros((5, 3), dtype=np.float32)
    features[2, 1] = features[4, 0] = bad
    with pytest.raises(BenchError, match=r"2 of 5 items are not finite.*item 2"):
        ward_clusters(features, 2)


@pytest.mark.parametrize("clusters", [0, 4])
def test_refuses_an_impossible_number_of_clusters(clusters: int) -> None:
    with pytest.raises(BenchError, match=f"cannot form {clusters} clusters of 3 items"):
        ward_clusters(np.zeros((3, 2)), clusters)


def test_collapsed_features_cost_no_more_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies are found by their bytes and tight groups have a mean of their own: no pair is differenced."""

    def never(*arguments: object) -> None:
        raise AssertionError("differenced pair by pair")

    monkeypatch.setattr(tasks.ward, "_difference", never)
    rng = generator(0, "test")
    assert not squared_distances(np.ones((50, 20), dtype=np.float32)).any()
    centres = rng.standard_normal((4, 20))[np.arange(40) % 4]
    tight = centres + 1e-5 * rng.standard_normal((40, 20))
    np.testing.assert_allclose(squared_distances(tight), pdist(tight, "sqeuclidean"), rtol=1e-9, atol=0)


def test_a_chain_of_close_rows_is_differenced() -> None:
    """Points round a circle: each is close to its neighbours, and no mean is near to all."""
    angles = np.linspace(0, 2 * np.pi, 700, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(squared_distances(circle), pdist(circle, "sqeuclidean"), rtol=1e-9, atol=0)
