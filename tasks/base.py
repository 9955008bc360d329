"""What a downstream evaluation is to the rest of the project."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from datasets.base import Dataset, Progress
from datasets.derendered import Derendered
from datasets.packed import Matrix
from methods.learning import Trainer


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
    metrics: name -> value in [0, 1], or in the unit that its name ends with: `_deg` (degrees) or `_percent`.
    intervals: name -> its interval, for the metrics that have one.
    predictions: per-item arrays that the scores can be recomputed from, first axis items.
    pictures: name -> what a person should look at, uint8 (h, w, 3); kept as PNG beside the predictions.
    details: anything else worth keeping, as JSON.
    """

    metrics: dict[str, float]
    intervals: dict[str, Interval] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


class Task(ABC):
    """One evaluation on one dataset: `FeatureTask` and `TrainingTask` are the two kinds.

    Attributes
    ----------
    Config: the configuration's type.
    profiles: overrides of the configuration's defaults per profile (`smoke`, `mini`, `paper`).
    dataset: registry name of the dataset that is encoded.
    domain: the kind of object on its images, so that methods trained on it are used.
    reduce: `track_mean` stores one feature per track, the mean of its frames'; `none` one per image.
    metrics: the metrics that the table shows, in order.
    input_scale: what images in [0, 1] are multiplied by before they are encoded; 1 unless a protocol says otherwise.
    encodes: whether the images of `frames` are encoded beforehand.
    pyramids: whether the task needs methods with a feature pyramid.
    derenders: whether the task needs methods that take images apart into scenes.
    less_is_better: the metrics of which less is better.
    """

    Config: ClassVar[type[TaskConfig]] = TaskConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    encodes: ClassVar[bool] = True
    pyramids: ClassVar[bool] = False
    derenders: ClassVar[bool] = False
    less_is_better: ClassVar[frozenset[str]] = frozenset()
    dataset: str
    domain: Literal["faces", "cars"] = "faces"
    reduce: Literal["none", "track_mean"] = "none"
    metrics: tuple[str, ...] = ("accuracy", "f1", "nmi")
    input_scale: float = 1.0

    def __init__(self, config: TaskConfig | None = None) -> None:
        self.config: Any = config if config is not None else self.Config()

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """Indices of the images that the task uses, ascending; all of them unless a protocol leaves some out.

        `seed` is a stream of its own, the same for all methods, for protocols that choose at random.
        """
        return np.arange(len(dataset))


class FeatureTask(Task):
    """An evaluation of nothing but features."""

    @abstractmethod
    def evaluate(
        self,
        features: Float[Matrix, "n d"],
        dataset: Dataset,
        *,
        frames: Int[np.ndarray, " m"],
        seed: int,
        progress: Progress,
    ) -> Scores:
        """Score features, one row per image of `frames` or per track (see `reduce`).

        They may be a memory map, or packed bits (`datasets.packed`): take blocks of rows or columns and work on those.

        `seed` is the task's own stream; the same seed gives the same scores bit for bit.
        """


class Model(Protocol):
    """A trained method, as far as a task may train on top of it (`methods.base.Method`)."""

    def encoder(self) -> nn.Module:
        """The trainable encoder, images in [0, 1] to features (b, d); NotApplicable where there is none."""

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> Mapping[str, Float[Tensor, "b d"]]:
        """Features in the groups that they have by nature; NotApplicable where there are none."""

    def derender(self, images: Float[Tensor, "b 3 h w"]) -> Derendered:
        """Scenes that images show; NotApplicable where the method sees none."""

    def group_encoders(self) -> Mapping[str, nn.Module]:
        """What computes each of these groups by itself; NotApplicable where they share a network."""

    def pyramid(self) -> nn.Module:
        """The encoder as a feature pyramid; NotApplicable where there is none."""


class TrainingTask(Task):
    """An evaluation that trains something on the method's features or on top of its encoder."""

    @abstractmethod
    def evaluate(
        self,
        features: Float[Matrix, "n d"] | None,
        model: Callable[[], Model],
        dataset: Dataset,
        *,
        frames: Int[np.ndarray, " m"],
        seed: int,
        trainer: Trainer,
        device: str,
        progress: Progress,
    ) -> Scores:
        """Train and score.

        Parameters
        ----------
        features: one row per image of `frames`, or None where the task does not have them encoded (`encodes`) or the
            method has none before it is trained with labels.
        model: gives a fresh copy of the method with its trained weights, on `device`, at each call.
        seed: the task's own stream; the same seed gives the same scores bit for bit.
        trainer: the shared loop; it draws the order of batches from the run's seed and each training's name.
        """
