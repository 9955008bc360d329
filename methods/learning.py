"""The training contract: what a learner is to the one loop that trains everything, methods and evaluations alike.

The loop itself is the harness's (`bench.training.loop.FabricTrainer`), passed in as a `Trainer`.
"""

from abc import ABC, abstractmethod
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn


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
    holdout: bool = Field(
        True,
        description="hold 10 % of the images out to decide when to stop, and 10 % for nobody; false: train on all of "
        "them for as long as the schedule says, and keep the last epoch",
    )


Losses = dict[str, Tensor]


class Objective(nn.Module, ABC):
    """What is trained, as the shared loop sees it: an `nn.Module` whose `forward` returns losses.

    `state_dict()` must hold everything that training changes (networks, moving averages, codebooks), since that is
    what is checkpointed, resumed and restored at the best epoch.
    """

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One optimiser per phase. Every batch goes through all phases, in this order."""

    def after_step(self) -> None:
        """Called after each batch's last phase (moving averages)."""


class Learner(Objective):
    """An objective on images alone."""

    @abstractmethod
    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """Losses of one batch of images in [0, 1]; `"loss"` is minimised, all are logged (scalars).

        `generator` lives on the CPU and is the only source of chance; `step` counts optimiser steps from 0.
        Called under autocast when training in bf16: switch it off around what needs float32.
        """

    @abstractmethod
    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """The batch's mean losses without gradients or chance; early stopping watches `"loss"`.

        Never called where the schedule holds no images out.
        """


class SupervisedLearner(Objective):
    """An objective on inputs with targets: a probe on features, a network fine-tuned on labelled images."""

    @abstractmethod
    def forward(
        self, inputs: Shaped[Tensor, "b *shape"], targets: Shaped[Tensor, "b *target"], *, phase: str, step: int
    ) -> Losses:
        """Losses of one batch, as a `Learner`'s: images as (b, 3, h, w) in [0, 1], other inputs as they were given."""


@runtime_checkable
class Sampler(Protocol):
    """Says which inputs make up each batch, where a batch is more than the next few of a random order."""

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch."""
        ...

    def draw(self, steps: int, rng: np.random.Generator) -> Int[np.ndarray, "steps b"]:
        """Indices of the inputs of an epoch's first `steps` batches.

        `rng` is a stream of the epoch's own and the only source of chance, so that a training that was killed draws
        the same batches again.
        """
        ...


@runtime_checkable
class Trainer(Protocol):
    """The shared loop, passed in by the harness (`bench.training.loop.FabricTrainer`)."""

    def train(self, learner: Learner, images: np.ndarray, schedule: Schedule, *, name: str = "train") -> dict[str, Any]:
        """Train `learner` on uint8 (n, s, s, 3) images and leave it at its best epoch; returns a JSON summary.

        `name` tells stages apart where a method trains in several. A schedule that holds no images out leaves the
        learner at its last epoch.
        """
        ...

    def train_supervised(
        self,
        learner: SupervisedLearner,
        inputs: np.ndarray,
        targets: np.ndarray,
        schedule: Schedule,
        *,
        name: str = "train",
        sampler: Sampler | None = None,
    ) -> dict[str, Any]:
        """Train `learner` on all inputs and their targets (both with first axis n) for as long as `schedule` says.

        `inputs` are uint8 (n, s, s, 3) images or float32 rows (n, d). Mirroring images would leave targets behind, so
        `schedule.flip` must be off; `schedule.holdout` too, since a protocol with labels has its own test set.

        Batches are `schedule.batch_size` inputs of a random order, or what a `sampler` draws: all of one kind, say,
        which their targets then tell.
        """
        ...
