"""Scores of resampled items: how they follow from a method's arrays of predictions, however often each item counts.

A task says by `tasks.results.PerItem.statistic` which of these is its own. The bootstrap (Efron, 1979) draws units with
replacement; scored with the same draws, two methods are compared in pairs, and several trainings of one method on the
units that they share. What was fitted (the clustering, what its clusters stand for, the ten best classes) is kept.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from tasks.metrics.bootstrap import ItemCells, blocks
from tasks.metrics.clustering import Fitted, contingency
from tasks.metrics.segmentation import part_metrics, segmentation_metrics

# Of weights (r, n), how often each of n items counts in each of r resamples: every metric's value in each resample (r).
Weights = Float[np.ndarray, "r n"]
Scorer = Callable[[Weights], dict[str, np.ndarray]]
Predictions = Mapping[str, np.ndarray]
# Of a method's arrays and its metrics: what scores them, but for metrics that the arrays say nothing of; None where
# they say nothing of any.
Statistic = Callable[[Predictions, Sequence[str]], Scorer | None]


def clustering(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """Scores of a clustering, from `cluster` and `label` (n), -1 where unknown; over the same items `knn`, the share
    whose `knn_label` (n) is theirs, and the mean of each array (n) under a metric's own name."""
    if not _has(predictions, "cluster", "label"):
        return None
    clusters, labels = (np.asarray(predictions[name], dtype=np.int64) for name in ("cluster", "label"))
    known = np.flatnonzero((clusters >= 0) & (labels >= 0))
    shape = (int(clusters.max()) + 1, int(labels.max()) + 1)
    fitted = Fitted(contingency(clusters[known], labels[known], shape))
    items = ItemCells(clusters[known], labels[known], shape)
    others: dict[str, np.ndarray] = {name: predictions[name][known] for name in metrics if name in predictions}
    if "knn_label" in predictions:
        others["knn"] = predictions["knn_label"][known] == labels[known]
    means = mean(others, list(others))

    def score(weights: Weights) -> dict[str, np.ndarray]:
        found: dict[str, list[np.ndarray]] = {}
        for block in blocks(len(weights), fitted.held(len(items.cells))):
            for name, values in fitted.cell_metrics(items.counts(weights[block][:, known]), items.cells).items():
                found.setdefault(name, []).append(values)
        clustered = {name: np.concatenate(parts) for name, parts in found.items()}
        return clustered if means is None else {**clustered, **means(weights[:, known])}

    return score


