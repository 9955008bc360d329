"""The images of one part of a dataset: of its official split, or of one made where it has none."""

from typing import Literal

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.layout import SPLITS


def every_second(dataset: Dataset, part: Literal["train", "test"]) -> Int[np.ndarray, " m"]:
    """Every second image of a dataset that is not split: the first and so on to train on, the others to test."""
    return np.arange(0 if part == "train" else 1, len(dataset), 2)


def images_of(dataset: Dataset, part: Literal["train", "val", "test"]) -> Int[np.ndarray, " m"]:
    """Indices of the images whose label `split` is `part`, ascending.

    Raises BenchError where the dataset has no such labels, or no such image.
    """
    if "split" not in dataset.labels:
        raise BenchError(f"{dataset.label} has no labels named split, which tell {part} images from others")
    chosen = np.flatnonzero(np.asarray(dataset.labels["split"]) == SPLITS.index(part))
    if not len(chosen):
        raise BenchError(f"{dataset.label}: none of its {len(dataset)} images is of the {part} split")
    return chosen
