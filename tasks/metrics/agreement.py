"""NMI, AMI and ARI from sums over tables of counts (clusters, classes), whichever way those were added up."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Sums:
    """What the agreement of clusters and classes is made of, for any number of tables.

    Attributes
    ----------
    squares: the squared counts of all cells, added up.
    by_cluster, by_class: items of each cluster and of each class.
    information: I(cluster; class) in nats.
    mean_entropy: the mean of the entropies of clusters and classes, in nats.
    """

    squares: Float[np.ndarray, "*batch"]
    by_cluster: Int[np.ndarray, "*batch k"]
    by_class: Int[np.ndarray, "*batch c"]
    information: Float[np.ndarray, "*batch"]
    mean_entropy: Float[np.ndarray, "*batch"]

    @property
    def items(self) -> Int[np.ndarray, "*batch"]:
        """How many items a table counts."""
        return np.asarray(self.by_class.sum(axis=-1))

    @property
    def occurring(self) -> tuple[Int[np.ndarray, "*batch"], Int[np.ndarray, "*batch"]]:
        """How many clusters and classes have an item."""
        clusters, classes = (np.count_nonzero(sums, axis=-1) for sums in (self.by_cluster, self.by_class))
        return np.asarray(clusters), np.asarray(classes)

    @property
    def degrees(self) -> Float[np.ndarray, "*batch"]:
        """(clusters - 1)(classes - 1) / items."""
        clusters, classes = self.occurring
        return np.asarray((clusters - 1) * (classes - 1) / self.items)


def sums_of_tables(counts: Int[np.ndarray, "*batch k c"]) -> Sums:
    """Of tables with all their cells."""
    joint = counts / counts.sum(axis=(-2, -1), keepdims=True)
    shares = joint.sum(axis=-1), joint.sum(axis=-2)
    return Sums(
        np.asarray((counts.astype(np.float64) ** 2).sum(axis=(-2, -1))),
        np.asarray(counts.sum(axis=-1)),
        np.asarray(counts.sum(axis=-2)),
        *_information(joint.reshape(*joint.shape[:-2], -1), *shares),
    )


def sums_of_cells(
    counts: Int[np.ndarray, "r m"], by_cluster: Int[np.ndarray, "r k"], by_class: Int[np.ndarray, "r c"]
) -> Sums:
    """Of the cells of tables that hold an item, in any order."""
    total = counts.sum(axis=-1, keepdims=True)
    shares = by_cluster / total, by_class / total
    squares = np.asarray((counts.astype(np.float64) ** 2).sum(axis=-1))
    return Sums(squares, by_cluster, by_class, *_information(counts / total, *shares))


def nmi(sums: Sums) -> Float[np.ndarray, "*batch"]:
    """2 I(cluster; class) / (H(cluster) + H(class)); 1 where both are constant, as they then agree."""
    value = sums.information / np.where(sums.mean_entropy > 0, sums.mean_entropy, 1)
    return np.where(sums.mean_entropy > 0, np.clip(value, 0, 1), 1.0)


def ami(sums: Sums, expected: float, degrees: float) -> Float[np.ndarray, "*batch"]:
    """AMI = (I - E[I]) / (mean of H(cluster) and H(class) - E[I]) (Vinh et al., 2010), as scikit-learn's; at most 1.

    E[I] is over random clusterings with the same sizes of clusters and classes. It is `expected` for the table whose
    (clusters - 1)(classes - 1) / items are `degrees`; for other tables it is that times the ratio of theirs, to which
    it is proportional in the first order: a resample may lack whole classes.
    """
    clusters, classes = sums.occurring
    chance = expected * sums.degrees / np.maximum(degrees, np.finfo(float).tiny)
    least = np.finfo(float).eps
    above, range_ = sums.information - chance, sums.mean_entropy - chance
    # As in scikit-learn: 1 where the expectation is all that there is to reach, and clusters reach it.
    above = np.where(above < 0, np.minimum(above, -least), np.maximum(above, least))
    value = np.minimum(above / np.maximum(range_, least), 1.0)
    constant = np.where((clusters == 1) & (classes == 1), 1.0, 0.0)
    return np.where((clusters == 1) | (classes == 1), constant, value)


def ari(sums: Sums) -> Float[np.ndarray, "*batch"]:
    """The share of pairs of items on which clusters and classes agree, corrected for chance (Hubert and Arabie, 1985);
    in [-0.5, 1]."""
    items, together = sums.items.astype(np.float64), sums.squares
    by_cluster, by_class = ((own.astype(np.float64) ** 2).sum(axis=-1) for own in (sums.by_cluster, sums.by_class))
    both, cluster_alone, class_alone = together - items, by_cluster - together, by_class - together
    neither = items**2 - cluster_alone - class_alone - together
    upper = 2 * (both * neither - cluster_alone * class_alone)
    lower = (both + cluster_alone) * (cluster_alone + neither) + (both + class_alone) * (class_alone + neither)
    agree = (cluster_alone == 0) & (class_alone == 0)
    return np.where(agree, 1.0, upper / np.where(agree | (lower == 0), 1.0, lower))


def expected_information(counts: Int[np.ndarray, "k c"]) -> float:
    """I(cluster; class) in nats, the mean over random clusterings with the same sizes."""
    from scipy.sparse import csr_array
    from sklearn.metrics.cluster import expected_mutual_information

    table = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    return float(expected_mutual_information(csr_array(table), int(table.sum())))


def _information(
    joint: Float[np.ndarray, "*batch m"],
    clusters: Float[np.ndarray, "*batch k"],
    classes: Float[np.ndarray, "*batch c"],
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """I(cluster; class), and the mean of the two entropies, in nats, from shares of the items."""
    total = _entropy(clusters) + _entropy(classes)
    return np.asarray(total - _entropy(joint)), np.asarray(total / 2)


def _entropy(p: Float[np.ndarray, "*batch m"]) -> Float[np.ndarray, "*batch"]:
    """Entropy in nats over the last axis."""
    from scipy.special import xlogy

    return np.asarray(-xlogy(p, p).sum(axis=-1))
