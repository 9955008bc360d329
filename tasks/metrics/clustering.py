"""Clustering metrics, as functions of the table of counts (..., clusters, classes).

Every function takes any number of leading axes, so that thousands of bootstrap resamples are scored at once. All
values lie in [0, 1].
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
    joint = counts / counts.sum(axis=(-2, -1), keepdims=True)
    h_clusters, h_classes = _entropy(joint.sum(axis=-1)), _entropy(joint.sum(axis=-2))
    h_joint = _entropy(joint.reshape(*joint.shape[:-2], -1))
    total = h_clusters + h_classes
    value = 2 * (total - h_joint) / np.where(total > 0, total, 1)
    return np.where(total > 0, np.clip(value, 0, 1), 1.0)


def _entropy(p: Float[np.ndarray, "*batch m"]) -> Float[np.ndarray, "*batch"]:
    """Entropy in nats over the last axis."""
    from scipy.special import xlogy

    return np.asarray(-xlogy(p, p).sum(axis=-1))


def clustering_metrics(
    counts: Int[np.ndarray, "*batch k c"], fitted: Int[np.ndarray, "k c"] | None = None
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """All metrics of a clustering task.

    `accuracy`: share of items whose class is their cluster's majority label (cluster purity weighted by size, PDR
    equation 8); `hungarian`: the same under the best one-to-one matching of clusters and classes; `f1`: weighted F1
    of the majority labels; `nmi`.

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
    }
