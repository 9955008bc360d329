"""Ward's hierarchy of wide features in half the time: from single-precision products, certified in double precision.

The matrix of inner products is nearly all the work where features are wide, and single precision multiplies twice as
fast. Its rounding errors are far smaller than the differences that agglomeration decides by, with few exceptions. So:

1. multiply blocks of columns in single precision, add the blocks up in double;
2. observe the error: compare the products G of the centred rows X with G v = X (X' v) in double precision for a
   random v of signs (the check of Freivalds, 1977, as a measure);
3. agglomerate, and go through the merges again with bounds on every distance between clusters. A merge of two
   clusters that are each other's nearest by more than the bounds is right; where they are not, the distances in
   question are computed from the features in double precision;
4. give up where that does not decide either, as for ties, or costs too much: the caller computes in double precision.

Ward's linkage is reducible, so merging mutually nearest clusters in any order gives the one hierarchy that there is
without ties (Bruynooghe, 1977; Murtagh, 1983).
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import ThreadpoolController, threadpool_limits

from datasets.packed import Matrix
from datasets.streams import generator

# Below this width, in all or per item, the products cost no more than what follows them.
LEAST_COLUMNS = 4096
LEAST_COLUMNS_PER_ITEM = 16
# Several square matrices are held: half a gigabyte each in double precision.
MOST_ITEMS = 8192
# Columns multiplied at once in single precision, and held at once in double precision (in a core's cache).
COLUMNS = 4096
STRIP = 128
# Memory of the blocks in flight.
FLIGHT_BYTES = 2**31
# The observed error times this is taken for its bound.
SAFETY = 2.0
# Largest relative error of rounding to single precision.
UNIT = 2.0**-24
# What double precision is trusted to: scikit-learn's own distances may be wrong by this share of the squared norms.
DOUBLE = 1e-11


@dataclass(frozen=True)
class Products:
    """Inner products of centred rows x_i.

    gram: x_i . x_j, the diagonal exact.
    error: bound on the error of |x_i|^2 + |x_j|^2 - 2 x_i . x_j as the squared distance of two items, as a share of
        |x_i|^2 + |x_j|^2; not finite where features or products are not.
    """

    gram: Float[np.ndarray, "n n"]
    error: float

    @property
    def norms(self) -> Float[np.ndarray, " n"]:
        """|x_i|^2."""
        return np.diagonal(self.gram).copy()


def certified_tree(features: Float[Matrix, "n d"], clusters: int) -> Float[np.ndarray, "merges 4"] | None:
    """Ward's hierarchy as of `scipy.cluster.hierarchy.linkage`, if the cut into `clusters` clusters is certain.

    Up to that cut its merges are those of exact distances, up to their order; heights are those of single precision.
    None where features are too narrow or too many for this to pay, or where the cut is not certain.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    items, width = features.shape
    if width < max(LEAST_COLUMNS, LEAST_COLUMNS_PER_ITEM * items) or items > MOST_ITEMS:
        return None
    products = multiply(features)
    if not np.isfinite(products.error):
        return None
    squared, norms = products.gram, products.norms
    squared *= -2
    squared += norms
    squared += norms[:, None]
    np.maximum(squared, 0, out=squared)
    np.fill_diagonal(squared, 0)
    tree = linkage(np.sqrt(squareform(squared, checks=False)), method="ward")
    certificate = Certificate(features, squared, norms, max(products.error, DOUBLE))
    return tree if certificate.holds(tree, clusters) else None