def attribute_clustering(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """Means over attributes of the scores of one clustering against each, from `cluster` (n) and `attributes` (n, a):
    0, 1, or -1 where unknown. Attributes that are the same wherever they are known are left out, as by the task."""
    if not _has(predictions, "cluster", "attributes"):
        return None
    from tasks.metrics.binary_tables import attribute_metrics, tables_of

    clusters, values = np.asarray(predictions["cluster"], dtype=np.int64), np.asarray(predictions["attributes"])
    present, known = (values == 1).sum(axis=0), (values >= 0).sum(axis=0)
    values = values[:, (present > 0) & (present < known)]
    fitted = tables_of(clusters, values)
    rows, columns = np.nonzero(values >= 0)
    cells = np.zeros((len(clusters), *fitted.shape), dtype=np.float32)
    cells[rows, columns, clusters[rows], values[rows, columns]] = 1
    cells = cells.reshape(len(clusters), -1)

    def score(weights: Weights) -> dict[str, np.ndarray]:
        # Whole numbers, exact in single precision: in whatever order threads add them up, the bits are the same.
        tables = (weights.astype(np.float32) @ cells).astype(np.int64).reshape(-1, *fitted.shape)
        return {name: np.nanmean(found, axis=-1) for name, found in attribute_metrics(tables, fitted).items()}

    return score


def attribute_accuracy(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """Means over attributes of each one's share of right answers: `attributes` (n, a) is the truth, -1 unknown, and
    each array under a metric's name holds the answers (n, a). Of the same answers `balanced_NAME`, where that is a
    metric: the mean of the shares of present and of absent ones, over the attributes that are drawn both ways."""
    names = [name for name in metrics if name in predictions]
    if "attributes" not in predictions or not names:
        return None
    truth = np.asarray(predictions["attributes"])
    known = (truth >= 0).astype(np.float32)
    right = {name: ((predictions[name] == truth) & (truth >= 0)).astype(np.float32) for name in names}
    present = (truth == 1).astype(np.float32)
    balanced = {f"balanced_{name}": name for name in names if f"balanced_{name}" in metrics}

    def score(weights: Weights) -> dict[str, np.ndarray]:
        drawn = weights.astype(np.float32)
        seen = (drawn @ known).astype(np.float64)
        some = np.maximum((seen > 0).sum(axis=1), 1)
        hits = {name: drawn @ own for name, own in right.items()}
        found = {name: (own / np.maximum(seen, 1)).sum(axis=1) / some for name, own in hits.items()}
        if balanced:
            having = (drawn @ present).astype(np.float64)
            lacking = seen - having
            both = (having > 0) & (lacking > 0)
            for balanced_name, name in balanced.items():
                told = (drawn @ (right[name] * present)).astype(np.float64)
                shares = (told / np.maximum(having, 1) + (hits[name] - told) / np.maximum(lacking, 1)) / 2
                found[balanced_name] = (shares * both).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
        return found

    return score


def segmentation(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """Scores of the confusion matrices `confusion` (n, c, c) of images, summed over the images drawn."""
    if "confusion" not in predictions:
        return None
    counts = np.asarray(predictions["confusion"])
    whole, cells = counts.sum(axis=0), counts.reshape(len(counts), -1).astype(np.float64)

    def score(weights: Weights) -> dict[str, np.ndarray]:
        return segmentation_metrics((weights @ cells).reshape(-1, *whole.shape), whole)

    return score


def parts(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """`part_metrics` of the confusion matrices `confusion` (n, c, c) of images, summed over the images drawn."""
    if "confusion" not in predictions:
        return None
    counts = np.asarray(predictions["confusion"])
    cells, shape = counts.reshape(len(counts), -1).astype(np.float64), counts.shape[1:]
    return lambda weights: part_metrics((weights @ cells).reshape(-1, *shape))


def keypoints(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """PCK of the distances `distance` (n, k), NaN where a keypoint is not visible, at the thresholds that stand beside
    them under each metric's own name (1)."""
    names = [name for name in metrics if name in predictions]
    if "distance" not in predictions or not names:
        return None
    apart = np.asarray(predictions["distance"], dtype=np.float64)
    seen = (~np.isnan(apart)).sum(axis=1).astype(np.float64)
    right = {name: (apart <= predictions[name][0]).sum(axis=1).astype(np.float64) for name in names}

    def score(weights: Weights) -> dict[str, np.ndarray]:
        known = np.maximum(weights @ seen, 1)
        return {name: np.asarray(weights @ hits / known) for name, hits in right.items()}

    return score


def mean(predictions: Predictions, metrics: Sequence[str]) -> Scorer | None:
    """Metrics that are means of one number per item (n), kept under the metric's own name; none that an item lacks
    (NaN): two methods that lack other items are not scored on the same."""
    kept = {name: np.asarray(predictions[name], dtype=np.float64) for name in metrics if name in predictions}
    whole = {name: values for name, values in kept.items() if values.ndim == 1 and np.isfinite(values).all()}
    if not whole:
        return None

    def score(weights: Weights) -> dict[str, np.ndarray]:
        total = np.maximum(weights.sum(axis=1), 1)
        return {name: np.asarray(weights @ values / total) for name, values in whole.items()}

    return score


STATISTICS: dict[str, Statistic] = {
    "clustering": clustering,
    "attribute_clustering": attribute_clustering,
    "attribute_accuracy": attribute_accuracy,
    "segmentation": segmentation,
    "parts": parts,
    "keypoints": keypoints,
    "mean": mean,
}


def resamples(units: int, count: int, rng: np.random.Generator) -> Int[np.ndarray, "r n"]:
    """How often each of `units` is drawn in each of `count` resamples, as many with replacement as there are."""
    return rng.multinomial(units, np.full(units, 1 / units), size=count)


def _has(predictions: Predictions, *names: str) -> bool:
    return all(name in predictions for name in names)
