"""What a downstream evaluation is to the rest of the project."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from datasets.base import Dataset, Progress, Silent
from datasets.derendered import Derendered
from datasets.labelled import LabelledImages, Teaching, TrainingPairs
from datasets.packed import Matrix
from datasets.scene_factors import SceneFactors
from methods.learning import Trainer
from tasks.results import (
    Caption,
    Chart,
    Curve,
    DetailTable,
    Heatmap,
    Interval,
    Legend,
    Metric,
    Panel,
    PerItem,
    Picture,
    Scores,
    reduced,
)
from tasks.splits import images_of

__all__ = [
    "Caption",
    "Chart",
    "Curve",
    "DetailTable",
    "EvaluationInputs",
    "Heatmap",
    "Interval",
    "Legend",
    "Metric",
    "Model",
    "Panel",
    "PerItem",
    "Picture",
    "Scores",
    "Task",
    "TaskConfig",
    "reduced",
]


class TaskConfig(BaseModel):
    """Base of every task's configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int | None = Field(
        None, ge=1, description="items of the test set at most, random ones, the same for every method; all where none"
    )


@runtime_checkable
class Model(Protocol):
    """A trained method, as far as a task may ask it for more than features (`methods.base.Method`).

    Each is there where the method `provides` it; a task names in `requires` or `uses` what it asks for.
    """

    def encoder(self) -> nn.Module:
        """`encoder`: the trainable encoder, images in [0, 1] to features (b, d)."""

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> Mapping[str, Float[Tensor, "b d"]]:
        """`groups`: features in the groups that they have by nature."""

    def group_encoders(self) -> Mapping[str, nn.Module]:
        """`group_encoders`: what computes each of these groups by itself."""

    def derender(self, images: Float[Tensor, "b 3 h w"]) -> Derendered:
        """`derender`: the scenes that images show."""

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """`novel_view` (by `yaw` and `pitch`) and `relight` (by `light`): the scenes moved and rendered again."""

    def scene_factors(self, images: Float[Tensor, "b 3 h w"]) -> SceneFactors:
        """`scene_factors`: what is said of view and light, one number each."""

    def pyramid(self) -> nn.Module:
        """`pyramid`: the encoder as a feature pyramid."""

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> Sequence[Float[Tensor, "b _ _ _"]]:
        """`pixel_features`: maps of features, each over the whole image."""

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
        """`training_pairs`: labelled images to train a network on, where a few were labelled by hand."""


class EvaluationInputs:
    """One method on one dataset, as a task is given it.

    Attributes
    ----------
    dataset: the prepared dataset.
    frames: indices of the images that the task uses (`Task.frames`).
    seed: the task's own stream; the same seed gives the same scores bit for bit.
    device: `cpu` or `cuda`, where models are.
    progress: shows how far long work is.
    has_features: whether images were encoded beforehand; of a task that only `uses` features they may not be.
    """

    def __init__(
        self,
        dataset: Dataset,
        frames: Int[np.ndarray, " m"],
        *,
        seed: int,
        features: Float[Matrix, "n d"] | None = None,
        model: Callable[[], Model] | None = None,
        trainer: Trainer | None = None,
        device: str = "cpu",
        progress: Progress | None = None,
        folder: Path | None = None,
    ) -> None:
        self.dataset = dataset
        self.frames = frames
        self.seed = seed
        self.device = device
        self.progress: Progress = Silent() if progress is None else progress
        self._features, self._model, self._trainer, self._folder = features, model, trainer, folder

    @property
    def has_features(self) -> bool:
        """Whether there are `features`."""
        return self._features is not None

    @property
    def features(self) -> Float[Matrix, "n d"]:
        """One row per image of `frames`, or per track (see `Task.reduce`).

        They may be a memory map, or packed bits (`datasets.packed`): take blocks of rows or columns and work on those.
        """
        if self._features is None:
            raise TypeError("no features were encoded: a task that needs them declares `features` in `requires`")
        return self._features

    def model(self) -> Model:
        """A fresh copy of the method with its trained weights, in eval mode on `device`, at each call."""
        if self._model is None:
            raise TypeError("no model was handed over: a task that needs one declares what of it in `requires`")
        return self._model()

    @property
    def trainer(self) -> Trainer:
        """The shared loop; it draws the order of batches from the run's seed and each training's name."""
        if self._trainer is None:
            raise TypeError("no trainer was handed over: a task that trains declares `trains = True`")
        return self._trainer

    @property
    def folder(self) -> Path:
        """Where work that is cut short may leave what it has, to go on from; removed once there are scores."""
        if self._folder is None:
            raise TypeError("no folder was handed over: give EvaluationInputs one")
        return self._folder


class Task(ABC):
    """One evaluation on one dataset.

    Attributes
    ----------
    Config: the configuration's type.
    profiles: overrides of the configuration's defaults per profile (`smoke`, `mini`, `paper`).
    requires: what a method must provide (`methods.base.CAPABILITIES`); others are not applicable, with the reason.
    uses: what is taken besides where a method provides it.
    trains: whether `evaluate` trains something by the shared loop.
    metrics: the metrics that the table shows, in order; the first is the main one.
    secondary: metrics that only tables of their own show.
    cites: the publications behind the protocol, as in `Metric.cites`.
    dataset: registry name of the dataset.
    domain: the kind of object on its images, so that methods trained on it are used.
    reduce: `track_mean` stores one feature per track, the mean of its frames'; `none` one per image.
    """

    Config: ClassVar[type[TaskConfig]] = TaskConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    requires: ClassVar[frozenset[str]] = frozenset({"features"})
    uses: ClassVar[frozenset[str]] = frozenset()
    trains: ClassVar[bool] = False
    metrics: tuple[Metric, ...]
    secondary: tuple[Metric, ...] = ()
    cites: ClassVar[tuple[str, ...]] = ()
    dataset: str
    domain: Literal["faces", "cars"] = "faces"
    reduce: Literal["none", "track_mean"] = "none"

    def __init__(self, config: TaskConfig | None = None) -> None:
        self.config: Any = config if config is not None else self.Config()

    @property
    def encodes(self) -> bool:
        """Whether the images of `frames` are encoded beforehand."""
        return "features" in self.requires | self.uses

    @property
    def asks_model(self) -> bool:
        """Whether the scores depend on more of the method than its features."""
        return bool((self.requires | self.uses) - {"features"})

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """Indices of the images that the task uses, ascending; all of them unless a protocol leaves some out.

        `seed` is a stream of its own, the same for all methods, for protocols that choose at random.
        """
        return np.arange(len(dataset))

    def tested(self, dataset: Dataset, frames: Int[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
        """Which item of the test set each image of `frames` is of: itself, or its track; -1 of one that only trains.

        Raises NotApplicable where the task means nothing on a part of its test set.
        """
        if self.reduce == "track_mean" and dataset.tracks is not None:
            return np.asarray(np.asarray(dataset.tracks)[frames])
        if self.trains and "split" in dataset.labels:
            return np.where(np.isin(frames, images_of(dataset, "test")), frames, -1)
        return frames

    @abstractmethod
    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Score one method.

        Raises NotApplicable where that turns out to mean nothing, BenchError where the data or the method's output are
        not what they should be.
        """
