"""Clustering metrics, as functions of the table of counts (clusters, classes), for any number of tables at once.

Tables that have very many cells are never spread out for each of thousands of resamples: n items are in n cells at
most, and the metrics are added up over those. Values lie in [0, 1], but for those corrected for chance, which fall
below 0 where clusters tell less than random ones.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from tasks.metrics.agreement import Sums, ami, ari, expected_information, nmi, sums_of_cells, sums_of_tables

# Cells of the largest table that is scored with all of them. Added up in another order, entropies have other last bits,
# so that this limit decides numbers.
LARGEST_WHOLE = 2**14


def contingency(
    clusters: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], shape: tuple[int, int]
) -> Int[np.ndarray, "k c"]:
    """How many items of each cluster have each label; `shape` = (number of clusters, number of classes)."""
    cells = np.ravel_multi_index((clusters, labels), shape)
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def majority_labels(counts: Int[np.ndarray, "*batch k c"]) -> Int[np.ndarray, "*batch k"]:
    """The most frequent class of each cluster; the lowest index among equals (and for an empty cluster)."""
    return np.asarray(counts.argmax(axis=-1))


def best_matching(counts: Int[np.ndarray, "k c"]) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """The clusters and their classes, each used at most once, that match the most items (the Hungarian method)."""
    from scipy.optimize import linear_sum_assignment  # 36 MB that reading finished records does not need

    clusters, classes = linear_sum_assignment(counts, maximize=True)
    return clusters, classes


@dataclass(frozen=True)
class Weighted:
    """Means over classes, weighted by the classes' sizes; a class that is never predicted has precision 0."""

    precision: Float[np.ndarray, "*batch"]
    recall: Float[np.ndarray, "*batch"]
    f1: Float[np.ndarray, "*batch"]


def majority_scores(counts: Int[np.ndarray, "*batch k c"], majority: Int[np.ndarray, " k"]) -> Weighted:
    """Precision, recall and F1 of the classification that gives every item its cluster's label in `majority`."""
    # confusion[..., predicted, actual]: the rows of the clusters that predict the same class, added up.
    confusion = np.eye(counts.shape[-1])[majority].T @ counts
    return _weighted(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1), confusion.sum(axis=-2))


