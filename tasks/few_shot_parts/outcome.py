"""What came of learning from few labels, and how it is told: scores, sentences, charts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

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


def summed_scores(counts: Int[np.ndarray, "n c c"]) -> dict[str, float]:
    """The metrics of images' confusion matrices, summed."""
    return {name: float(value) for name, value in part_metrics(counts.sum(axis=0)).items()}
