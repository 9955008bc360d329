"""The images of one evaluation: few that are labelled, all that could be, and those that are scored."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int, UInt8

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.labelled import LabelledImages
from datasets.streams import generator
from tasks.few_shot_parts.classes import Classes, classes_of


def told_apart(dataset: Dataset, chosen: Classes) -> tuple[tuple[str, ...], UInt8[np.ndarray, " parts"]]:
    """The names of the parts that are told apart, and the number among them of each of the dataset's parts.

    Raises BenchError where the dataset has no part maps, or not those parts that the classes are made of.
    """
    if "parts" not in dataset.truth or "parts" not in dataset.classes:
        raise BenchError(f"{dataset.label} has no part maps (truth and classes named parts) to learn parts from")
    return classes_of(dataset.classes["parts"], chosen, dataset.label)


@dataclass(frozen=True)
class FewLabels(ABC):
    """Which images are labelled and tested.

    Attributes
    ----------
    order: training images (indices into the dataset) in the order in which they are labelled: the first n of them are
        the labelled images wherever there are n, so that more labels are the fewer ones and some others.
    test: the images that are scored.
    """

    dataset: Dataset
    order: Int[np.ndarray, " m"]
    test: Int[np.ndarray, " t"]

    def first(self, count: int) -> LabelledImages:
        """The first `count` labelled images.

        Raises BenchError where there are fewer.
        """
        if count > len(self.order):
            raise BenchError(
                f"{self.dataset.label}: {count:,} labelled images were asked for, and {len(self.order):,} training "
                "images are there: ask for fewer, by labelled_images and curve"
            )
        return self.pairs(self.order[:count])

    @cached_property
    def _every(self) -> LabelledImages:
        return self.pairs(np.sort(self.order))

    def every(self) -> LabelledImages:
        """All labelled images, in the dataset's order; the same object at each call."""
        return self._every

    def pairs(self, chosen: Int[np.ndarray, " n"]) -> LabelledImages:
        """Images and their labels, in the order given."""
        return LabelledImages(np.ascontiguousarray(self.dataset.images[chosen]), self.labels(chosen))

    @abstractmethod
    def labels(self, chosen: Int[np.ndarray, " n"]) -> UInt8[np.ndarray, "n s s *k"]:
        """The labels of images (see `LabelledImages`)."""


def labelling_order(train: Int[np.ndarray, " m"], seed: int) -> Int[np.ndarray, " m"]:
    """Training images in the order in which they are labelled, drawn from the stream `seed`."""
    return np.asarray(generator(seed, "labelled").permutation(train))


@dataclass(frozen=True)
class Labels(FewLabels):
    """Images labelled with their parts.

    Attributes
    ----------
    classes: the names of the parts that are told apart.
    """

    classes: tuple[str, ...]
    _numbers: UInt8[np.ndarray, " parts"]

    @classmethod
    def of(
        cls, dataset: Dataset, train: Int[np.ndarray, " m"], test: Int[np.ndarray, " t"], chosen: Classes, seed: int
    ) -> "Labels":
        """Labels drawn from the images `train` by the stream `seed`, and the images `test`.

        Raises BenchError where the dataset has no part maps, or maps that are none.
        """
        classes, numbers = told_apart(dataset, chosen)
        parts = dataset.truth["parts"]
        if parts.dtype != np.uint8 or parts.shape != dataset.images.shape[:3]:
            raise BenchError(
                f"{dataset.label}: part maps are {parts.dtype} {parts.shape}, expected uint8 "
                f"{dataset.images.shape[:3]}, one class per pixel"
            )
        return cls(dataset, labelling_order(train, seed), test, classes, numbers)

    def labels(self, chosen: Int[np.ndarray, " n"]) -> UInt8[np.ndarray, "n s s"]:
        """Part maps in the numbers of `classes`.

        Raises BenchError where one holds a number of no class.
        """
        found = self.dataset.truth["parts"][chosen]
        if len(found) and (highest := int(found.max())) >= len(self._numbers):
            raise BenchError(
                f"{self.dataset.label}: a part map holds {highest}, expected 0 to {len(self._numbers) - 1}, the "
                "classes' numbers"
            )
        return np.asarray(self._numbers[found])
