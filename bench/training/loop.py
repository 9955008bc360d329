"""The training loop that every method shares: lightning Fabric, early stopping, exact resume.

Chance comes from streams named by epoch (`fit/NAME/epoch/E/...`), never from where a generator happens to stand, so
that a training killed after epoch E and started again computes the same bits as one that was left alone.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import UInt8

from bench.environment import resolve_device
from bench.training.allocator import keep_freed_memory
from bench.training.batches import Batches
from bench.training.losses import LossMeter, Place
from bench.training.phases import frozen_per_phase, without_gradients
from bench.training.precision import Precision, repeatable, resolve_precision
from bench.training.report import epoch_line
from bench.training.state import Position, StateFolder, shapes_of
from datasets.base import Progress, Silent
from datasets.errors import BenchError
from datasets.split import split
from datasets.streams import generator, seed_for
from methods.base import Learner, Schedule
from methods.torchvision_compat import mend

if TYPE_CHECKING:
    from lightning.fabric import Fabric

# A GPU runs ahead of Python by this many batches before their losses are looked at; a CPU never does.
CHECK_EVERY = {"cuda": 16, "cpu": 1}


class FabricTrainer:
    """The `methods.base.Trainer` of the harness.

    Parameters
    ----------
    folder: where the state of an unfinished training lies, one folder per stage; training goes on from it.
    seed: the user's seed.
    device: `auto`, `cpu` or `cuda`.
    label: what is trained, for progress and errors (a method's name).
    """

    def __init__(
        self, folder: Path, *, seed: int, device: str = "auto", progress: Progress | None = None, label: str = ""
    ) -> None:
        self.folder = folder
        self.seed = seed
        self.device = resolve_device(device)
        self.progress: Progress = progress if progress is not None else Silent()
        self.label = label

    def train(
        self, learner: Learner, images: UInt8[np.ndarray, "n s s 3"], schedule: Schedule, *, name: str = "train"
    ) -> dict[str, Any]:
        """Train `learner` and leave it at its best epoch, in eval mode on the device.

        80 % of the images train, 10 % decide when to stop; the last 10 % are left alone. The first epoch of the
        lowest validation loss is the best. A stage that has finished before in `folder` is loaded, not trained.

        Returns
        -------
        JSON: `steps`, `epochs`, `best_epoch` (from 1), `best_loss` (on validation images), `stopped_because`
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
        with _own_random_state(self.device), repeatable(self.device):
            return _Training(self, learner, images, schedule, name).run()


class _Training:
    """One call of `FabricTrainer.train`."""

    def __init__(
        self,
        trainer: FabricTrainer,
        learner: Learner,
        images: UInt8[np.ndarray, "n s s 3"],
        schedule: Schedule,
        name: str,
    ) -> None:
        self.progress = trainer.progress
        self.seed = trainer.seed
        self.name = name
        self.stage = " ".join(part for part in (trainer.label, "" if name == "train" else name) if part) or name
        self.learner = learner
        self.schedule = schedule
        self.device = trainer.device
        self.precision = resolve_precision(schedule, trainer.device)
        self.batches = Batches(images, schedule.batch_size, torch.device(trainer.device))
        self.train, self.validation, test = split(len(images), trainer.seed)
        if len(self.train) == 0 or len(self.validation) == 0:
            raise BenchError(f"{self.stage}: {len(images)} images are too few to train on: at least 10 are needed")
        self.split = {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(test),
            "digest": _digest(self.train, self.validation, test),
        }
        self.per_epoch = self.batches.per_epoch(len(self.train))
        whole = schedule.max_epochs * self.per_epoch
        self.planned = whole if schedule.max_steps is None else min(whole, schedule.max_steps)
        shapes = "\n".join(shapes_of(learner.state_dict()))
        self.state = StateFolder(
            trainer.folder / name,
            {
                "seed": trainer.seed,
                "images": list(images.shape),
                "precision": self.precision,
                "schedule": schedule.model_dump(mode="json"),
                "learner": hashlib.sha256(shapes.encode()).hexdigest()[:16],
            },
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
        fabric = _fabric(self.device, self.precision)
        optimizers = self.learner.optimizers()
        # The learner itself is called below, under `fabric.autocast`: the wrapper's own call would first round the
        # images to bfloat16, and with them the targets and losses of every reconstruction.
        _, *wrapped = fabric.setup(self.learner, *optimizers.values())
        stepped = dict(zip(optimizers, wrapped, strict=True))
        position = self.state.restore(self.learner, optimizers)
        if position.epoch:
            self.progress.say(f"{self.stage}: going on after epoch {position.epoch}")
        while (reason := self._stopped(position)) is None:
            self._epoch(fabric, stepped, position)
            improved = position.best_epoch == position.epoch
            self.state.save(position, self.learner, optimizers, improved=improved)
            self.progress.say(epoch_line(self.stage, position, epochs=self.schedule.max_epochs, steps=self.planned))
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

    def _stopped(self, position: Position) -> str | None:
        """Why training is over, or None."""
        if self.schedule.max_steps is not None and position.step >= self.schedule.max_steps:
            return "max_steps"
        if position.epoch >= self.schedule.max_epochs:
            return "max_epochs"
        if position.epoch - position.best_epoch >= self.schedule.patience:
            return "patience"
        return None

    def _epoch(self, fabric: "Fabric", optimizers: dict[str, Any], position: Position) -> None:
        """One epoch of training and its validation; moves `position` on."""
        epoch = position.epoch + 1
        steps = min(self.per_epoch, self.planned - position.step)
        started = time.perf_counter()
        train, images = self._train_epoch(fabric, optimizers, epoch, position.step, steps)
        trained = time.perf_counter()
        validation = self._validate(fabric, epoch, position.step + steps)
        ended = time.perf_counter()
        position.epoch = epoch
        position.step += steps
        position.images += images
        position.training_seconds += trained - started
        position.seconds += ended - started
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
            what = f"{self.stage}: epoch {epoch}/{self.schedule.max_epochs}"
            for batch, images in enumerate(self.progress.track(batches, total=steps, what=what)):
                for phase, optimizer in optimizers.items():
                    with without_gradients(frozen[phase]):
                        optimizer.zero_grad()
                        with fabric.autocast():
                            losses = self.learner(images, phase=phase, step=first + batch, generator=chance)
                        fabric.backward(losses["loss"])
                        optimizer.step()
                    shown = phase if len(optimizers) > 1 else ""
                    meter.add(Place(self.stage, "training", epoch, batch + 1, steps, first + batch, shown), losses)
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
        self.learner.eval()
        with torch.no_grad(), closing(self.batches.validation(self.validation)) as batches:
            for batch, images in enumerate(batches, start=1):
                with fabric.autocast():
                    losses = self.learner.validate(images)
                meter.add(Place(self.stage, "validation", epoch, batch, count, step), losses, weight=len(images))
        return meter.means()


def _fabric(device: str, precision: Precision) -> "Fabric":
    """One device under Fabric. Importing it takes seconds, which a run that trains nothing need not spend."""
    mend()
    from lightning.fabric import Fabric

    for package in ("lightning.fabric", "lightning.pytorch"):  # a line per Fabric says what the summary says too
        logging.getLogger(package).setLevel(logging.WARNING)
    return Fabric(accelerator=device, devices=1, precision=precision)


@contextmanager
def _own_random_state(device: str) -> Iterator[None]:
    """Give torch's global generators back as they were."""
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device == "cuda" else []):
        yield


def _digest(*parts: np.ndarray) -> str:
    """Identity of a split: equal digests mean the same images in the same parts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)};".encode() + np.sort(part).astype("<i8").tobytes())
    return found.hexdigest()[:16]
