"""Images with labels of every pixel, as they are handed from a task to a method and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor


@dataclass(frozen=True)
class LabelledImages:
    """Images and what every pixel of them is.

    Attributes
    ----------
    images: (n, s, s, 3), RGB.
    labels: the number of each pixel's part (n, s, s), or the heat of each keypoint there (n, s, s, k), 255 at its peak.
    """

    images: UInt8[np.ndarray, "n s s 3"]
    labels: UInt8[np.ndarray, "n s s *k"]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class TrainingPairs:
    """Labelled images to train a network on, and what is to be said of how they came about.

    Attributes
    ----------
    pairs: the images and labels.
    notes: sentences on the method's row.
    details: JSON for the record.
    pictures: what a person should look at, by name: pixels and a sentence that says what they show.
    uncertainty: of each pair's labels, where that is known.
    """

    pairs: LabelledImages
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, tuple[UInt8[np.ndarray, "h w 3"], str]] = field(default_factory=dict)
    uncertainty: Float[np.ndarray, " n"] | None = None


@runtime_checkable
class Interpreter(Protocol):
    """Labels every pixel by maps of features, as it was taught."""

    def __call__(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]], side: int
    ) -> tuple[UInt8[Tensor, "b side side *k"], Float[Tensor, "b side side"]]:
        """Labels at `side` px, as of `LabelledImages`, and how unsure they are, pixel by pixel."""
        ...


@runtime_checkable
class Teaching(Protocol):
    """Makes an `Interpreter`: passed to methods by the task, so that all rows are taught alike."""

    def __call__(
        self, maps: Iterable[Sequence[Float[Tensor, "b _ _ _"]]], labels: UInt8[np.ndarray, "n s s *k"]
    ) -> Interpreter:
        """Learn from the maps of n images, some images at a time, and their labels."""
        ...
