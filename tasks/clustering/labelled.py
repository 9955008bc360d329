"""Clustering of single images by one label that each has: RAF-DB's emotions, ShapeNet's classes of cars."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from tasks.base import EvaluationInputs, Scores, TaskConfig
from tasks.clustering.base import Clustering
from tasks.clustering.taught import PROFILES, Encoded, TaughtConfig, class_loss, encoded
from tasks.results import reduced
from tasks.splits import images_of

# Test images of cars of a class (table 4).
PAPER_CARS = 1_000


class RAFDB(Clustering):
    """Seven emotions on the 3,068 test images (PDR section 4.1)."""

    Config: ClassVar[type[TaskConfig]] = TaughtConfig
    requires: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[frozenset[str]] = frozenset({"features", "encoder"})
    trains: ClassVar[bool] = True
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    dataset = "rafdb"
    label_kind = "emotion"

    def encoded(self, inputs: EvaluationInputs) -> Encoded:
        """The method's features, or those of its encoder trained with the emotions of the training split."""
        kind, emotions = self.labels(inputs.dataset, np.arange(len(inputs.dataset)))
        return encoded(inputs, self.config, emotions, len(inputs.dataset.classes[kind]), class_loss)

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The images of the test split."""
        return images_of(dataset, "test")


class ShapeNetCars(Clustering):
    """Five classes told apart by the models' names, on 1,000 test images (PDR table 4); cars of no class are left
    out."""

    dataset = "shapenet_cars"
    domain: Literal["faces", "cars"] = "cars"
    label_kind = "car"

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """As every clustering, with a sentence where there are fewer images than in the paper's protocol."""
        scores = super().evaluate(inputs)
        images = sum(scores.details["class_counts"])
        fewer = [f"{images:,} test images in place of the paper's {PAPER_CARS:,}"] if images < PAPER_CARS else []
        return replace(scores, captions=[*scores.captions, *reduced(fewer)])
