"""Ward's agglomerative clustering, exact, for features too wide to difference pair by pair.

scikit-learn's `AgglomerativeClustering(linkage="ward")` spends nearly all its time on the n^2/2 Euclidean distances,
each a pass over d values. Here they come from the matrix of inner products, a blocked matrix product in float64
that reads the features once, a few columns at a time. Agglomeration and cut are scikit-learn's, step by step, so the
partitions are the same, ties included. Wide features go through `ward_float32` first, which is faster still where it
can tell that the partition is the same.

All pairs of n rows are kept once, condensed as by `scipy.spatial.distance.pdist`: the n-1 pairs of row 0 with later
rows, then the n-2 of row 1, and so on.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import psutil
from jaxtyping import Float, Int

from datasets.errors import BenchError
from datasets.packed import Matrix, columns
from tasks.clustering.ward_float32 import certified_tree

# Memory of a block of columns in float64, and of the products of a strip of rows with all later ones.
BLOCK_BYTES = 32 * 2**20
# A block has at least so many columns, or adding its products to the others would cost more than they do.
BLOCK_COLUMNS = 1024

# |x - y|^2 = |x|^2 + |y|^2 - 2 x.y loses digits where x and y are much nearer to each other than to the mean. The
# product's error is about 3e-15 of |x|^2 + |y|^2 (seen at d = 131,072), so above this share a squared distance is
# right to 3e-11; below, it is computed again about a nearer mean.
CLOSE = 1e-4

# Bits of a squared distance that are dropped, of 53. They hold the product's rounding errors, which would split pairs
# that are exactly as far apart and so decide ties by noise.
DROPPED_BITS = 13


def ward_clusters(features: Float[Matrix, "n d"], clusters: int) -> Int[np.ndarray, " n"]:
    """Cut Ward's hierarchy of the rows of `features` (Euclidean, as they are) into `clusters` clusters.

    Parameters
    ----------
    features: (n, d), finite; may be a memory map or packed bits, of which only blocks are in memory at a time.
    clusters: 1 to n.

    Returns
    -------
    The cluster of each row, numbered by first appearance: the partition that
    `AgglomerativeClustering(clusters, linkage="ward")` finds.

    Raises
    ------
    BenchError where a feature is not finite, `clusters` is not in 1 to n, or memory is too small for all distances.
    """
    items = len(features)
    if not 1 <= clusters <= items:
        raise BenchError(f"cannot form {clusters} clusters of {items} items: needs at least one item per cluster")
    if items == 1:
        return np.zeros(1, dtype=np.int64)
    _check_memory(items)
    from scipy.cluster.hierarchy import linkage

    tree = certified_tree(features, clusters)
    if tree is None:
        distances = squared_distances(features)
        tree = linkage(np.sqrt(distances, out=distances), method="ward")
    return _cut(tree, clusters)


def _check_memory(items: int) -> None:
    """Refuse what would end in the process being killed: the distances of all pairs, and linkage's copy of them."""
    needed, free = 8 * items * (items - 1), psutil.virtual_memory().available
    if needed > free:
        raise BenchError(
            f"{items:,} items are too many for this machine: Ward's clustering holds the distances of all pairs, "
            f"{needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free; give it fewer items, or more memory"
        )


def squared_distances(features: Float[Matrix, "n d"]) -> Float[np.ndarray, " pairs"]:
    """Squared Euclidean distances between all rows, condensed, in float64.

    Raises BenchError where a feature is not finite.
    """
    distances = _squared_distances(features, np.arange(len(features)))
    bits = distances.view(np.int64)
    bits += 1 << (DROPPED_BITS - 1)
    bits &= -(1 << DROPPED_BITS)
    return distances


def _squared_distances(features: Float[Matrix, "n d"], rows: Int[np.ndarray, " m"]) -> Float[np.ndarray, " pairs"]:
    """Squared distances between `rows`. A group of rows close to each other is done again about its own mean."""
    distances, norms = _centred_products(features, rows)
    group = np.arange(len(rows))
    for row, later in enumerate(_by_row(distances, len(rows))):
        scale = norms[row] + norms[row + 1 :]
        later *= -2
        later += scale
        close = later <= CLOSE * scale
        if close.any():
            joined = np.append(group[row + 1 :][close], group[row])
            if (joined != joined[0]).any():
                group[np.isin(group, joined)] = group[row]
    for number in np.flatnonzero(np.bincount(group) > 1):
        members = np.flatnonzero(group == number)
        distinct, copies = _distinct(features, rows[members])
        if len(distinct) < len(rows):
            _fill(distances, len(rows), members, _squared_distances(features, distinct), len(distinct), copies)
        else:  # a chain of close rows through the whole set: no mean is near to all of them
            _difference(features, rows, distances, norms)
    return distances


