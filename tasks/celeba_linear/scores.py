"""Accuracy of predicted attributes, its intervals, and the answer that needs no image."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, UInt8

from tasks.metrics.bootstrap import RESAMPLES
from tasks.results import Interval
from tasks.units import OVER, Units

# Resamples weighed at once.
BLOCK = 100


def accuracy_per_attribute(
    predicted: UInt8[np.ndarray, "n a"], attributes: Int[np.ndarray, "n a"]
) -> Float[np.ndarray, " a"]:
    """Share of images whose attribute is predicted right, among those where it is known (not -1); NaN without any."""
    known = attributes >= 0
    right = (known & (predicted == attributes)).sum(axis=0)
    return np.asarray(np.where(known.any(axis=0), right / np.maximum(known.sum(axis=0), 1), np.nan))


def mean_accuracy(predicted: UInt8[np.ndarray, "n a"], attributes: Int[np.ndarray, "n a"]) -> float:
    """Mean accuracy over the attributes that are known of any image (PDR table 2 has all 40 known of all)."""
    return float(np.nanmean(accuracy_per_attribute(predicted, attributes)))


def accuracy_intervals(
    predicted: Mapping[str, UInt8[np.ndarray, "n a"]],
    attributes: Int[np.ndarray, "n a"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    units: Units | None = None,
) -> dict[str, Interval]:
    """95 % intervals of `mean_accuracy` over resampled images (percentile bootstrap, Efron, 1979), or over resampled
    people with all their images where `units` says who is on them.

    All of `predicted` are scored on the same resamples, and an image is drawn with all its attributes, which are not
    independent of each other. The intervals cover the choice of test images, not that of labelled images, nor training.
    """
    known = attributes >= 0
    tables = [known, *(known & (values == attributes) for values in predicted.values())]
    counted = np.concatenate(tables, axis=1).astype(np.float32)
    if units is not None:
        counted = units.sums(counted)
    count, width = len(counted), attributes.shape[1]
    means = np.empty((resamples, len(predicted)))
    for start in range(0, resamples, BLOCK):
        drawn = rng.integers(0, count, (min(BLOCK, resamples - start), count))
        weights = np.stack([np.bincount(row, minlength=count) for row in drawn]).astype(np.float32)
        # Whole numbers, exact in single precision: in whatever order threads add them up, the bits are the same.
        sums = (weights @ counted).reshape(len(drawn), len(tables), width).astype(np.float64)
        seen, right = sums[:, :1], sums[:, 1:]
        shares = (right / np.maximum(seen, 1)).sum(axis=-1)
        means[start : start + len(drawn)] = shares / np.maximum((seen > 0).sum(axis=-1), 1)
    bounds = np.percentile(means, [2.5, 97.5], axis=0)
    return {
        name: Interval(float(low), float(high), "items" if units is None else OVER)
        for name, low, high in zip(predicted, *bounds, strict=True)
    }


def majority(attributes: Int[np.ndarray, "n a"]) -> UInt8[np.ndarray, " a"]:
    """The more frequent value of each attribute among those known; 0 for a tie and for one that is never known."""
    return np.asarray((attributes == 1).sum(axis=0) > (attributes == 0).sum(axis=0), dtype=np.uint8)


def majority_accuracy(labelled: Int[np.ndarray, "m a"], attributes: Int[np.ndarray, "n a"]) -> float:
    """Mean accuracy of giving every image the majority's answer among the labelled: what a classifier has to beat."""
    return mean_accuracy(np.broadcast_to(majority(labelled), attributes.shape), attributes)