def _weighted(
    right: Float[np.ndarray, "*batch c"],
    predicted: Float[np.ndarray, "*batch c"],
    actual: Float[np.ndarray, "*batch c"],
) -> Weighted:
    """From how many items of each class are predicted to be of it, and are predicted to be, and are."""
    weights = actual / actual.sum(axis=-1, keepdims=True)

    def mean(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
        return np.asarray((weights * numerator / np.maximum(denominator, 1)).sum(axis=-1))

    return Weighted(mean(right, predicted), mean(right, actual), mean(2 * right, predicted + actual))


def normalised_mutual_information(counts: Int[np.ndarray, "*batch k c"]) -> Float[np.ndarray, "*batch"]:
    """NMI = 2 I(cluster; class) / (H(cluster) + H(class)); 1 where both are constant, as they then agree."""
    return nmi(sums_of_tables(counts))


def adjusted_rand(counts: Int[np.ndarray, "*batch k c"]) -> Float[np.ndarray, "*batch"]:
    """ARI, the share of pairs of items on which clusters and classes agree, corrected for chance (Hubert and Arabie,
    1985); in [-0.5, 1]."""
    return ari(sums_of_tables(counts))


# Larger in a resample than in the sample whatever the features, as a resample has fewer distinct items.
BIASED = ("nmi", "ami", "ari")


def chance_scores(
    clusters: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    shape: tuple[int, int],
    rng: np.random.Generator,
    draws: int = 200,
) -> dict[str, float]:
    """`accuracy` and `ami` of random clusterings with the same sizes of clusters: means over labels in random order."""
    fitted = Fitted(contingency(clusters, labels, shape))  # any of them: all have the same expectation
    purity, adjusted = [], []
    for _ in range(draws):
        cells, counts = np.unique(np.ravel_multi_index((clusters, rng.permutation(labels)), shape), return_counts=True)
        _, starts = np.unique(cells // shape[1], return_index=True)
        purity.append(np.maximum.reduceat(counts, starts).sum() / len(labels))
        adjusted.append(fitted.ami(table_sums(counts[None], cells, shape))[0])
    return {"accuracy": float(np.mean(purity)), "ami": float(np.mean(adjusted))}


@dataclass(frozen=True)
class Fitted:
    """What the clusters of one table stand for, which is kept when resamples of its items are scored."""

    table: Int[np.ndarray, "k c"]

    @cached_property
    def majority(self) -> Int[np.ndarray, " k"]:
        """The majority label of each cluster."""
        return majority_labels(self.table)

    @cached_property
    def matching(self) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
        """The best one-to-one matching."""
        return best_matching(self.table)

    @cached_property
    def _chance(self) -> tuple[float, float]:
        """The information that random clusters of the same sizes have, and the table's degrees of freedom by item."""
        cells = np.flatnonzero(self.table)
        own = table_sums(self.table.ravel()[None, cells], cells, self._shape)
        return expected_information(self.table), float(own.degrees[0])

    @property
    def _shape(self) -> tuple[int, int]:
        return self.table.shape[0], self.table.shape[1]

    def held(self, cells: int) -> int:
        """Numbers that scoring one table holds whose items are in so many cells."""
        return self.table.size if _whole(self._shape) else cells + sum(self._shape)

    def ami(self, sums: Sums) -> Float[np.ndarray, "*batch"]:
        """AMI of tables by their sums."""
        return ami(sums, *self._chance)

    def metrics(self, counts: Int[np.ndarray, "*batch k c"]) -> dict[str, Float[np.ndarray, "*batch"]]:
        """`clustering_metrics` of tables with all their cells."""
        if not _whole(self._shape):
            flat = counts.reshape(-1, self.table.size)
            cells = np.flatnonzero(flat.any(axis=0))
            found = self.cell_metrics(flat[:, cells], cells)
            return {name: values.reshape(counts.shape[:-2]) for name, values in found.items()}
        total, sums = counts.sum(axis=(-2, -1)), sums_of_tables(counts)
        clusters, classes = self.matching
        return {
            "accuracy": np.asarray(counts[..., np.arange(len(self.majority)), self.majority].sum(axis=-1) / total),
            "hungarian": np.asarray(counts[..., clusters, classes].sum(axis=-1) / total),
            "f1": majority_scores(counts, self.majority).f1,
            **self._agreement(sums),
        }

    def cell_metrics(
        self, counts: Int[np.ndarray, "r m"], cells: Int[np.ndarray, " m"]
    ) -> dict[str, Float[np.ndarray, " r"]]:
        """`clustering_metrics` of tables whose items are all in `cells`, ascending numbers of cells in the flat table;
        `counts` has how many are in each."""
        if _whole(self._shape):
            return self.metrics(_spread(counts, cells, self._shape))
        sums = table_sums(counts, cells, self._shape)
        cluster, label = np.unravel_index(cells, self.table.shape)
        match = np.full(len(self.table), -1)
        match[self.matching[0]] = self.matching[1]
        right = counts * (label == self.majority[cluster])
        classes = self.table.shape[1]
        weighted = _weighted(
            _added(right, label, classes).astype(np.float64),
            _added(sums.by_cluster, self.majority, classes).astype(np.float64),
            sums.by_class.astype(np.float64),
        )
        return {
            "accuracy": right.sum(axis=-1) / sums.items,
            "hungarian": counts[:, label == match[cluster]].sum(axis=-1) / sums.items,
            "f1": weighted.f1,
            **self._agreement(sums),
        }

    def _agreement(self, sums: Sums) -> dict[str, Float[np.ndarray, "*batch"]]:
        return {"nmi": nmi(sums), "ami": self.ami(sums), "ari": ari(sums)}


def table_sums(counts: Int[np.ndarray, "r m"], cells: Int[np.ndarray, " m"], shape: tuple[int, int]) -> Sums:
    """The sums of tables (clusters, classes) whose items are all in `cells` (ascending), so many in each."""
    if _whole(shape):
        return sums_of_tables(_spread(counts, cells, shape))
    cluster, label = np.unravel_index(cells, shape)
    return sums_of_cells(counts, _added(counts, cluster, shape[0]), _added(counts, label, shape[1]))


def nmi_and_purity(
    clusters: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], shape: tuple[int, int]
) -> tuple[float, float]:
    """NMI and `accuracy` of a clustering, without a table where that would be large."""
    cells, counts = np.unique(np.ravel_multi_index((clusters, labels), shape), return_counts=True)
    _, starts = np.unique(cells // shape[1], return_index=True)
    purity = np.maximum.reduceat(counts, starts).sum() / len(labels)
    return float(nmi(table_sums(counts[None], cells, shape))[0]), float(purity)


def _whole(shape: tuple[int, int]) -> bool:
    """Whether tables are scored with all their cells."""
    return shape[0] * shape[1] <= LARGEST_WHOLE


def _spread(
    counts: Int[np.ndarray, "r m"], cells: Int[np.ndarray, " m"], shape: tuple[int, int]
) -> Int[np.ndarray, "r k c"]:
    """Tables with all their cells."""
    tables = np.zeros((len(counts), shape[0] * shape[1]), dtype=np.int64)
    tables[:, cells] = counts
    return tables.reshape(-1, *shape)


def _added(values: Int[np.ndarray, "r m"], group: Int[np.ndarray, " m"], groups: int) -> Int[np.ndarray, "r g"]:
    """Sums of the columns of each group."""
    out = np.zeros((len(values), groups), dtype=values.dtype)
    order = np.argsort(group, kind="stable")
    there, starts = np.unique(group[order], return_index=True)
    out[:, there] = np.add.reduceat(values[:, order], starts, axis=1)
    return out


def clustering_metrics(
    counts: Int[np.ndarray, "*batch k c"], fitted: Int[np.ndarray, "k c"] | None = None
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """All metrics of a clustering task.

    `accuracy`: share of items whose class is their cluster's majority label (cluster purity weighted by size, PDR
    equation 8); `hungarian`: the same under the best one-to-one matching of clusters and classes; `f1`: weighted F1
    of the majority labels; `nmi`; `ami` and `ari`, corrected for chance.

    What a cluster stands for (its majority label, its match) is read off `fitted`, by default the one table `counts`
    itself; a bootstrap passes the original table there, since looking again in every resample would flatter it.
    """
    fitted = counts if fitted is None else fitted
    if fitted.ndim != 2:
        raise ValueError(f"what clusters stand for is read off one table (k, c), got shape {fitted.shape}")
    return Fitted(fitted).metrics(counts)
