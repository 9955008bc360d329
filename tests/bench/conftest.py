"""A user's own methods in one file, a user's own tracks in a folder, and a way to run a grid of them in-process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.run import Run
from datasets.base import Silent
from datasets.prepared import prepare
from datasets.synthetic.sources import UTKFaceStandIn

OWN_METHODS = '''
"""Representation learners as a user would write them."""

import torch
from torch import nn

from methods.base import Learner, Method, MethodConfig, Schedule


class Config(MethodConfig):
    width: int = 4
    schedule: Schedule = Schedule(batch_size=16, max_epochs=3, learning_rate=1e-3, precision="32-true")


class Autoencoder(Learner):
    def __init__(self, module, schedule):
        super().__init__()
        self.module, self.schedule = module, schedule

    def optimizers(self):
        return {"all": torch.optim.Adam(self.module.parameters(), lr=self.schedule.learning_rate)}

    def validate(self, images):
        return {"loss": (self.module(images) - images).square().mean()}

    def forward(self, images, *, phase, step, generator):
        noise = 0.01 * torch.rand(images.shape, generator=generator)
        return {"loss": (self.module(images + noise) - images).square().mean()}


class Diverging(Autoencoder):
    def forward(self, images, *, phase, step, generator):
        loss = super().forward(images, phase=phase, step=step, generator=generator)["loss"]
        return {"loss": loss * float("nan") if step == 5 else loss}


class Tiny(Method):
    Config = Config
    trains = True
    learner = Autoencoder

    def __init__(self, config=None, *, domain="faces"):
        super().__init__(config, domain=domain)
        width = self.config.width
        self.module = nn.Sequential(
            nn.Conv2d(3, width, 8, 8), nn.ReLU(), nn.ConvTranspose2d(width, 3, 8, 8)
        )

    def fit(self, images, trainer):
        return trainer.train(self.learner(self.module, self.config.schedule), images, self.config.schedule)

    def encode(self, images):
        return self.module[1](self.module[0](images)).flatten(1)


class Diverges(Tiny):
    learner = Diverging


class Broken(Tiny):
    def encode(self, images):
        raise ZeroDivisionError("a defect of the method")


class Flat(Method):
    """Breaks several promises on purpose: batch statistics, NaN on black images."""

    stateless = True

    def encode(self, images):
        flat = images.mean(dim=(2, 3))
        return (flat - flat.mean(dim=0)) / images.amax(dim=(1, 2, 3), keepdim=False)[:, None]
'''


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training images of `smoke`, drawn once for all tests."""
    folder = tmp_path_factory.mktemp("drawn")
    prepare(UTKFaceStandIn.open("smoke"), 64, folder, Silent())
    return folder


@pytest.fixture
def new_store(tmp_path: Path, drawn: Path) -> Callable[[str], Path]:
    """Make an empty store of a given name that finds its training images drawn."""

    def make(name: str) -> Path:
        root = tmp_path / name
        if not root.exists():
            root.mkdir()
            (root / "data").symlink_to(drawn)
        return root

    return make


@pytest.fixture
def own_methods(tmp_path: Path) -> Path:
    """The file of a user's methods."""
    path = tmp_path / "own_methods.py"
    path.write_text(OWN_METHODS)
    return path


@pytest.fixture
def own_tracks(tmp_path: Path) -> Path:
    """Twelve tracks of two people, two frames each: one person is reddish, the other bluish."""
    folder = tmp_path / "own_tracks"
    rng = np.random.default_rng(0)
    lines = ["track,label"]
    for track in range(12):
        person = track % 2
        (folder / f"t{track:02d}").mkdir(parents=True)
        for frame in range(2):
            image = rng.integers(0, 90, (64, 64, 3))
            image[..., 2 * person] += 120
            Image.fromarray(image.astype(np.uint8)).save(folder / f"t{track:02d}" / f"{frame}.png")
        lines.append(f"t{track:02d},{'red' if person == 0 else 'blue'}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def grid(new_store: Callable[[str], Path], own_tracks: Path) -> Callable[..., tuple[int, list[Record]]]:
    """Run a grid on the user's tracks in this process; returns the exit code and the records."""

    def run(
        methods: str, *, store: str = "store", console: Console | None = None, **options: Any
    ) -> tuple[int, list[Record]]:
        values: dict[str, Any] = {
            "methods": methods,
            "tasks": f"tracks:{own_tracks}",
            "profile": "smoke",
            "data_root": None,
            "data": None,
            "settings": [],
            "protocol": "default",
            "device": "cpu",
            "jobs": 1,
            "baselines": False,
            **options,
        }
        opened = Store(new_store(store))
        request = Options(**values).request()
        shown = console or Console(quiet=True)
        one = Run(request, opened, cells(request, opened), shown, "tests", mirror=False)
        code = one.go()
        return code, one.records

    return run
