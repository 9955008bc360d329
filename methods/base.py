"""What a representation learner is to the rest of the project.

A method is one class: its configuration, its networks, how it encodes images, and (if it trains) a `Learner` that
turns a batch into losses. It does not own a training loop: the harness passes a `Trainer` in, the same for all.
A user's own method subclasses `Method` in one file; README shows how.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from datasets.base import Dataset, Progress
from datasets.blocks import to_float
from datasets.derendered import Derendered
from datasets.errors import BenchError, NotApplicable
from datasets.labelled import LabelledImages, Teaching, TrainingPairs
from datasets.scene_factors import SceneFactors
from methods.learning import Learner, Losses, Schedule, SupervisedLearner, Trainer

__all__ = [
    "CAPABILITIES",
    "HOOKS",
    "Domain",
    "Learner",
    "Losses",
    "Method",
    "MethodConfig",
    "ProtocolName",
    "Schedule",
    "SupervisedLearner",
    "Trainer",
    "to_float",
]

Domain = Literal["faces", "cars"]
ProtocolName = Literal["default", "released"]

# What a method can do for a task, and what is said of one that cannot. A task of one's own may require, and a method
# provide, other names than these.
CAPABILITIES = {
    "features": "has no features before a task's labels train it",
    "encoder": "has no trainable encoder",
    "groups": "has no groups of features",
    "group_encoders": "has no encoder for each group of its features",
    "pyramid": "has no feature pyramid to segment with",
    "pixel_features": "has no maps of features to tell the part of a pixel from",
    "training_pairs": "gives no labelled images to train a network on",
    "derender": "takes no image apart into depth, albedo, light and view",
    "novel_view": "renders no new view",
    "relight": "renders under no other light",
    "scene_factors": "has no latent and no prediction of view and light",
}

# The method of `Method` that a capability is offered by. `features` is not among them: every method has to define
# `encode`, those too whose features only a task's labels train.
HOOKS = {
    "encoder": "encoder",
    "groups": "feature_groups",
    "group_encoders": "group_encoders",
    "pyramid": "pyramid",
    "pixel_features": "pixel_features",
    "training_pairs": "training_pairs",
    "derender": "derender",
    "novel_view": "rerender",
    "relight": "rerender",
    "scene_factors": "scene_factors",
}


class MethodConfig(BaseModel):
    """Base of every method's configuration. A schedule that is given in part goes on from the method's own.

    A field whose value only matters when encoding (which features are returned, say) is declared with
    `json_schema_extra={"stage": "encode"}`: changing it keeps the trained weights in the cache. One that names a file
    is declared with `json_schema_extra={"kind": "file"}`: what counts is what the file holds, not where it lies. One
    that names a folder is declared likewise, with `"folder"`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedule: Schedule = Schedule()
    weights: str | None = Field(
        None, description="weights taken in place of training: a .safetensors file, or a name given to import-weights"
    )
    track_scale: float = Field(
        1.0,
        gt=0,
        description="what frames of tracks, in [0, 1], are multiplied by before they are encoded; 255 where the "
        "authors' code fed them as they lie on disk",
        json_schema_extra={"stage": "encode"},
    )

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, values: Any) -> Any:
        """Nested values in part, as a protocol, a profile or `--set` has them, on top of the field's default: that may
        be another than its type's."""
        if not isinstance(values, Mapping):
            return values
        completed = dict(values)
        for name, info in cls.model_fields.items():
            given = values.get(name)
            if isinstance(info.default, BaseModel) and isinstance(given, Mapping):
                completed[name] = {**info.default.model_dump(), **given}
        return completed

    @classmethod
    def encode_fields(cls) -> frozenset[str]:
        """Names of the fields that only matter when encoding."""
        return cls._declared("stage", "encode")

    @classmethod
    def file_fields(cls) -> frozenset[str]:
        """Names of the fields that name a file."""
        return cls._declared("kind", "file")

    @classmethod
    def folder_fields(cls) -> frozenset[str]:
        """Names of the fields that name a folder."""
        return cls._declared("kind", "folder")

    @classmethod
    def _declared(cls, what: str, value: str) -> frozenset[str]:
        return frozenset(
            name
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get(what) == value
        )


