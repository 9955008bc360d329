"""Clustering metrics, as functions of the table of counts (..., clusters, classes).

Every function takes any number of leading axes, so that thousands of bootstrap resamples are scored at once. Values
lie in [0, 1], but for those corrected for chance, which fall below 0 where clusters tell less than random ones.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


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
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    predicted, actual = confusion.sum(axis=-1), confusion.sum(axis=-2)
    weights = actual / actual.sum(axis=-1, keepdims=True)

    def mean(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
        return np.asarray((weights * numerator / np.maximum(denominator, 1)).sum(axis=-1))

    return Weighted(mean(right, predicted), mean(right, actual), mean(2 * right, predicted + actual))


def normalised_mutual_information(counts: Int[np.ndarray, "*batch k c"]) -> Float[np.ndarray, "*batch"]:
    """NMI = 2 I(cluster; class) / (H(cluster) + H(class)); 1 where both are constant, as they then agree."""
    information, mean_entropy = _information(counts)
    value = information / np.where(mean_entropy > 0, mean_entropy, 1)
    return np.where(mean_entropy > 0, np.clip(value, 0, 1), 1.0)


def adjusted_mutual_information(
    counts: Int[np.ndarray, "*batch k c"], fitted: Int[np.ndarray, "k c"]
) -> Float[np.ndarray, "*batch"]:
    """AMI = (I - E[I]) / (mean of H(cluster) and H(class) - E[I]) (Vinh et al., 2010), as scikit-learn's; at most 1.

    E[I] is over random clusterings with the same sizes of clusters and classes. It is exact for `fitted`; for other
    tables it is that of `fitted` times the ratio of (clusters - 1)(classes - 1) / items, to which it is proportional in
    the first order: a resample may lack whole classes.
    """
    information, mean_entropy = _information(counts)
    clusters, classes = _occurring(counts)
    expected = _expected_information(fitted) * _degrees(counts) / np.maximum(_degrees(fitted), np.finfo(float).tiny)
    least = np.finfo(float).eps
    above, range_ = information - expected, mean_entropy - expected
    # As in scikit-learn: 1 where the expectation is all that there is to reach, and clusters reach it.
    above = np.where(above < 0, np.minimum(above, -least), np.maximum(above, least))
    value = np.minimum(above / np.maximum(range_, least), 1.0)
    constant = np.where((clusters == 1) & (classes == 1), 1.0, 0.0)
    return np.where((clusters == 1) | (classes == 1), constant, value)


def adjusted_rand(counts: Int[np.ndarray, "*batch k c"]) -> Float[np.ndarray, "*batch"]:
    """ARI, the share of pairs of items on which clusters and classes agree, corrected for chance (Hubert and Arabie,
    1985); in [-0.5, 1]."""
    table = counts.astype(np.float64)
    items = table.sum(axis=(-2, -1))
    together = (table**2).sum(axis=(-2, -1))
    by_cluster, by_class = ((table.sum(axis=axis) ** 2).sum(axis=-1) for axis in (-1, -2))
    both, cluster_alone, class_alone = together - items, by_cluster - together, by_class - together
    neither = items**2 - cluster_alone - class_alone - together
    upper = 2 * (both * neither - cluster_alone * class_alone)
    lower = (both + cluster_alone) * (cluster_alone + neither) + (both + class_alone) * (class_alone + neither)
    agree = (cluster_alone == 0) & (class_alone == 0)
    return np.where(agree, 1.0, upper / np.where(agree | (lower == 0), 1.0, lower))


def _information(
    counts: Int[np.ndarray, "*batch k c"],
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """I(cluster; class), and the mean of the two entropies, in nats."""
    joint = counts / counts.sum(axis=(-2, -1), keepdims=True)
    total = _entropy(joint.sum(axis=-1)) + _entropy(joint.sum(axis=-2))
    return np.asarray(total - _entropy(joint.reshape(*joint.shape[:-2], -1))), np.asarray(total / 2)


def _entropy(p: Float[np.ndarray, "*batch m"]) -> Float[np.ndarray, "*batch"]:
    """Entropy in nats over the last axis."""
    from scipy.special import xlogy

    return np.asarray(-xlogy(p, p).sum(axis=-1))


def _expected_information(counts: Int[np.ndarray, "k c"]) -> float:
    """I(cluster; class) in nats, the mean over random clusterings with the same sizes."""
    from scipy.sparse import csr_array
    from sklearn.metrics.cluster import expected_mutual_information

    table = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    return float(expected_mutual_information(csr_array(table), int(table.sum())))


def _occurring(
    counts: Int[np.ndarray, "*batch k c"],
) -> tuple[Int[np.ndarray, "*batch"], Int[np.ndarray, "*batch"]]:
    """How many clusters and classes have an item."""
    clusters, classes = (np.count_nonzero(counts.any(axis=axis), axis=-1) for axis in (-1, -2))
    return np.asarray(clusters), np.asarray(classes)


def _degrees(counts: Int[np.ndarray, "*batch k c"]) -> Float[np.ndarray, "*batch"]:
    """(clusters - 1)(classes - 1) / items."""
    clusters, classes = _occurring(counts)
    return np.asarray((clusters - 1) * (classes - 1) / counts.sum(axis=(-2, -1)))


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
    tables = np.stack([contingency(clusters, rng.permutation(labels), shape) for _ in range(draws)])
    purity = tables.max(axis=-1).sum(axis=-1) / len(labels)
    return {"accuracy": float(purity.mean()), "ami": float(adjusted_mutual_information(tables, tables[0]).mean())}


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
    majority, total = majority_labels(fitted), counts.sum(axis=(-2, -1))
    clusters, classes = best_matching(fitted)
    return {
        "accuracy": np.asarray(counts[..., np.arange(len(majority)), majority].sum(axis=-1) / total),
        "hungarian": np.asarray(counts[..., clusters, classes].sum(axis=-1) / total),
        "f1": majority_scores(counts, majority).f1,
        "nmi": normalised_mutual_information(counts),
        "ami": adjusted_mutual_information(counts, fitted),
        "ari": adjusted_rand(counts),
    }