def multiply(features: Float[Matrix, "n d"]) -> Products:
    """All inner products of the rows less (about) their mean, from single-precision products of column blocks.

    The blocks are shared out over threads, which scales better than threads within one product, and added up in their
    order, so that the result does not depend on how many threads there are.
    """
    items, width = features.shape
    signs = generator(0, "ward", "signs").choice([-1.0, 1.0], items)
    gram, norms, seen = np.zeros((items, items)), np.zeros(items), np.zeros(items)
    pools = [pool["num_threads"] for pool in ThreadpoolController().info() if pool["user_api"] == "blas"]
    block_bytes = 4 * items * (items + min(width, COLUMNS))
    threads = max(1, min(max(pools, default=1), FLIGHT_BYTES // block_bytes))
    waiting: deque[Future[tuple[np.ndarray, np.ndarray, np.ndarray]]] = deque()
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(threads) as executor,
        np.errstate(invalid="ignore"),  # as in a block: seen in the error
    ):
        starts = deque(range(0, width, COLUMNS))
        while starts or waiting:
            while starts and len(waiting) <= threads:
                start = starts.popleft()
                waiting.append(executor.submit(_multiply_block, features, start, signs))
            product, squares, double = waiting.popleft().result()
            gram += product
            norms += squares
            seen += double
    np.fill_diagonal(gram, norms)
    return Products(gram, _observed_error(gram, norms, seen, signs))


def _multiply_block(
    features: Float[Matrix, "n d"], start: int, signs: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Of the block of columns from `start`: products in single precision; in double, squared norms and X (X' signs)."""
    block = features[:, start : start + COLUMNS]
    items, width = block.shape
    single = np.empty((items, width), dtype=np.float32)
    norms, seen = np.zeros(items), np.zeros(items)
    with np.errstate(over="ignore", invalid="ignore"):  # seen in the error
        # Any point will do for a centre, as long as it is near the mean.
        centre = block[:: max(1, items // 32)].mean(axis=0, dtype=np.float64).astype(block.dtype)
        np.subtract(block, centre, out=single, casting="same_kind")
        for first in range(0, width, STRIP):
            double = single[:, first : first + STRIP].astype(np.float64)
            norms += np.vecdot(double, double)
            seen += double @ (signs @ double)
        return single @ single.T, norms, seen


def _observed_error(
    gram: Float[np.ndarray, "n n"],
    norms: Float[np.ndarray, " n"],
    seen: Float[np.ndarray, " n"],
    signs: Float[np.ndarray, " n"],
) -> float:
    """Bound on the errors of squared distances, as a share of the sum of two rows' squared norms.

    Row i of G v - X (X' v) is the sum of e_ij v_j over the errors e_ij of the products, of which the expected square
    is that of the row's whole error; no one entry's is larger. The largest over all rows is taken, each relative to
    |x_i|. Rounding the centred rows themselves moves each by at most u |x_i|, where u is single precision's unit.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.abs(gram @ signs - seen)
        scale = np.sqrt(norms * norms.mean())
        shares = np.divide(rows, scale, out=np.where(rows > 0, np.inf, rows), where=scale > 0)
    return SAFETY * float(shares.max()) + 4 * UNIT


class Certificate:
    """Decides whether the merges of a tree are those of exact distances.

    The squared distance of two items is wrong by at most e (|x_i|^2 + |x_j|^2). Ward's distance of clusters A and B,
    of a and b items, is 2ab/(a+b) (mean over pairs across - half the means over pairs within); with the items' errors
    summed up, it is wrong by at most 2ab/(a+b) e (w_A + w_B), where w is the mean of |x_i|^2 times 2 - 1/size.
    """

    def __init__(
        self,
        features: Float[Matrix, "n d"],
        squared: Float[np.ndarray, "n n"],
        norms: Float[np.ndarray, " n"],
        error: float,
    ) -> None:
        """`squared` holds the squared distances of items; it is used up."""
        np.fill_diagonal(squared, np.inf)
        self._features, self._squared, self._error = features, squared, error
        # Clusters stand in the place of one of their items; places that are vacant have size 0.
        self._members = [[item] for item in range(len(norms))]
        self._sizes = np.ones(len(norms))
        self._sums, self._weights = norms.copy(), norms.copy()
        # Rows that may be read for exact distances: as many as double precision would read.
        self._left = len(norms)

    def holds(self, tree: Float[np.ndarray, "merges 4"], clusters: int) -> bool:
        """Whether undoing the last `clusters` - 1 merges of `tree` gives the partition that exact distances give.

        To be asked once.
        """
        items = len(self._sizes)
        place = np.arange(2 * items - 1)
        highest = 0.0
        for step, children in enumerate(tree[: items - clusters, :2].astype(np.int64)):
            pair = place[children]
            distances, slack = self._squared[pair], self._slack(pair)
            upper = distances[0, pair[1]] + slack[0, pair[1]]
            lower = (distances - slack).min(axis=0)
            lower[pair] = np.inf
            if lower.min() <= upper and not self._nearest(pair, np.flatnonzero(lower <= upper)):
                return False
            highest = max(highest, upper)
            self._merge(*pair.tolist())
            place[items + step] = pair[0]
        if clusters == 1:
            return True
        left = np.flatnonzero(self._sizes)
        return bool(highest < (self._squared[left] - self._slack(left))[:, left].min())

    def _slack(self, clusters: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m n"]:
        """Bounds on the errors of squared distances from `clusters` to all; 0 to vacant places."""
        sizes, own = self._sizes, self._sizes[clusters, None]
        slack: np.ndarray = self._weights + self._weights[clusters, None]
        slack *= sizes * (2 * self._error * own)
        slack /= sizes + own
        return slack

    def _merge(self, a: int, b: int) -> None:
        """Put the union of two clusters in the first one's place (Lance and Williams, 1967)."""
        squared, sizes = self._squared, self._sizes
        size = sizes[a] + sizes[b]
        row = (sizes[a] + sizes) * squared[a]
        row += (sizes[b] + sizes) * squared[b]
        row -= sizes * squared[a, b]
        row /= size + sizes
        row[a] = row[b] = np.inf
        squared[a], squared[:, a] = row, row
        squared[b], squared[:, b] = np.inf, np.inf
        sizes[a], sizes[b] = size, 0
        self._sums[a] += self._sums[b]
        self._weights[a], self._weights[b] = self._sums[a] / size * (2 - 1 / size), 0
        self._members[a] += self._members[b]

    def _nearest(self, pair: Int[np.ndarray, "2"], others: Int[np.ndarray, " m"]) -> bool:
        """Whether exact distances say that two clusters are nearer to each other than to any of the `others`.

        Also false where too many rows would have to be read to tell.
        """
        a, b = pair.tolist()
        self._left -= sum(len(self._members[cluster]) for cluster in (a, b, *others))
        if self._left < 0:
            return False
        means = self._mean(a), self._mean(b)
        slack = self._slack(pair) * (DOUBLE / self._error)
        upper = self._exact(a, b, means[0] - means[1]) + slack[0, b]
        for other in others.tolist():
            mean = self._mean(other)
            for cluster, own, trusted in zip((a, b), means, slack[:, other], strict=True):
                if self._exact(cluster, other, own - mean) - trusted <= upper:
                    return False
        return True

    def _mean(self, cluster: int) -> Float[np.ndarray, " d"]:
        """A cluster's mean, in double precision."""
        mean = np.zeros(self._features.shape[1])
        for member in self._members[cluster]:
            mean += self._features[member]
        return np.asarray(mean / self._sizes[cluster])

    def _exact(self, a: int, b: int, difference: Float[np.ndarray, " d"]) -> float:
        """Ward's squared distance of two clusters from the difference of their means."""
        sizes = self._sizes
        return float(2 * sizes[a] * sizes[b] / (sizes[a] + sizes[b]) * (difference @ difference))
