"""What a representation learner is to the rest of the project.

A method is one class: its configuration, its networks, how it encodes images, and (if it trains) a `Learner` that
turns a batch into losses. It does not own a training loop: the harness passes a `Trainer` in, the same for all.
A user's own method subclasses `Method` in one file; README shows how.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from datasets.errors import BenchError

Domain = Literal["faces", "cars"]
ProtocolName = Literal["default", "released"]


class Schedule(BaseModel):
    """How long and how a learner is trained. Defaults are the paper's (section 4.3)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(64, gt=0, description="images per optimiser step")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate")
    weight_decay: float = Field(0.0, ge=0, description="Adam's weight decay (L2)")
    max_epochs: int = Field(300, gt=0, description="epochs at most")
    max_steps: int | None = Field(None, gt=0, description="optimiser steps at most, within the epochs")
    patience: int = Field(10, gt=0, description="epochs without a better validation loss before training stops")
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto", description="auto: bf16-mixed where the device is fast at it, else 32-true"
    )
    flip: bool = Field(True, description="flip training images left-right at random")


class MethodConfig(BaseModel):
    """Base of every method's configuration.

    A field whose value only matters when encoding (which features are returned, say) is declared with
    `json_schema_extra={"stage": "encode"}`: changing it keeps the trained weights in the cache.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedule: Schedule = Schedule()
    weights: str | None = Field(
        None, description="weights taken in place of training: a .safetensors file, or a name given to import-weights"
    )

    @classmethod
    def encode_fields(cls) -> frozenset[str]:
        """Names of the fields that only matter when encoding."""
        return frozenset(
            name
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("stage") == "encode"
        )


Losses = dict[str, Tensor]


class Learner(nn.Module, ABC):
    """One trainable objective, as the shared loop sees it: an `nn.Module` whose `forward` returns losses.

    `state_dict()` must hold everything that training changes (networks, moving averages, codebooks), since that is
    what is checkpointed, resumed and restored at the best epoch.
    """

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One optimiser per phase. Every batch goes through all phases, in this order."""

    @abstractmethod
    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """Losses of one batch of images in [0, 1]; `"loss"` is minimised, all are logged (scalars).

        `generator` lives on the CPU and is the only source of chance; `step` counts optimiser steps from 0.
        Called under autocast when training in bf16: switch it off around what needs float32.
        """

    @abstractmethod
    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """The batch's mean losses without gradients or chance; early stopping watches `"loss"`."""

    def after_step(self) -> None:
        """Called after each batch's last phase (moving averages)."""


@runtime_checkable
class Trainer(Protocol):
    """The shared loop, passed in by the harness (`bench.training.loop.FabricTrainer`)."""

    def train(self, learner: Learner, images: np.ndarray, schedule: Schedule, *, name: str = "train") -> dict[str, Any]:
        """Train `learner` on uint8 (n, s, s, 3) images and leave it at its best epoch; returns a JSON summary.

        `name` tells stages apart where a method trains in several.
        """
        ...


class Method(ABC):
    """A representation learner.

    Attributes
    ----------
    Config: the configuration's type.
    profiles: overrides of the defaults per profile (`smoke`, `mini`, `paper`), nested as in the config.
    domains: kinds of object that the method has a model for.
    trains: whether `fit` trains anything; a fixed network (an untrained or pre-trained one) does not.
    stateless: whether the method has no weights at all.
    config: this instance's configuration.
    module: all its weights, or None where it has none.
    image_size: side of the images that `fit` and `encode` take, in pixels.
    """

    Config: ClassVar[type[MethodConfig]] = MethodConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    domains: ClassVar[tuple[Domain, ...]] = ("faces", "cars")

    trains: ClassVar[bool] = False
    stateless: ClassVar[bool] = False

    image_size: int = 64
    encode_batch: int = 256

    def __init__(self, config: MethodConfig | None = None, *, domain: Domain = "faces") -> None:
        self.config: Any = config if config is not None else self.Config()
        self.domain: Domain = domain
        self.module: nn.Module | None = None

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """Overrides of the defaults for a protocol and a kind of object, nested as in the config.

        `default` is what the paper says; `released` is what the authors' published code does where that differs.
        A profile's values and the user's `--set` come on top.
        """
        return {}

    @classmethod
    def check_resources(cls, config: Any) -> None:
        """Raise WeightsMissing where training at `config` needs a file that is not there; a dry run asks this."""
        return

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train on uint8 (n, s, s, 3) images by `trainer`; returns a JSON summary for the record."""
        return {}

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
        """The trainable encoder, images in [0, 1] to features, for fine-tuning.

        Raises TypeError where the method has none.
        """
        raise TypeError(f"{type(self).__name__} has no trainable encoder")

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """What the method makes of images in [0, 1], by name: reconstructions, say; nothing where there is nothing."""
        return {}

    def notes(self) -> list[str]:
        """What a reader of this method's row should know (a term left out, a small model in a large one's place)."""
        return []


def to_float(images: np.ndarray, device: torch.device | str = "cpu") -> Float[Tensor, "b 3 h w"]:
    """uint8 (b, h, w, 3) -> float32 (b, 3, h, w) in [0, 1], in channels-last memory order."""
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device, non_blocking=True)
    return tensor.permute(0, 3, 1, 2).float().div_(255.0)
