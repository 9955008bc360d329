"""The images of one part of a dataset's official split."""

from typing import Literal

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.layout import SPLITS


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
