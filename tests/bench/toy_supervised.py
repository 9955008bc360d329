"""A tiny supervised learner, and a training of it that kills itself at a chosen point."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from toy_learners import Fatal, images

from bench.training import loop
from bench.training.loop import FabricTrainer
from datasets.base import Silent
from datasets.files import write_json
from methods.learning import Losses, Schedule, SupervisedLearner


def schedule(**changes: Any) -> Schedule:
    settings = {"batch_size": 8, "max_epochs": 4, "precision": "32-true", "flip": False, "holdout": False}
    return Schedule(**{**settings, **changes})


def brightness(pictures: np.ndarray) -> np.ndarray:
    """Mean of each picture's channels in [0, 1], float32 (n, 3)."""
    return (pictures.mean(axis=(1, 2)) / 255).astype(np.float32)


class Regressor(SupervisedLearner):
    """Pictures to three numbers; with batch norm and dropout (the global generator)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(72, 3)
        )

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"net": torch.optim.Adam(self.net.parameters(), 1e-2)}

    def forward(self, inputs: Tensor, targets: Tensor, *, phase: str, step: int) -> Losses:
        return {"loss": (self.net(inputs) - targets).square().mean()}


def train_until(point: str, folder: Path) -> None:
    """Train in `folder`; at "in an epoch" the process kills itself with SIGKILL, in the third of four epochs."""
    torch.set_num_threads(1)
    loop.SAVE_EVERY = 0.0 if (folder / "save every epoch").exists() else loop.SAVE_EVERY
    progress = Fatal(at=17) if point == "in an epoch" else Silent()
    learner = Regressor()
    trainer = FabricTrainer(folder / "progress", seed=3, device="cpu", progress=progress)
    summary = trainer.train_supervised(learner, images(), brightness(images()), schedule())
    save_file(learner.state_dict(), folder / "weights.safetensors")
    write_json(folder / "summary.json", summary)
