"""Parts of cars from a few labelled images: as of faces, on the drawn cars, whose parts the drawing knows."""

from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Int
from pydantic import Field

from datasets.base import Dataset
from tasks.base import TaskConfig
from tasks.few_shot_parts.config import PartsConfig
from tasks.few_shot_parts.task import FewShotParts
from tasks.splits import every_second


class FewShotCarsConfig(PartsConfig):
    """As for faces, with all classes that the cars have."""

    classes: Literal[12, "all"] = Field(
        "all",
        description="all parts of the drawn cars, or the 12 classes of ADE-Car-12, four of which they do not have",
        json_schema_extra={"rows": True},
    )


class FewShotCarParts(FewShotParts):
    """Ten parts of drawn cars and the background; ShapeNet's renderings have no part maps.

    The images are all of the test split: every second one may be labelled, the others are tested. Their classes follow
    each other, so that both halves have the same.
    """

    Config: ClassVar[type[TaskConfig]] = FewShotCarsConfig
    dataset = "shapenet_cars"
    domain = "cars"

    def images_of(self, dataset: Dataset, part: Literal["train", "test"]) -> Int[np.ndarray, " m"]:
        """Every second image."""
        return every_second(dataset, part)
