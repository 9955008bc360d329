"""Ward's agglomerative clustering, exact, for features too wide to difference pair by pair.

scikit-learn's `AgglomerativeClustering(linkage="ward")` spends nearly all its time on the n^2/2 Euclidean distances,
each a pass over d values. Here they come from the matrix of inner products, a blocked matrix product in float64
that reads the features once, a few columns at a time. Agglomeration and cut are scikit-learn's, step by step, so the
partitions are the same, ties included.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.cluster.hierarchy import linkage
from scipy.sparse.csgraph import connected_components

from datasets.errors import BenchError

# Memory of a block of columns in float64.
BLOCK_BYTES = 32 * 2**20

# |x - y|^2 = |x|^2 + |y|^2 - 2 x.y loses digits where x and y are much nearer to each other than to the mean. The
# product's error is about 3e-15 of |x|^2 + |y|^2 (seen at d = 131,072), so above this share a squared distance is
# right to 3e-11; below, it is computed again about a nearer mean.
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
    distances = squared_distances(features)
    return _cut(linkage(np.sqrt(distances, out=distances), method="ward"), clusters)


def squared_distances(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " pairs"]:
    """Squared Euclidean distances between all rows, condensed as by `scipy.spatial.distance.pdist`, in float64.

    Raises BenchError where a feature is not finite.
    """
    square = _squared_distances(features, np.arange(len(features)))
    return _rounded(square[np.triu_indices(len(square), 1)])


def _squared_distances(features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m m"]:
    """Squared distances between `rows`. A group of rows close to each other is done again about its own mean."""
    distances = _centred_gram(features, rows)
    norms = np.diagonal(distances).copy()
    close = np.empty(distances.shape, dtype=bool)
    for row, norm in enumerate(norms):
        scale = norm + norms
        distances[row] = scale - 2 * distances[row]
        close[row] = distances[row] <= CLOSE * scale
    np.fill_diagonal(distances, 0)
    np.fill_diagonal(close, False)
    if not close.any():
        return distances
    groups, group = connected_components(close, directed=False)
    for number in range(groups):
        members = np.flatnonzero(group == number)
        if len(members) == 1:
            continue
        within = np.ix_(members, members)
        distinct, copies = _distinct(features, rows[members])
        if len(distinct) < len(rows):
            distances[within] = _squared_distances(features, distinct)[np.ix_(copies, copies)]
        else:  # a chain of close rows through the whole set: no mean is near to all of them
            _difference(features, rows, distances, close)
    return distances


def _blocks(features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " m"]) -> Iterator[Float[np.ndarray, "m b"]]:
    """The columns of `rows`, in blocks of about `BLOCK_BYTES` as float64."""
    columns = max(1, BLOCK_BYTES // (8 * len(rows)))
    for start in range(0, features.shape[1], columns):
        block = features[:, start : start + columns]
        yield block if len(rows) == len(features) else block[rows]


def _centred_gram(features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m m"]:
    """Inner products of rows less their mean, which leaves distances alone and keeps the products small."""
    gram = np.zeros((len(rows), len(rows)))
    for block in _blocks(features, rows):
        mean = block.mean(axis=0, dtype=np.float64)
        if not np.isfinite(mean).all():
            raise _not_finite(features)
        centred = np.subtract(block, mean, dtype=np.float64)
        gram += centred @ centred.T
    return gram


def _not_finite(features: Float[np.ndarray, "n d"]) -> BenchError:
    """The error that says which features are not finite."""
    finite = np.array([bool(np.isfinite(row).all()) for row in features])
    return BenchError(
        f"features of {np.count_nonzero(~finite)} of {len(features)} items are not finite numbers (the first is item "
        f"{finite.argmin()}): the method diverged, or its inputs have another range than in training"
    )


def _distinct(
    features: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " u"], Int[np.ndarray, " m"]]:
    """One row of each set of equal rows among `rows`, and which of them each row equals."""
    digests = [hashlib.blake2b(features[row].tobytes(), digest_size=16).hexdigest() for row in rows]
    _, first, copies = np.unique(digests, return_index=True, return_inverse=True)
    return rows[first], copies


def _difference(
    features: Float[np.ndarray, "n d"],
    rows: Int[np.ndarray, " m"],
    distances: Float[np.ndarray, "m m"],
    which: Bool[np.ndarray, "m m"],
) -> None:
    """Recompute the entries `which` (symmetric) of `distances` from the rows' differences."""
    left, right = np.nonzero(np.triu(which))
    sums = np.zeros(len(left))
    for block in _blocks(features, rows):
        pairs = max(1, BLOCK_BYTES // (8 * block.shape[1]))
        for start in range(0, len(left), pairs):
            part = slice(start, start + pairs)
            difference = np.subtract(block[left[part]], block[right[part]], dtype=np.float64)
            sums[part] += np.einsum("pd,pd->p", difference, difference)
    distances[left, right] = distances[right, left] = sums


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
