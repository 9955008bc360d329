"""Images with the part of every pixel, as they are handed from a task to a method and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor


@dataclass(frozen=True)
class LabelledImages:
    """Images and their part maps, whose numbers are classes.

    Attributes
    ----------
    images: (n, s, s, 3), RGB.
    parts: (n, s, s).
    """

    images: UInt8[np.ndarray, "n s s 3"]
    parts: UInt8[np.ndarray, "n s s"]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class TrainingPairs:
    """Labelled images to train a network on, and what is to be said of how they came about.

    Attributes
    ----------
    pairs: the images and part maps.
    notes: sentences on the method's row.
    details: JSON for the record.
    pictures: what a person should look at, by name: pixels and a sentence that says what they show.
    uncertainty: of each pair's parts, where that is known.
    """

    pairs: LabelledImages
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, tuple[UInt8[np.ndarray, "h w 3"], str]] = field(default_factory=dict)
    uncertainty: Float[np.ndarray, " n"] | None = None


@runtime_checkable
class Interpreter(Protocol):
    """Tells the part of every pixel from maps of features, as it was taught."""

    def __call__(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]], side: int
    ) -> tuple[UInt8[Tensor, "b side side"], Float[Tensor, "b side side"]]:
        """Part maps of `side` px, and how unsure they are, pixel by pixel."""
        ...


@runtime_checkable
class Teaching(Protocol):
    """Makes an `Interpreter`: passed to methods by the task, so that all rows are taught alike."""

    def __call__(
        self, maps: Iterable[Sequence[Float[Tensor, "b _ _ _"]]], parts: UInt8[np.ndarray, "n s s"]
    ) -> Interpreter:
        """Learn from the maps of n images, some images at a time, and the part of every pixel."""
        ...
