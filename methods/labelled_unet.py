"""A U-Net trained on labelled images alone, few or all: what generated ones are held against."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from datasets.base import Progress
from datasets.labelled import LabelledImages, Teaching, TrainingPairs
from methods.pdr.unet import UNetRandomInit


class UNetFewLabels(UNetRandomInit):
    """Learns from the few labelled images and nothing else."""

    provides: ClassVar[frozenset[str]] = UNetRandomInit.provides | {"training_pairs"}

    def training_pairs(
        self,
        few: LabelledImages,
        every: Callable[[], LabelledImages],
        teach: Teaching,
        *,
        seed: int,
        progress: Progress,
        folder: Path,
    ) -> TrainingPairs:
        """The few, as they are."""
        return TrainingPairs(few)

    def notes(self) -> list[str]:
        """That it starts from nothing."""
        return ["network trained from scratch on the labelled images alone"]


class UNetAllLabels(UNetFewLabels):
    """Learns from all labels that the dataset has: how far few could come at most."""

    def training_pairs(
        self,
        few: LabelledImages,
        every: Callable[[], LabelledImages],
        teach: Teaching,
        *,
        seed: int,
        progress: Progress,
        folder: Path,
    ) -> TrainingPairs:
        """All, the few among them."""
        pairs = every()
        return TrainingPairs(pairs, notes=(f"trained on all {len(pairs):,} labelled images of the training split",))

    def notes(self) -> list[str]:
        """That it starts from nothing."""
        return ["network trained from scratch; a ceiling, not a method of few labels"]
