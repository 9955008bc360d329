"""What a downstream evaluation is to the rest of the project."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict

from datasets.base import Dataset, Progress


class TaskConfig(BaseModel):
    """Base of every task's configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Interval:
    """A 95 % interval and the source of variation that it covers (`tracks`, `items`, `seeds`)."""

    low: float
    high: float
    over: str


@dataclass(frozen=True)
class Scores:
    """What a task says of one method.

    Attributes
    ----------
    metrics: name -> value in [0, 1].
    intervals: name -> its interval, for the metrics that have one.
    predictions: per-item arrays that the scores can be recomputed from, first axis items.
    details: anything else worth keeping, as JSON.
    """

    metrics: dict[str, float]
    intervals: dict[str, Interval] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


class Task(ABC):
    """One evaluation of features on one dataset.

    Attributes
    ----------
    Config: the configuration's type.
    dataset: registry name of the dataset that is encoded.
    domain: the kind of object on its images, so that methods trained on it are used.
    reduce: `track_mean` stores one feature per track, the mean of its frames'; `none` one per image.
    metrics: the metrics that the table shows, in order.
    input_scale: what images in [0, 1] are multiplied by before they are encoded; 1 unless a protocol says otherwise.
    """

    Config: ClassVar[type[TaskConfig]] = TaskConfig
    dataset: str
    domain: Literal["faces", "cars"] = "faces"
    reduce: Literal["none", "track_mean"] = "none"
    metrics: tuple[str, ...] = ("accuracy", "f1", "nmi")
    input_scale: float = 1.0

    def __init__(self, config: TaskConfig | None = None) -> None:
        self.config: Any = config if config is not None else self.Config()

    def frames(self, dataset: Dataset) -> np.ndarray:
        """Indices of the images that are encoded, ascending; all of them unless a protocol leaves some out."""
        return np.arange(len(dataset))

    @abstractmethod
    def evaluate(
        self, features: Float[np.ndarray, "n d"], dataset: Dataset, *, seed: int, progress: Progress
    ) -> Scores:
        """Score features, one row per image of `frames` or per track (see `reduce`); may be a memory map.

        `seed` is the task's own stream; the same seed gives the same scores bit for bit.
        """
