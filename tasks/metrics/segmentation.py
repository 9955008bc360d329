"""Scores of segmentations: intersection over union and pixel accuracy, from confusion matrices, with intervals.

A confusion matrix counts pixels by true class (rows) and predicted class (columns).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, Num, UInt8

from tasks.metrics.bootstrap import RESAMPLES
from tasks.results import Interval

# How many classes the paper's "top 10 mIoU" is the mean of.
TOP = 10
# Resamples weighed at once.
BLOCK = 100
# What DatasetGAN's code adds to a union, so that a class that is neither there nor predicted scores 0.
EPSILON = 1e-8
# Parts of the test images that DatasetGAN's code chooses checkpoints on, one after the other.
FOLDS = 5


def confusions(
    truth: UInt8[np.ndarray, "n s s"], predicted: UInt8[np.ndarray, "n s s"], classes: int
) -> Int[np.ndarray, "n c c"]:
    """The confusion matrix of each image."""
    cells = truth.reshape(len(truth), -1).astype(np.int64) * classes + predicted.reshape(len(truth), -1)
    cells += np.arange(len(truth))[:, None] * classes**2
    counts = np.bincount(cells.ravel(), minlength=len(truth) * classes**2)
    return counts.reshape(len(truth), classes, classes)


def intersection_over_union(counts: Num[np.ndarray, "*batch c c"]) -> Float[np.ndarray, "*batch c"]:
    """Of each class: pixels that are and are predicted to be of it, over those that are or are predicted to be.

    NaN for a class that is neither in the truth nor predicted.
    """
    both = np.diagonal(counts, axis1=-2, axis2=-1)
    either = counts.sum(axis=-1) + counts.sum(axis=-2) - both
    return np.asarray(np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0))


def best_classes(counts: Num[np.ndarray, "c c"]) -> Int[np.ndarray, " best"]:
    """The ten classes of the highest IoU, the best first; fewer where fewer are in the truth or predicted."""
    iou = intersection_over_union(counts)
    return np.argsort(-iou, stable=True)[: min(TOP, np.count_nonzero(~np.isnan(iou)))]  # NaN come last


def segmentation_metrics(
    counts: Num[np.ndarray, "*batch c c"], fitted: Num[np.ndarray, "c c"] | None = None
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """`miou`, `miou_top10` and `pixel_accuracy` of confusion matrices that have some pixel each.

    `miou` is the mean IoU of the classes that are in the truth or predicted, `miou_top10` that of the ten best of them.
    The ten are chosen by `fitted`, by default the one matrix `counts` itself; a bootstrap passes the original matrix
    there, since choosing again in every resample would flatter it.
    """
    iou = intersection_over_union(counts)
    best = iou[..., best_classes(counts if fitted is None else fitted)]
    right = np.trace(counts, axis1=-2, axis2=-1)
    return {
        "miou": np.asarray(np.nanmean(iou, axis=-1)),
        "miou_top10": np.asarray(np.nanmean(best, axis=-1)),
        "pixel_accuracy": np.asarray(right / counts.sum(axis=(-2, -1))),
    }


def part_metrics(counts: Num[np.ndarray, "*batch c c"]) -> dict[str, Float[np.ndarray, "*batch"]]:
    """DatasetGAN's `miou`, a mean over all classes, in which one that is neither there nor predicted counts as 0; and
    `miou_present` and `pixel_accuracy`, this project's (`miou` and `pixel_accuracy` of `segmentation_metrics`)."""
    both = np.diagonal(counts, axis1=-2, axis2=-1)
    either = counts.sum(axis=-1) + counts.sum(axis=-2) - both
    return {
        "miou": np.asarray((both / (either + EPSILON)).mean(axis=-1)),
        "miou_present": np.asarray(np.nanmean(intersection_over_union(counts), axis=-1)),
        "pixel_accuracy": np.asarray(both.sum(axis=-1) / counts.sum(axis=(-2, -1))),
    }


def cross_validated(
    counts: Int[np.ndarray, "checkpoints n c c"],
) -> tuple[Int[np.ndarray, " folds"], Float[np.ndarray, " folds"]]:
    """DatasetGAN's test scores: by each of five parts of the test images the best checkpoint is chosen, the first of
    equal ones, and scored on all other images, those too that five does not divide.

    Returns the checkpoints chosen and their `part_metrics` miou. The deviation of these five is one of choices, not
    of trainings.
    """
    images = counts.shape[1]
    size = images // FOLDS
    chosen, scores = [], []
    for fold in range(FOLDS):
        validation = np.zeros(images, dtype=bool)
        validation[fold * size : (fold + 1) * size] = True
        best = int(part_metrics(counts[:, validation].sum(axis=1))["miou"].argmax())
        chosen.append(best)
        scores.append(float(part_metrics(counts[best, ~validation].sum(axis=0))["miou"]))
    return np.array(chosen), np.array(scores)


def segmentation_intervals(
    counts: Int[np.ndarray, "n c c"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    metrics: Callable[[Num[np.ndarray, "r c c"]], dict[str, np.ndarray]] | None = None,
) -> dict[str, Interval]:
    """95 % intervals over resampled images (percentile bootstrap, Efron, 1979), of `segmentation_metrics` or `metrics`.

    An image is drawn with all its pixels, which are not independent of each other. Classes that no image of a resample
    shows or is predicted to show are left out of its means; the ten best classes are those of all images. The
    intervals cover the choice of test images, not training. Memory holds one block of resamples.
    """
    images, classes, _ = counts.shape
    # Whole numbers, exact in double precision: in whatever order threads add them up, the bits are the same.
    cells = counts.reshape(images, -1).astype(np.float64)
    whole = counts.sum(axis=0)
    found: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, BLOCK):
        drawn = rng.integers(0, images, (min(BLOCK, resamples - start), images))
        weights = np.stack([np.bincount(row, minlength=images) for row in drawn]).astype(np.float64)
        drawn_counts = (weights @ cells).reshape(-1, classes, classes)
        scores = segmentation_metrics(drawn_counts, whole) if metrics is None else metrics(drawn_counts)
        for name, values in scores.items():
            found.setdefault(name, []).append(values)
    bounds = {name: np.percentile(np.concatenate(blocks), [2.5, 97.5]) for name, blocks in found.items()}
    return {name: Interval(float(low), float(high), "items") for name, (low, high) in bounds.items()}


def usual_mask(parts: UInt8[np.ndarray, "n s s"], classes: int) -> UInt8[np.ndarray, "s s"]:
    """The most frequent class of each pixel: the mask of someone who never looks at the image."""
    counts = np.stack([np.count_nonzero(parts == number, axis=0) for number in range(classes)])
    return np.asarray(counts.argmax(axis=0).astype(np.uint8))
