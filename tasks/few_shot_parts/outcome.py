"""What came of learning from few labels, and how it is told: scores, sentences, charts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from tasks.metrics.bootstrap import weight_blocks
from tasks.metrics.segmentation import part_metrics
from tasks.results import Caption, Curve, DetailTable, Picture

CURVE = "mean IoU by number of labelled images"


@dataclass(frozen=True)
class Outcome:
    """What came of learning: the test images' parts by number of labelled images, and what is to be said of it; of
    checkpoints that were chosen on test images, which and their scores, by fold."""

    masks: Mapping[int, UInt8[np.ndarray, "t s s"]]
    details: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    folds: tuple[Int[np.ndarray, " folds"], Float[np.ndarray, " folds"]] | None = None


def fold_score(outcome: Outcome) -> dict[str, float]:
    """The published score of a network: the mean over folds, each at the checkpoint that is best on the fold."""
    return {} if outcome.folds is None else {"miou_folds": float(outcome.folds[1].mean())}


def fold_details(outcome: Outcome) -> dict[str, Any]:
    """Which checkpoint each fold chose (from 1), its score, and the deviation that is published: one of choices."""
    if outcome.folds is None:
        return {}
    chosen, scores = outcome.folds
    own = {"checkpoint": (chosen + 1).tolist(), "miou": scores.tolist(), "sd": float(scores.std())}
    return {"folds": own}


def reading_caption(usual: Mapping[str, float], labelled: int) -> Caption:
    """How the table is to be read, and what segmenting every image alike scores."""
    values = ", ".join(f"{{{name}:.3f}} ({name})" for name in usual)
    return Caption(
        f"From {labelled} labelled images. miou counts a class that is neither in the test images nor predicted as 0, "
        "as DatasetGAN does; miou_present leaves it out. Giving each pixel its most frequent class in the labelled "
        f"images scores {values}.",
        usual,
    )


def iou_table(iou: Mapping[str, float | None]) -> DetailTable:
    """The IoU of each class."""
    rows = tuple((name, ("absent" if value is None else f"{value:.2f}",)) for name, value in iou.items())
    return DetailTable("intersection over union of each part", ("part", "IoU"), rows)


def learning_curve(scores: Mapping[int, Mapping[str, float]], intervals: Mapping[int, Mapping[str, Any]]) -> Curve:
    """The learning curve, with intervals over test images."""
    return Curve(
        CURVE,
        "labelled images",
        "miou",
        tuple(str(count) for count in scores),
        tuple(own["miou"] for own in scores.values()),
        tuple(own["miou"].low for own in intervals.values()),
        tuple(own["miou"].high for own in intervals.values()),
    )


@dataclass(frozen=True)
class Gains:
    """What more labels gain.

    Attributes
    ----------
    table: mean IoU by number of labelled images, with the gain over the next smaller number and its 95 % interval.
    enough: the smallest number than which no larger one is better, by such intervals.
    """

    table: DetailTable
    enough: int


def gains(counts: Mapping[int, Int[np.ndarray, "n c c"]], rng: np.random.Generator) -> Gains:
    """What more labels gain, from the confusion matrices of the test images by number of labelled images.

    The test images are resampled, the same for all numbers.
    """
    ascending = sorted(counts)
    images, classes, _ = counts[ascending[0]].shape
    cells = {count: counts[count].reshape(images, -1).astype(np.float64) for count in ascending}
    drawn = list(weight_blocks(images, rng))
    resampled = {
        count: np.concatenate([part_metrics((w @ own).reshape(-1, classes, classes))["miou"] for w in drawn])
        for count, own in cells.items()
    }
    rows = []
    for place, count in enumerate(ascending):
        score = summed_scores(counts[count])["miou"]
        gain = ""
        if place:
            before = ascending[place - 1]
            low, high = np.percentile(resampled[count] - resampled[before], [2.5, 97.5])
            gain = f"{score - summed_scores(counts[before])['miou']:+.3f} [{low:+.3f}, {high:+.3f}]"
        rows.append((str(count), (f"{score:.3f}", gain)))
    enough = next(
        count
        for place, count in enumerate(ascending)
        if all(np.percentile(resampled[more] - resampled[count], 2.5) <= 0 for more in ascending[place + 1 :])
    )
    columns = ("labelled images", "miou", "gain over the row above")
    title = "what more labels gain" + (f": nothing beyond {enough}" if enough < ascending[-1] else "")
    return Gains(DetailTable(title, columns, tuple(rows)), enough)


def summed_scores(counts: Int[np.ndarray, "n c c"]) -> dict[str, float]:
    """The metrics of images' confusion matrices, summed."""
    return {name: float(value) for name, value in part_metrics(counts.sum(axis=0)).items()}
