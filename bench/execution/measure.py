"""How long a training would take, from a few steps of it that are timed and thrown away."""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.pipeline.cell import Cell
from bench.pipeline.computing import computing
from bench.pipeline.context import Context
from bench.pipeline.data import open_source
from bench.pipeline.hooks import fitted
from bench.pipeline.memory import PeakMemory
from bench.pipeline.weights import untrained_method
from bench.training.loop import FabricTrainer
from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.official import COUNTS
from datasets.split import split
from datasets.streams import generator
from methods.learning import Learner, Sampler, Schedule, SupervisedLearner

# Steps before the clock runs (allocations, compilation), and steps by the clock.
UNTIMED, TIMED = 1, 3


@dataclass(frozen=True)
class Measured:
    """A training, by some steps of it.

    Attributes
    ----------
    seconds: of all its steps; at most, since it may stop early.
    memory_mb: peak resident memory of this process meanwhile, MiB.
    weights_bytes: size of its weights.
    """

    seconds: float
    memory_mb: float
    weights_bytes: int


def measured(cell: Cell, training: Dataset | None, context: Context) -> Measured | None:
    """Time some steps of the training that a cell waits for; `training` is its dataset, if that is prepared.

    Where it is not, images of noise stand for it: what a step takes does not depend on what they show. None where that
    cannot be: the number of images is not known, or the method learns from more than images.
    """
    spec = cell.method.trained
    data = _noise(cell, context) if training is None else training
    if data is None:
        return None
    with (
        TemporaryDirectory(prefix="measure-") as folder,
        computing(context.threads),
        PeakMemory() as memory,
    ):
        method = untrained_method(spec, cell.seeds.fit)
        clock = StepClock(Path(folder), context.device)
        try:
            fitted(method, data, clock)
        except BenchError:  # it needs more than images, or has nothing to train on: the run itself says so
            return None
    assert method.module is not None, f"{spec.name} trains, so it has weights"
    size = sum(value.numel() * value.element_size() for value in method.module.state_dict().values())
    return Measured(clock.seconds, memory.mb, size)


def _noise(cell: Cell, context: Context) -> np.ndarray | None:
    """As many images as the training will have, all alike and without memory of their own; None where their number is
    not known before they are prepared."""
    entry = cell.training_dataset
    assert entry is not None, f"{cell.name} trains on something"
    source = open_source(entry, context.data.root, context.data.subset)
    count = getattr(source, "count", None) if source.synthetic else COUNTS.get(source.name, {}).get("images")
    if not isinstance(count, int):
        return None
    size = cell.method.trained.size
    image = generator(0, "noise").integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    return np.broadcast_to(image, (count, size, size, 3))


@dataclass
class StepClock:
    """A `methods.learning.Trainer` that takes some steps of every training and adds up what all of them would take.

    Attributes
    ----------
    folder: where these few steps leave their state.
    seconds: of all trainings so far.
    """

    folder: Path
    device: str
    seconds: float = 0.0
    _count: int = field(default=0)

    def train(self, learner: Learner, images: np.ndarray, schedule: Schedule, *, name: str = "train") -> dict[str, Any]:
        """As `Trainer.train`, with fewer images and steps."""
        # One epoch of as many steps, with what is held out beside them: validation costs its part of each step then.
        few = images[: max(20, (TIMED + 1) * schedule.batch_size)]
        whole = len(split(len(images), 0)[0]) if schedule.holdout else len(images)
        steps = _steps(schedule, max(1, whole // schedule.batch_size))
        return self._timed(lambda trainer, short: trainer.train(learner, few, short, name=name), schedule, steps)

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
        """As `Trainer.train_supervised`, with fewer steps."""
        per_epoch = max(1, len(inputs) // schedule.batch_size if sampler is None else sampler.per_epoch)
        return self._timed(
            lambda trainer, short: trainer.train_supervised(
                learner, inputs, targets, short, name=name, sampler=sampler
            ),
            schedule,
            _steps(schedule, per_epoch),
        )

    def _timed(self, train: Any, schedule: Schedule, steps: int) -> dict[str, Any]:
        summary: dict[str, Any] = {}
        for taken in (UNTIMED, TIMED):
            self._count += 1
            trainer = FabricTrainer(self.folder / str(self._count), seed=0, device=self.device)
            summary = train(trainer, schedule.model_copy(update={"max_steps": taken}))
        self.seconds += summary["seconds"] / summary["steps"] * steps
        return summary


def _steps(schedule: Schedule, per_epoch: int) -> int:
    """Steps that a schedule takes at most."""
    whole = schedule.max_epochs * per_epoch
    return whole if schedule.max_steps is None else min(whole, schedule.max_steps)
