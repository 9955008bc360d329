"""Which images of CelebA a classifier of few labels is trained and tested on."""

import hashlib
from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int, Int8

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import Task, TaskConfig
from tasks.celeba_linear.config import LinearConfig
from tasks.splits import images_of
from tasks.units import Units, units_of

# Labelled images are always chosen from so many, so that asking for fewer chooses among the same.
POOL = 1000


@dataclass(frozen=True)
class Items:
    """A task's images and what is known of them.

    Attributes
    ----------
    frames: index of each in the dataset, ascending (m,).
    attributes: of each: 0, 1, or -1 where unknown.
    labelled: rows of `frames`, the labelled images in their order: n of them are the first n.
    test: rows of `frames`, the test images.
    units: who is on each, where the dataset knows.
    """

    frames: Int[np.ndarray, " m"]
    attributes: Int8[np.ndarray, "m a"]
    labelled: Int[np.ndarray, " l"]
    test: Int[np.ndarray, " t"]
    units: Units | None = None


class FewLabels(Task, ABC):
    """A task that trains on a few labelled images of CelebA's training split and tests on others of its test split."""

    Config: ClassVar[type[TaskConfig]] = LinearConfig
    trains: ClassVar[bool] = True
    dataset = "celeba"

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The pool that labelled images come from, and the test images; random, the same for every method.

        Raises BenchError where there are fewer training images than labelled ones are asked for, or no test image.
        """
        train, test, most = images_of(dataset, "train"), images_of(dataset, "test"), self.config.labels[-1]
        if len(train) < most:
            raise BenchError(
                f"{dataset.label} has {len(train)} training images, fewer than the {most} to be labelled: "
                "ask for fewer by --set TASK.labels=..."
            )
        pool = generator(seed, "labelled").permutation(train)[: max(most, POOL)]
        tested = generator(seed, "test").permutation(test)[: self.config.test_images]
        return np.sort(np.concatenate([pool, tested]))

    def items(self, dataset: Dataset, frames: Int[np.ndarray, " m"]) -> Items:
        """The images in `frames`; labelled ones in an order that is random, and the same for the same images.

        Raises BenchError where the dataset has no attributes, or knows none of any test image.
        """
        if "attributes" not in dataset.labels:
            raise BenchError(f"{dataset.label} has no labels named attributes to classify")
        attributes = np.asarray(dataset.labels["attributes"])[frames].astype(np.int8)
        pool, test = (np.flatnonzero(np.isin(frames, images_of(dataset, part))) for part in ("train", "test"))
        if not (attributes[test] >= 0).any():
            raise BenchError(f"{dataset.label}: no attribute of any test image is known")
        digest = hashlib.sha256(frames[pool].astype("<i8").tobytes()).hexdigest()
        order = generator(0, "celeba_linear", digest).permutation(pool)
        return Items(frames, attributes, order[: self.config.labels[-1]], test, units_of(dataset, frames))
