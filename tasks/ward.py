"""Ward's agglomerative clustering, exact, for features too wide to difference pair by pair.

scikit-learn's `AgglomerativeClustering(linkage="ward")` spends nearly all its time on the n^2/2 Euclidean distances,
each a pass over d values. Here they come from the matrix of inner products, a blocked matrix product in float64
that reads the features once, a few columns at a time. Agglomeration and cut are scikit-learn's, step by step, so the
partitions are the same, ties included.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import linkage

from datasets.errors import BenchError

# Memory of a block of columns in float64.
BLOCK_BYTES = 32 * 2**20

# |x - y|^2 = |x|^2 + |y|^2 - 2 x.y loses digits where x and y are much nearer to each other than to the mean. The
# product's error is about 3e-15 of |x|^2 + |y|^2 (seen at d = 131,072), so above this share a squared distance is
# right to 3e-11; below, it is computed again from the differences.
CLOSE = 1e-4

# Bits of a squared distance that are kept. The last ones hold the product's rounding errors, which would split pairs
# that are exactly as far apart and so decide ties by noise.
MANTISSA_BITS = 40


def ward_clusters(features: Float[np.ndarray, "n d"], clusters: int) -> Int[np.ndarray, " n"]:
    """Cut Ward's hierarchy of the rows of `features` (Euclidean, as they are) into `clusters` clusters.

    Parameters
    ----------
    features: (n, d), finite; may be a memory map, of which only a block of columns is in memory at a time.
    clusters: 1 to n.

    Returns
    -------
    The cluster of each row, numbered by first appearance: the partition that
    `AgglomerativeClustering(clusters, linkage="ward")` finds.

    Raises
    ------
    BenchError where a feature is not finite, or `clusters` is not in 1 to n.
    """
    items = len(features)
    if not 1 <= clusters <= items:
        raise BenchError(f"cannot form {clusters} clusters of {items} items: needs at least one item per cluster")
    if items == 1:
        return np.zeros(1, dtype=np.int64)
    distances = np.sqrt(squared_distances(features), dtype=np.float64)
    return _cut(linkage(distances, method="ward"), clusters)


def squared_distances(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " pairs"]:
    """Squared Euclidean distances between all rows, condensed as by `scipy.spatial.distance.pdist`, in float64.

    Raises BenchError where a feature is not finite.
    """
    gram = _centred_gram(features)
    squares = np.diagonal(gram)
    items = len(gram)
    out = np.empty(items * (items - 1) // 2)
    close: list[np.ndarray] = []
    start = 0
    for row in range(items - 1):
        scale = squares[row] + squares[row + 1 :]
        values = scale - 2 * gram[row, row + 1 :]
        close.append(start + np.flatnonzero(values <= CLOSE * scale))
        out[start : start + len(values)] = values
        start += len(values)
    _difference(features, out, np.concatenate(close))
    return _rounded(out)


def _blocks(features: Float[np.ndarray, "n d"]) -> Iterator[Float[np.ndarray, "n b"]]:
    """The features' columns, in blocks of about `BLOCK_BYTES`, as float64 arrays of their own."""
    columns = max(1, BLOCK_BYTES // (8 * len(features)))
    for start in range(0, features.shape[1], columns):
        yield np.array(features[:, start : start + columns], dtype=np.float64)


def _centred_gram(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n n"]:
    """Inner products of the rows less their mean, which leaves distances alone and keeps the products small."""
    gram = np.zeros((len(features), len(features)))
    finite = np.ones(len(features), dtype=bool)
    for block in _blocks(features):
        finite &= np.isfinite(block).all(axis=1)
        if finite.all():
            block -= block.mean(axis=0)
            gram += block @ block.T
    if not finite.all():
        raise BenchError(
            f"features of {np.count_nonzero(~finite)} of {len(features)} items are not finite numbers (the first is "
            f"item {finite.argmin()}): the method diverged, or its inputs have another range than in training"
        )
    return gram


def _difference(features: Float[np.ndarray, "n d"], out: Float[np.ndarray, " pairs"], which: np.ndarray) -> None:
    """Recompute the condensed entries `which` of `out` from the rows' differences."""
    if not len(which):
        return
    items = len(features)
    first_of_row = np.cumsum([0, *range(items - 1, 1, -1)])
    left = np.searchsorted(first_of_row, which, side="right") - 1
    right = which - first_of_row[left] + left + 1
    out[which] = 0
    for block in _blocks(features):
        pairs = max(1, BLOCK_BYTES // (8 * block.shape[1]))
        for start in range(0, len(which), pairs):
            part = slice(start, start + pairs)
            difference = block[left[part]] - block[right[part]]
            out[which[part]] += np.einsum("pd,pd->p", difference, difference)


def _rounded(values: Float[np.ndarray, " pairs"]) -> Float[np.ndarray, " pairs"]:
    """`values` rounded to `MANTISSA_BITS` significant bits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(mantissa, MANTISSA_BITS)), exponent - MANTISSA_BITS)


def _cut(tree: Float[np.ndarray, "merges 4"], clusters: int) -> Int[np.ndarray, " n"]:
    """Undo the last merges of a linkage so that `clusters` clusters remain."""
    items = len(tree) + 1
    parent = np.arange(2 * items - 1)
    for step, (left, right) in enumerate(tree[: items - clusters, :2].astype(np.int64)):
        parent[left] = parent[right] = items + step
    for node in range(len(parent) - 1, -1, -1):
        parent[node] = parent[parent[node]]  # parents have higher numbers, so theirs are final already
    _, first, cluster = np.unique(parent[:items], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[cluster]
