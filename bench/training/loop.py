"""The training loop that every method shares: lightning Fabric, early stopping, exact resume.

Chance comes from streams named by epoch (`fit/NAME/epoch/E/...`), never from where a generator happens to stand, so
that a training killed after epoch E and started again computes the same bits as one that was left alone.
"""

import hashlib
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Shaped, UInt8

from bench.timing import part
from bench.training.allocator import keep_freed_memory
from bench.training.batches import Batches
from bench.training.device import resolve_device
from bench.training.fabric import one_device, own_random_state, split_digest
from bench.training.losses import LossMeter, Origin
from bench.training.phases import frozen_per_phase, without_gradients
from bench.training.precision import repeatable, resolve_precision
from bench.training.report import epoch_label, epoch_line, resumed_line
from bench.training.state import Position, StateFolder, shapes_of
from datasets.base import Progress, Silent
from datasets.errors import BenchError
from datasets.split import split
from datasets.streams import generator, seed_for
from methods.learning import Learner, Objective, Sampler, Schedule, SupervisedLearner

if TYPE_CHECKING:
    from lightning.fabric import Fabric

# A GPU runs ahead of Python by this many batches before their losses are looked at; a CPU never does.
CHECK_EVERY = {"cuda": 16, "cpu": 1}

# Seconds between two commits of a training of which only the last epoch counts.
SAVE_EVERY = 60.0

# A training without validation on fewer examples reports no line per epoch: hundreds of them would pass in seconds.
SMALL = 2000


