"""Ward clustering against scikit-learn's, which is the reference for every partition."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import AgglomerativeClustering
from threadpoolctl import threadpool_limits

import tasks.clustering.ward
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.clustering.ward import squared_distances, ward_clusters
from tasks.clustering.ward_float32 import Certificate, certified_tree, multiply

KINDS = ["normal", "ties", "duplicates", "offset", "scales", "tight", "outlier"]


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


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let features of any width into single precision, a few columns at a time."""
    monkeypatch.setattr("tasks.clustering.ward_float32.LEAST_COLUMNS", 1)
    monkeypatch.setattr("tasks.clustering.ward_float32.LEAST_COLUMNS_PER_ITEM", 0)
    monkeypatch.setattr("tasks.clustering.ward_float32.COLUMNS", 16)
    monkeypatch.setattr("tasks.clustering.ward_float32.STRIP", 7)


@pytest.mark.parametrize("kind", KINDS)
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
    monkeypatch.setattr(tasks.clustering.ward, "BLOCK_BYTES", 8 * 30 * 3)
    monkeypatch.setattr(tasks.clustering.ward, "BLOCK_COLUMNS", 3)
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

    monkeypatch.setattr(tasks.clustering.ward, "_difference", never)
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("narrow")
def test_what_single_precision_certifies_is_right(kind: str) -> None:
    certified = 0
    for features, clusters in cases(kind, 60):
        certified += certified_tree(features, clusters) is not None
        assert partition(ward_clusters(features, clusters)) == partition(reference(features, clusters))
    if kind in ("normal", "offset", "scales"):
        assert certified > 45
    if kind == "ties":  # all but the few that have no tie below the cut
        assert certified < 15


def wide(kind: str) -> np.ndarray:
    """Features (60, 5000), wide enough for single precision as it is used."""
    rng = generator(0, "test", "wide")
    features = rng.standard_normal((60, 5000))
    match kind:
        case "positive":  # as after a ReLU
            features = np.maximum(features, 0)
        case "correlated":
            features = features + 3 * rng.standard_normal((5, 5000))[np.arange(60) % 5]
        case "repeated":  # runs of equal columns, whose products round alike
            features = np.repeat(features[:, :5], 1000, axis=1)
        case "binary":
            features = (features > 1).astype(float)
        case "near":  # groups close to each other
            features = features[np.arange(60) % 6] + 1e-3 * features
        case "norms":  # rows of very different length
            features *= np.exp(rng.normal(0, 3, (60, 1)))
        case "few":  # one column outweighs all others
            features[:, 77] *= 1e4
        case "small":
            features *= 1e-12
    return features.astype(np.float32)


WIDE = ["normal", "positive", "correlated", "repeated", "binary", "near", "norms", "few", "small"]


@pytest.mark.parametrize("kind", WIDE)
def test_products_are_within_their_bound(kind: str) -> None:
    features = wide(kind)
    products = multiply(features)
    norms = np.diagonal(products.gram)
    squared = norms + norms[:, None] - 2 * products.gram
    error = np.abs(squareform(squared, checks=False) - pdist(features.astype(np.float64), "sqeuclidean"))
    bound = products.error * squareform(norms + norms[:, None], checks=False)
    assert (error <= bound + 1e-14 * bound / products.error).all()
    assert products.error < 1e-4


@pytest.mark.parametrize("kind", WIDE)
def test_wide_features_give_the_same_partition(kind: str) -> None:
    features = wide(kind)
    for clusters in (1, 2, 7, 31, 60):
        assert partition(ward_clusters(features, clusters)) == partition(reference(features, clusters))
    # Distances of binary features are whole numbers, with ties; the others' are small beside their rows' norms.
    assert (certified_tree(features, 7) is None) == (kind in ("binary", "near", "norms"))


def test_products_do_not_depend_on_the_number_of_threads() -> None:
    features = generator(0, "test").standard_normal((50, 20_000)).astype(np.float32)
    with threadpool_limits(1, user_api="blas"):
        alone = multiply(features)
    with threadpool_limits(4, user_api="blas"):
        shared = multiply(features)
    assert (alone.gram == shared.gram).all()
    assert alone.error == shared.error


def exact_certificate(features: np.ndarray, error: float) -> Certificate:
    centred = features - features.mean(axis=0)
    squared = squareform(pdist(features, "sqeuclidean"))
    return Certificate(features, squared, (centred**2).sum(axis=1), error)


def test_a_wrong_tree_is_not_certified() -> None:
    """Two merges exchanged, or a cluster merged with the second nearest."""
    features = np.array([[0.0], [1.0], [10.0], [11.5], [30.0]])
    right = linkage(features, "ward")
    assert exact_certificate(features, 1e-9).holds(right, 2)
    assert exact_certificate(features, 1e-9).holds(right, 3)
    wrong = right.copy()
    wrong[[0, 1], :2] = [[0, 2], [1, 3]]
    assert not exact_certificate(features, 1e-9).holds(wrong, 2)
    late = right[[1, 0, 2, 3]]  # cut into four, it would merge the wrong pair
    assert not exact_certificate(features, 1e-9).holds(late, 4)


def middle(offset: float) -> np.ndarray:
    """Two items 2 apart, one between them that is nearer to one of them by 2 `offset`, and one far away."""
    return np.array([[0.0], [1.0 + offset], [2.0], [50.0]])


@pytest.mark.parametrize("offset", [-1e-6, 1e-6])
def test_merges_within_the_bound_are_decided_by_exact_distances(offset: float) -> None:
    features, error = middle(offset), 1e-3
    assert exact_certificate(features, error).holds(linkage(features, "ward"), 3)
    assert not exact_certificate(features, error).holds(linkage(middle(-offset), "ward"), 3)


def test_a_tie_is_not_certified() -> None:
    for error in (1e-3, 1e-9, 1e-11):
        assert not exact_certificate(middle(0), error).holds(linkage(middle(0), "ward"), 3)
    assert exact_certificate(middle(1e-6), 1e-9).holds(linkage(middle(1e-6), "ward"), 3)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_features_beyond_single_precision_are_left_to_double(scale: float) -> None:
    """Their products overflow or vanish."""
    features = scale * generator(0, "test").standard_normal((20, 30))
    assert certified_tree(features, 3) is None
    assert partition(ward_clusters(features, 3)) == partition(reference(features, 3))


def test_more_items_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system would kill the process, and with it whatever runs beside it."""
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=8_000_000_000))
    with pytest.raises(BenchError, match=r"50,000 items are too many .* 20\.0 GB, and 8\.0 GB of memory are free"):
        ward_clusters(np.zeros((50_000, 1), dtype=np.float32), 2)
