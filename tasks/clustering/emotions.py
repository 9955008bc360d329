"""Clustering by emotion: RAF-DB."""

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