def _by_row(pairs: Float[np.ndarray, " pairs"], items: int) -> Iterator[Float[np.ndarray, " later"]]:
    """Views of each row's pairs with later rows; of the last row there are none."""
    start = 0
    for count in range(items - 1, 0, -1):
        yield pairs[start : start + count]
        start += count


def _places(row: int, others: Int[np.ndarray, " m"], items: int) -> Int[np.ndarray, " m"]:
    """Where the pairs of `row` with `others` stand among all pairs; of the row itself, nowhere that is of use."""
    low, high = np.minimum(row, others), np.maximum(row, others)
    return np.asarray(low * (2 * items - low - 1) // 2 + high - low - 1)


def _blocks(features: Float[Matrix, "n d"], rows: Int[np.ndarray, " m"]) -> Iterator[Float[np.ndarray, "m b"]]:
    """The columns of `rows`, in blocks of about `BLOCK_BYTES` as float64."""
    width = max(BLOCK_COLUMNS, BLOCK_BYTES // (8 * len(rows)))
    for start in range(0, features.shape[1], width):
        block = columns(features, start, start + width)
        yield block if len(rows) == len(features) else block[rows]


def _centred_products(
    features: Float[Matrix, "n d"], rows: Int[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " m"]]:
    """Inner products of pairs of rows less their mean, which leaves distances alone and keeps the products small.

    Of each row with itself separately.
    """
    items = len(rows)
    products, norms = np.zeros(items * (items - 1) // 2), np.zeros(items)
    strip = max(1, BLOCK_BYTES // (8 * items))
    for block in _blocks(features, rows):
        mean = block.mean(axis=0, dtype=np.float64)
        if not np.isfinite(mean).all():
            raise not_finite(features)
        centred = np.subtract(block, mean, dtype=np.float64)
        norms += np.vecdot(centred, centred)
        by_row = _by_row(products, items)
        for start in range(0, items, strip):
            tile = centred[start : start + strip] @ centred[start:].T
            for row, later in zip(range(len(tile)), by_row, strict=False):
                later += tile[row, row + 1 :]
    return products, norms


def not_finite(features: Float[Matrix, "n d"]) -> BenchError:
    """The error that says which features are not finite."""
    finite = np.array([bool(np.isfinite(features[row]).all()) for row in range(len(features))])
    return BenchError(
        f"features of {np.count_nonzero(~finite)} of {len(features)} items are not finite numbers (the first is item "
        f"{finite.argmin()}): the method diverged, or its inputs have another range than in training"
    )


def _distinct(
    features: Float[Matrix, "n d"], rows: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " u"], Int[np.ndarray, " m"]]:
    """One row of each set of equal rows among `rows`, and which of them each row equals."""
    digests = [hashlib.blake2b(features[row].tobytes(), digest_size=16).hexdigest() for row in rows]
    _, first, copies = np.unique(digests, return_index=True, return_inverse=True)
    return rows[first], copies


def _fill(
    pairs: Float[np.ndarray, " pairs"],
    items: int,
    members: Int[np.ndarray, " m"],
    within: Float[np.ndarray, " within"],
    distinct: int,
    copies: Int[np.ndarray, " m"],
) -> None:
    """Set the pairs among `members` to those `within` a smaller set, of which member i is number `copies[i]`."""
    for position, row in enumerate(members[:-1].tolist()):
        twin, twins = int(copies[position]), copies[position + 1 :]
        values = np.zeros(len(twins))
        differ = twins != twin
        values[differ] = within[_places(twin, twins[differ], distinct)]
        pairs[_places(row, members[position + 1 :], items)] = values


def _difference(
    features: Float[Matrix, "n d"],
    rows: Int[np.ndarray, " m"],
    distances: Float[np.ndarray, " pairs"],
    norms: Float[np.ndarray, " m"],
) -> None:
    """Recompute the distances of close pairs from the rows' differences."""
    step = max(1, BLOCK_BYTES // (8 * features.shape[1]))
    for row, later in enumerate(_by_row(distances, len(rows))):
        close = np.flatnonzero(later <= CLOSE * (norms[row] + norms[row + 1 :]))
        for start in range(0, len(close), step):
            part = close[start : start + step]
            difference = np.subtract(features[rows[row + 1 + part]], features[rows[row]], dtype=np.float64)
            later[part] = np.vecdot(difference, difference)


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