class FabricTrainer:
    """The `methods.learning.Trainer` of the harness.

    Parameters
    ----------
    folder: where the state of an unfinished training lies, one folder per training; it goes on from it.
    seed: the user's seed; `split_seed` that of which images are held out, by default the same.
    device: `auto`, `cpu` or `cuda`.
    label: what is trained, for progress and errors (a method's name).
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        split_seed: int | None = None,
        device: str = "auto",
        progress: Progress | None = None,
        label: str = "",
    ) -> None:
        self.folder = folder
        self.seed = seed
        self.split_seed = seed if split_seed is None else split_seed
        self.device = resolve_device(device)
        self.progress: Progress = progress if progress is not None else Silent()
        self.label = label

    def train(
        self, learner: Learner, images: UInt8[np.ndarray, "n s s 3"], schedule: Schedule, *, name: str = "train"
    ) -> dict[str, Any]:
        """Train `learner` and leave it at its best epoch, in eval mode on the device.

        80 % of the images train, 10 % decide when to stop; the last 10 % are left alone. The first epoch of the
        lowest validation loss is the best. Where the schedule holds nothing out, all images train and the last epoch
        is kept. A training that has finished before in `folder` is loaded, not trained.

        Returns
        -------
        JSON: `steps`, `epochs`, `best_epoch` (from 1), `best_loss` (on validation images, if any), `stopped_because`
        (`patience`, `max_steps` or `max_epochs`), `seconds` (all runs together, up to the last whole epoch of each),
        `images_per_second` (training alone), `precision`, `device`, `split`, and `curve` (per epoch).

        Raises
        ------
        Divergence
            When a training or validation loss is not finite; the state of the epoch before is kept.
        BenchError
            When there are too few images, or `folder` holds another training's state.
        """
        learner.to(self.device)
        with part("network"), own_random_state(self.device), repeatable(self.device):
            return _Training(self, learner, Batches(images, schedule.batch_size, self.device), schedule, name).run()

    def train_supervised(
        self,
        learner: SupervisedLearner,
        inputs: Shaped[np.ndarray, "n *shape"],
        targets: Shaped[np.ndarray, "n *target"],
        schedule: Schedule,
        *,
        name: str = "train",
        sampler: Sampler | None = None,
    ) -> dict[str, Any]:
        """Train `learner` on all inputs and their targets to the schedule's end, as `train` without images held out.

        A `sampler` draws each epoch's batches from the epoch's own stream (`fit/NAME/epoch/E/order`).
        """
        if schedule.flip or schedule.holdout:
            raise ValueError("training with targets needs a schedule with flip=False and holdout=False")
        learner.to(self.device)
        batches = Batches(inputs, schedule.batch_size, self.device, targets, sampler)
        with part("network"), own_random_state(self.device), repeatable(self.device):
            return _Training(self, learner, batches, schedule, name).run()


class _Training:
    """One call of `FabricTrainer.train` or `train_supervised`."""

    def __init__(
        self,
        trainer: FabricTrainer,
        learner: Objective,
        batches: Batches,
        schedule: Schedule,
        name: str,
    ) -> None:
        self.progress = trainer.progress
        self.seed = trainer.seed
        self.name = name
        self.title = " ".join(part for part in (trainer.label, "" if name == "train" else name) if part) or name
        self.learner = learner
        self.schedule = schedule
        self.device = trainer.device
        self.precision = resolve_precision(schedule, trainer.device)
        self.batches = batches
        count = len(batches.images)
        if schedule.holdout:
            self.train, self.validation, test = split(count, trainer.split_seed)
        else:
            self.train, self.validation, test = np.arange(count), np.arange(0), np.arange(0)
        if len(self.train) == 0 or (schedule.holdout and len(self.validation) == 0):
            least = 10 if schedule.holdout else 1
            raise BenchError(f"{self.title}: {count} images are too few to train on: at least {least} are needed")
        self.split = {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(test),
            "digest": split_digest(self.train, self.validation, test),
        }
        self.per_epoch = self.batches.per_epoch(len(self.train))
        whole = schedule.max_epochs * self.per_epoch
        self.saved = 0.0
        self.planned = whole if schedule.max_steps is None else min(whole, schedule.max_steps)
        shapes = "\n".join(shapes_of(learner.state_dict()))
        self.state = StateFolder(
            trainer.folder / name,
            {
                "seed": trainer.seed,
                "split": trainer.split_seed,
                "images": list(batches.images.shape),
                "precision": self.precision,
                "schedule": schedule.model_dump(mode="json"),
                "learner": hashlib.sha256(shapes.encode()).hexdigest()[:16],
            },
            self.progress.say,
        )

    def run(self) -> dict[str, Any]:
        """Train from the latest state to the end."""
        summary = self.state.finished(self.learner)
        if summary is None:
            summary = self._train()
            self.state.finish(summary)
            self.state.finished(self.learner)
        self.learner.eval()
        return summary

    def _train(self) -> dict[str, Any]:
        if self.device == "cpu":
            keep_freed_memory()
        fabric = one_device(self.device, self.precision)
        optimizers = self.learner.optimizers()
        # The learner itself is called below, under `fabric.autocast`: the wrapper's own call would first round the
        # images to bfloat16, and with them the targets and losses of every reconstruction.
        _, *wrapped = fabric.setup(self.learner, *optimizers.values())
        stepped = dict(zip(optimizers, wrapped, strict=True))
        position = self.state.restore(self.learner, optimizers)
        self.saved = position.seconds
        if position.epoch:
            self.progress.say(resumed_line(self.title, position))
        while (reason := self._stopped(position)) is None:
            self._epoch(fabric, stepped, position)
            if self._worth_saving(position):
                improved = position.best_epoch == position.epoch
                self.state.save(position, self.learner, optimizers, improved=improved)
            if self.schedule.holdout or len(self.train) >= SMALL:
                self.progress.say(epoch_line(self.title, position, epochs=self.schedule.max_epochs, steps=self.planned))
        for parameter in self.learner.parameters():
            parameter.grad = None
        return {
            "steps": position.step,
            "epochs": position.epoch,
            "best_epoch": position.best_epoch,
            "best_loss": position.best_loss,
            "stopped_because": reason,
            "seconds": round(position.seconds, 3),
            "images_per_second": round(position.images / position.training_seconds, 1),
            "precision": self.precision,
            "device": self.device,
            "split": self.split,
            "curve": position.curve,
        }

    def _worth_saving(self, position: Position) -> bool:
        """Whether to commit this epoch: the best one has to be, and with nothing held out the last one is the best,
        so that the short epochs of a small training need not all be written."""
        if self.schedule.holdout or self._stopped(position) is not None:
            return True
        due = position.seconds - self.saved >= SAVE_EVERY
        if due:
            self.saved = position.seconds
        return due

    def _stopped(self, position: Position) -> str | None:
        """Why training is over, or None."""
        if self.schedule.max_steps is not None and position.step >= self.schedule.max_steps:
            return "max_steps"
        if position.epoch >= self.schedule.max_epochs:
            return "max_epochs"
        if self.schedule.holdout and position.epoch - position.best_epoch >= self.schedule.patience:
            return "patience"
        return None

    def _epoch(self, fabric: "Fabric", optimizers: dict[str, Any], position: Position) -> None:
        """One epoch of training and its validation; moves `position` on."""
        epoch = position.epoch + 1
        steps = min(self.per_epoch, self.planned - position.step)
        started = time.perf_counter()
        train, images = self._train_epoch(fabric, optimizers, epoch, position.step, steps)
        trained = time.perf_counter()
        validation = self._validate(fabric, epoch, position.step + steps) if self.schedule.holdout else {}
        ended = time.perf_counter()
        position.epoch = epoch
        position.step += steps
        position.images += images
        position.training_seconds += trained - started
        position.seconds += ended - started
        if not self.schedule.holdout:
            position.best_epoch = epoch
        else:
            loss = validation["loss"]
            assert loss is not None, "the meter raises on a loss that is not finite"
            if position.best_loss is None or loss < position.best_loss:
                position.best_epoch, position.best_loss = epoch, loss
        position.curve.append(
            {
                "epoch": epoch,
                "step": position.step,
                "train": train,
                "validation": validation,
                "seconds": round(ended - started, 3),
                "images_per_second": round(images / (trained - started), 1),
            }
        )

    def _train_epoch(
        self, fabric: "Fabric", optimizers: dict[str, Any], epoch: int, first: int, steps: int
    ) -> tuple[dict[str, float | None], int]:
        """`steps` optimiser steps from step `first` on; returns mean losses and the number of images seen."""
        stream = ("fit", self.name, "epoch", epoch)
        # Learners draw from the generator they are handed; layers such as dropout know only the global one.
        torch.manual_seed(seed_for(self.seed, *stream, "global"))
        chance = torch.Generator().manual_seed(seed_for(self.seed, *stream, "learner"))
        order = generator(self.seed, *stream, "order")
        flips = generator(self.seed, *stream, "flip") if self.schedule.flip else None
        frozen = frozen_per_phase(optimizers)
        meter = LossMeter(CHECK_EVERY[self.device])
        seen = 0
        self.learner.train()
        with closing(self.batches.training(self.train, steps, order, flips)) as batches:
            what = epoch_label(self.title, epoch, self.schedule.max_epochs)
            for batch, (images, targets) in enumerate(self.progress.track(batches, total=steps, what=what)):
                # Supervised learners get targets and need no chance of their own.
                given = {"generator": chance} if targets is None else {"targets": targets}
                for phase, optimizer in optimizers.items():
                    with without_gradients(frozen[phase]):
                        optimizer.zero_grad()
                        with fabric.autocast():
                            losses = self.learner(images, phase=phase, step=first + batch, **given)
                        fabric.backward(losses["loss"])
                        optimizer.step()
                    shown = phase if len(optimizers) > 1 else ""
                    meter.add(Origin(self.title, "training", epoch, batch + 1, steps, first + batch, shown), losses)
                self.learner.after_step()
                seen += len(images)
        return meter.means(), seen

    def _validate(self, fabric: "Fabric", epoch: int, step: int) -> dict[str, float | None]:
        """Mean losses over the validation images, each image counting the same.

        Without gradients, but not in inference mode: a constant that a learner creates on first use and keeps would
        be an inference tensor for ever, which the next training step could not use.
        """
        meter = LossMeter(CHECK_EVERY[self.device])
        count = -(-len(self.validation) // self.schedule.batch_size)
        assert isinstance(self.learner, Learner), "only learners on images alone hold some out"
        self.learner.eval()
        with torch.no_grad(), closing(self.batches.validation(self.validation)) as batches:
            for batch, (images, _) in enumerate(batches, start=1):
                with fabric.autocast():
                    losses = self.learner.validate(images)
                meter.add(
                    Origin(self.title, "validation", epoch, batch, count, step), losses, weight=float(len(images))
                )
        return meter.means()
