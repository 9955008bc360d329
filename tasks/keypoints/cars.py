"""Keypoints of cars from a few labelled images: as of faces, on the drawn cars, whose places the drawing knows."""

from typing import Literal

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from tasks.keypoints.task import Keypoints
from tasks.splits import every_second


class CarKeypoints(Keypoints):
    """Wheels, head lamps, and corners of roof and bumper; ShapeNet's renderings have none.

    The images are all of the test split: every second one may be labelled, the others are tested.
    """

    dataset = "shapenet_cars"
    domain = "cars"

    def images_of(self, dataset: Dataset, part: Literal["train", "test"]) -> Int[np.ndarray, " m"]:
        """Every second image."""
        return every_second(dataset, part)
