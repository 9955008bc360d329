"""What tasks of few labelled images share: which images may be labelled, and which are tested."""

from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task
from tasks.splits import images_of


class FewShot(Task):
    """A task whose configuration has `train_images` and `test_images`, most that are taken of either part."""

    dataset = "celebamask"
    requires: ClassVar[frozenset[str]] = frozenset({"pixel_features"})
    uses: ClassVar[frozenset[str]] = frozenset({"training_pairs", "pyramid"})
    trains: ClassVar[bool] = True

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The training images that labels are drawn from, and the test images, the same for every method."""
        train = generator(seed, "train").permutation(self.images_of(dataset, "train"))[: self.config.train_images]
        test = generator(seed, "test").permutation(self.images_of(dataset, "test"))[: self.config.test_images]
        return np.sort(np.concatenate([train, test]))

    def images_of(self, dataset: Dataset, part: Literal["train", "test"]) -> Int[np.ndarray, " m"]:
        """The images that may be labelled, and those that are tested: the official split's."""
        return images_of(dataset, part)

    def tested(self, dataset: Dataset, frames: Int[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
        """Those that may not be labelled."""
        return np.where(np.isin(frames, self.images_of(dataset, "test")), frames, -1)

    def parts_of(self, inputs: EvaluationInputs) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " t"]]:
        """Of the images that are used, those that may be labelled, and those that are tested."""
        dataset, frames = inputs.dataset, inputs.frames
        train, test = (frames[np.isin(frames, self.images_of(dataset, part))] for part in ("train", "test"))
        return train, test