class Method(ABC):
    """A representation learner.

    Attributes
    ----------
    Config: the configuration's type.
    profiles: overrides of the defaults per profile (`smoke`, `mini`, `paper`), nested as in the config.
    domains: kinds of object that the method has a model for.
    provides: what it can do for a task, by the names in `CAPABILITIES`: `features` by `encode`, which those leave out
        that only a task's labels train; `groups` by `feature_groups`, `novel_view` and `relight` by `rerender`, the
        others by the method so called.
    cites: the publications behind it: keys of results/paper/references.bib, or whole BibTeX entries.
    trains: whether `fit` trains anything; a fixed network (an untrained or pre-trained one) does not.
    stateless: whether the method has no weights at all.
    shares: the method whose checkpoint this one takes, where only the features differ. Its `module` must have the
        same state, and this method's Config must extend its Config.
    derives_from: name of a dataset that `derive` needs; None where encoding needs nothing but the weights.
    binary: whether features are all 0 or 1, so that they are stored at one bit each.
    trains_on: names of the datasets that `fit` is given in place of the usual ones, by kind of object.
    config: this instance's configuration.
    module: all its weights, or None where it has none.
    image_size: side of the images that `fit` and `encode` take, in pixels.
    """

    Config: ClassVar[type[MethodConfig]] = MethodConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    domains: ClassVar[tuple[Domain, ...]] = ("faces", "cars")
    provides: ClassVar[frozenset[str]] = frozenset({"features"})
    cites: ClassVar[tuple[str, ...]] = ()

    trains: ClassVar[bool] = False
    stateless: ClassVar[bool] = False
    shares: ClassVar[type["Method"] | None] = None
    derives_from: ClassVar[str | None] = None
    binary: ClassVar[bool] = False
    trains_on: ClassVar[Mapping[Domain, str]] = {}

    image_size: int = 64
    encode_batch: int = 256

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Raise TypeError where a class declares a capability and does not define what offers it."""
        super().__init_subclass__(**kwargs)
        for capability in sorted(cls.provides & HOOKS.keys()):
            if not cls.defines(capability):
                raise TypeError(f"{cls.__name__} provides {capability!r}, so it must define {HOOKS[capability]}")

    def __init__(self, config: MethodConfig | None = None, *, domain: Domain = "faces") -> None:
        self.config: Any = config if config is not None else self.Config()
        self.domain: Domain = domain
        self.module: nn.Module | None = None

    @classmethod
    def defines(cls, capability: str) -> bool:
        """Whether the class, or one that it extends, has its own method for a capability of `HOOKS`."""
        return getattr(cls, HOOKS[capability]) is not getattr(Method, HOOKS[capability])

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """Overrides of the defaults for a protocol and a kind of object, nested as in the config.

        `default` is what the paper says; `released` is what the authors' published code does where that differs.
        A profile's values and the user's `--set` come on top.
        """
        return {}

    @classmethod
    def for_profile(cls, profile: str, domain: Domain) -> Mapping[str, Any]:
        """Overrides of the defaults for a profile and a kind of object: `profiles`, unless the object matters."""
        return cls.profiles.get(profile, {})

    @classmethod
    def citations(cls, config: Any) -> tuple[str, ...]:
        """The publications behind the method at `config`, as in `cites`."""
        return cls.cites

    @classmethod
    def resolve(cls, config: Any) -> Any:
        """`config` with the files filled in that were not named but lie where they are looked for."""
        return config

    @classmethod
    def derived_from(cls, domain: Domain) -> str | None:
        """Name of the dataset that `derive` needs for a kind of object: `derives_from`, unless the object matters."""
        return cls.derives_from

    @classmethod
    def trains_with(cls, config: Any) -> bool:
        """Whether `fit` trains anything at `config`: not where it names finished weights."""
        return cls.trains

    @classmethod
    def size_for(cls, config: Any) -> int:
        """Side in pixels of the images that a method of this configuration takes."""
        return cls.image_size

    @classmethod
    def check_resources(cls, config: Any) -> None:
        """Raise ResourceMissing where `config` needs what is not there: a file of weights, a package, a device.

        Asked before training or taking weights, and by a dry run.
        """
        return

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train on uint8 (n, s, s, 3) images by `trainer`; returns a JSON summary for the record."""
        return {}

    def fit_dataset(self, dataset: Dataset, trainer: Trainer) -> Any:
        """Train on a dataset, and return a summary as `fit` does: on its images alone, by `fit`, unless the method
        learns from more of it. Whether it is one is checked by who asks (`bench.pipeline.hooks.fitted`)."""
        return self.fit(dataset.images, trainer)

    def load_published(self) -> None:
        """Load the finished weights that the configuration's file fields name, where there are any.

        Called once, before this method's checkpoint is written; whoever reads the checkpoint need not call it.
        """
        return

    def derive(self, dataset: Dataset, *, seed: int, progress: Progress) -> dict[str, Tensor]:
        """What encoding needs besides the weights, computed once from the dataset `derived_from` with the weights
        in place; `seed` is a stream of its own. `use` follows, and then `notes` and `pictures` are asked for."""
        raise NotImplementedError(f"{type(self).__name__} declares derives_from, so it must define derive")

    def use(self, derived: Mapping[str, Tensor]) -> None:
        """Take what `derive` computed, on the module's device."""
        raise NotImplementedError(f"{type(self).__name__} declares derives_from, so it must define use")

    @abstractmethod
    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Features of images in [0, 1], on the module's device. The caller sets eval and inference mode."""

    @classmethod
    def import_weights(cls, path: Path) -> dict[str, Tensor]:
        """The `module.state_dict()` held by a checkpoint of the original code; nothing is unpickled but tensors.

        Raises BenchError where the file is not such a checkpoint, or the method knows no other format.
        """
        raise BenchError(f"{cls.__name__} knows no other checkpoint format; expected one of its own .safetensors files")

    def encoder(self) -> nn.Module:
        """The trainable encoder, images in [0, 1] to features (b, d), for fine-tuning.

        Raises NotApplicable where the method has none.
        """
        raise self._without("encoder")

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b d"]]:
        """Features of images in [0, 1] in the groups that they have by nature, by name (scene parameters, say).

        The caller sets eval and inference mode. Raises NotApplicable where the features have no parts of their own.
        """
        raise self._without("groups")

    def derender(self, images: Float[Tensor, "b 3 h w"]) -> Derendered:
        """Take images in [0, 1], on the module's device, apart into depth, albedo, light and view.

        The caller sets eval and inference mode.
        """
        raise self._without("derender")

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """The scenes that images in [0, 1] show, on the module's device, moved and rendered again, in [0, 1].

        All angles are in degrees and count from what is in each image; without any, the scene is rendered as it was.
        The object turns before a camera that stands still, and so does the light, unless `light` moves it.

        Parameters
        ----------
        yaw: the object turns to the image's right (of drawn cars, which the camera goes around: less azimuth).
        pitch: it looks down, so that more is seen of what is above (of drawn cars: more elevation).
        light: the azimuth of where the light comes from, to the image's right.

        A method that provides `novel_view` alone raises NotApplicable where `light` is not 0, one that provides
        `relight` alone where `yaw` or `pitch` is not. The caller sets eval and inference mode.
        """
        raise self._without("novel_view" if yaw or pitch or not light else "relight")

    def scene_factors(self, images: Float[Tensor, "b 3 h w"]) -> SceneFactors:
        """What images in [0, 1], on the module's device, are said to show of view and light: one number each.

        The caller sets eval and inference mode.
        """
        raise self._without("scene_factors")

    def group_encoders(self) -> dict[str, nn.Module]:
        """What computes each of `feature_groups` by itself: modules from images in [0, 1] to features (b, d).

        Raises NotApplicable where the groups are not each computed by a network of their own.
        """
        raise self._without("group_encoders")

    def pyramid(self) -> nn.Module:
        """The trainable encoder as a feature pyramid, for dense prediction.

        Takes images in [0, 1] (b, 3, s, s) to a list of maps of s, s/2, s/4, ... pixels; its attribute `channels` has
        their numbers of channels. Weights that are to stay as they are do not require gradients.

        Raises NotApplicable where the method has none.
        """
        raise self._without("pyramid")

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Maps of features of images in [0, 1], of any sizes and numbers of channels, each over the whole image.

        A pixel's features are the maps' values at its place. The caller sets eval and inference mode.
        """
        raise self._without("pixel_features")

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
        """The labelled images that a network is to be trained on, where a few were labelled by hand.

        Parameters
        ----------
        few: the images that are labelled, `every` all that a dataset has: the reference that few are held against.
        teach: makes an interpreter of maps of features, the one that `pixel_features` are scored by.
        seed: a stream of its own.
        folder: where work that is cut short is gone on with.

        The caller sets eval mode.
        """
        raise self._without("training_pairs")

    def _without(self, capability: str) -> NotApplicable:
        """What is raised where the method is asked for what it does not provide."""
        return NotApplicable(f"{type(self).__name__} {CAPABILITIES[capability]}")

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """What the method makes of images in [0, 1], by name: reconstructions, say; nothing where there is nothing."""
        return {}

    def notes(self) -> list[str]:
        """What a reader of this method's row should know (a term left out, a small model in a large one's place)."""
        return []
