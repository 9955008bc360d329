"""Tiny learners that use everything the loop offers, and a training that kills itself at a chosen point."""

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.training import state
from bench.training.loop import FabricTrainer
from datasets.base import Silent
from datasets.files import write_json
from datasets.streams import generator as stream
from methods.base import Learner, Losses, Schedule
from methods.torchvision_compat import declare_missing_operators

declare_missing_operators()
import lightning.fabric  # noqa: E402, F401  (once, in the process that the trainings are forked from)


def images(count: int = 60, size: int = 8) -> np.ndarray:
    """Smooth uint8 pictures (count, size, size, 3)."""
    corners = stream(0, "toy").integers(0, 256, (count, 2, 2, 3))
    weights = np.linspace(0, 1, size)
    rows = corners[:, :1] * (1 - weights)[None, :, None, None] + corners[:, 1:] * weights[None, :, None, None]
    columns = weights[None, None, :, None]
    return (rows[:, :, :1] * (1 - columns) + rows[:, :, 1:] * columns).astype(np.uint8)


def schedule(**changes: Any) -> Schedule:
    return Schedule(**{"batch_size": 8, "max_epochs": 4, "precision": "32-true", **changes})


class Denoiser(Learner):
    """One phase; with batch norm, dropout (the global generator), noise (the given one) and a moving average."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(8, 3, 3, padding=1)
        )
        self.register_buffer("average", torch.zeros(8, 3, 3, 3))

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"net": torch.optim.Adam(self.net.parameters(), 1e-2)}

    def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
        noise = torch.randn(images.shape, generator=generator)
        error = (self.net(images + 0.1 * noise.to(images)) - images).square().mean()
        return {"loss": error, "rmse": error.sqrt()}

    def validate(self, images: Tensor) -> Losses:
        return {"loss": (self.net(images) - images).square().mean()}

    def after_step(self) -> None:
        self.average.lerp_(self.net[0].weight.detach(), 0.1)


class Adversaries(Learner):
    """Two phases: a generator of flat pictures against a linear critic."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = nn.Linear(3, 1)
        self.maker = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Sigmoid())

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "critic": torch.optim.AdamW(self.critic.parameters(), 1e-2, betas=(0.0, 0.99)),
            "maker": torch.optim.SGD(self.maker.parameters(), 1e-2, momentum=0.9),
        }

    def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
        made = self.maker(torch.randn(len(images), 4, generator=generator).to(images.device))
        if phase == "maker":
            return {"loss": nn.functional.softplus(-self.critic(made)).mean()}
        real = self.critic(images.mean((2, 3)))
        fake = self.critic(made.detach())
        return {"loss": (nn.functional.softplus(-real) + nn.functional.softplus(fake)).mean(), "real": real.mean()}

    def validate(self, images: Tensor) -> Losses:
        made = self.maker(torch.eye(4, device=images.device))
        return {"loss": (made.mean(0) - images.mean((0, 2, 3))).abs().sum()}


LEARNERS = {"denoiser": Denoiser, "adversaries": Adversaries}


def fresh(kind: str) -> Learner:
    """A learner with the same initial weights each time."""
    torch.manual_seed(0)
    return LEARNERS[kind]()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fatal(Silent):
    """Kills the process when batch number `at` of the whole training is about to start."""

    def __init__(self, at: int) -> None:
        self.left = at

    def track(self, items: Iterable[Any], *, total: int, what: str) -> Iterator[Any]:
        for item in items:
            self.left -= 1
            if self.left == 0:
                die()
            yield item


def train_until(point: str, kind: str, folder: Path) -> None:
    """Train in `folder`; a `point` other than "the end" is where the process kills itself with SIGKILL."""
    torch.set_num_threads(2)
    progress: Any = Silent()
    if point == "in an epoch":
        progress = Fatal(at=15)  # the third batch of epoch 3: an epoch has 6
    elif point == "while writing a state":
        seen = []
        linked = state._link

        def link(source: Path, target: Path) -> None:
            seen.append(target)
            linked(source, target)
            if len(seen) == 3:
                die()

        state._link = link
    elif point == "before removing the old state":
        remove = state.shutil.rmtree
        state.shutil.rmtree = lambda path, **how: die() if path.name == "state-000001" else remove(path, **how)
    trainer = FabricTrainer(folder / "progress", seed=3, device="cpu", progress=progress)
    learner = fresh(kind)
    summary = trainer.train(learner, images(), schedule())
    save_file(learner.state_dict(), folder / "weights.safetensors")
    write_json(folder / "summary.json", summary)
