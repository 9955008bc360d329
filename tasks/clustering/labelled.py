"""Clustering of single images by one label that each has: RAF-DB's emotions, ShapeNet's classes of cars."""

from typing import Literal

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from tasks.clustering.base import Clustering
from tasks.splits import images_of


class RAFDB(Clustering):
    """Seven emotions on the 3,068 test images (PDR section 4.1)."""

    dataset = "rafdb"
    label_kind = "emotion"

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The images of the test split."""
        return images_of(dataset, "test")


class ShapeNetCars(Clustering):
    """Five classes told apart by the models' names, on 1,000 test images (PDR table 4); cars of no class are left
    out."""

    dataset = "shapenet_cars"
    domain: Literal["faces", "cars"] = "cars"
    label_kind = "car"
