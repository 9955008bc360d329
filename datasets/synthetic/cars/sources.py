"""Stand-ins for the cars rendered from ShapeNet: a labelled test split, and training images."""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from datasets.base import Content, OpenRows, Progress
from datasets.layout import SPLITS
from datasets.shapenet_cars import CLASSES
from datasets.streams import generator
from datasets.synthetic.cars.models import draw_car
from datasets.synthetic.cars.parts import KEYPOINTS, PARTS
from datasets.synthetic.cars.render import WORLD, Shot, rendered
from datasets.synthetic.drawn import BLOCK, SEED, Drawn, Subset

SIZES: dict[str, dict[Subset, int]] = {
    "shapenet_cars": {"smoke": 40, "mini": 400, "full": 1000},
    "shapenet_cars_train": {"smoke": 128, "mini": 2500, "full": 10000},
}


class CarsStandIn(Drawn):
    """Drawn cars with the loader's labels `car` and `split`.

    Truth: `parts` uint8 (n, size, size), the part of every pixel (`parts.PARTS`); `keypoints` float32 (n, k, 3), as of
    `render.Rendered`; and, in the terms of `render.Shot`,
    `view` (n, 2), the camera's azimuth and elevation in degrees, and `light` (n, 4), strengths of ambient and diffuse
    light, and the first light's azimuth and elevation in degrees.
    """

    world = WORLD

    def __init__(self, subset: Subset) -> None:
        super().__init__(subset)
        self.count = self.amount(subset)

    def fingerprint(self) -> dict[str, Any]:
        """What decides the images: subset, seed, and the source that draws them."""
        return {"subset": self.subset, "items": self.count, "seed": SEED, **self.drawing()}

    def amount(self, subset: Subset) -> int:
        """Images of a subset."""
        return SIZES[self.name][subset]

    def read_into(self, open_rows: OpenRows, size: int, progress: Progress) -> Content:
        """Draw everything, block by block, into the rows given."""
        images, parts = open_rows("images", (size, size, 3), np.uint8), open_rows("parts", (size, size), np.uint8)
        keypoints = open_rows("keypoints", (len(KEYPOINTS), 3), np.float32)
        shots = self.shots()
        drawn: list[Shot] = []
        starts = range(0, self.count, BLOCK)
        for _ in progress.track(starts, total=len(starts), what=f"drawing {self.label}"):
            block = list(islice(shots, BLOCK))
            found = rendered(block, size)
            images.append(found.images)
            parts.append(found.parts)
            keypoints.append(found.keypoints)
            drawn += block
        view = np.array([(shot.azimuth, shot.elevation) for shot in drawn], np.float32)
        light = np.array(
            [(shot.ambient, shot.diffuse, shot.light_azimuth, shot.light_elevation) for shot in drawn], np.float32
        )
        return Content(
            images.array(),
            labels={
                "car": np.array([shot.car.kind for shot in drawn], dtype=np.int64),
                "split": np.full(len(drawn), SPLITS.index(self.part), dtype=np.int64),
            },
            classes={"car": CLASSES, "split": SPLITS, "parts": PARTS, "keypoints": KEYPOINTS},
            truth={"parts": parts.array(), "keypoints": keypoints.array(), "view": view, "light": light},
        )

    def shots(self) -> Iterator[Shot]:
        """The shots, in the order of the images; a smaller subset is the first of a larger one."""
        return (self._shot(index) for index in range(self.count))

    def _shot(self, index: int) -> Shot:
        rng = generator(SEED, "synthetic", self.name, index)
        car = draw_car(rng, self.kind(index, rng))
        second = generator(SEED, "synthetic", self.name, index, "second light")
        return Shot(
            car,
            azimuth=rng.uniform(-60.0, 60.0),
            elevation=rng.uniform(2.0, 28.0),
            light_azimuth=rng.uniform(-70.0, 70.0),
            light_elevation=rng.uniform(5.0, 75.0),
            ambient=rng.uniform(0.2, 0.35),
            diffuse=rng.uniform(0.5, 0.7),
            ground=rng.uniform(0.82, 1.0),
            second=second.uniform(0.1, 0.3),
            second_azimuth=second.uniform(-80.0, 80.0),
            second_elevation=second.uniform(0.0, 60.0),
        )

    @property
    @abstractmethod
    def part(self) -> str:
        """The part of the official split that it stands for."""

    @abstractmethod
    def kind(self, index: int, rng: np.random.Generator) -> int:
        """The class of car `index`."""


class ShapeNetCarsStandIn(CarsStandIn):
    """Cars of five classes, as many of each."""

    name = "shapenet_cars"
    part = "test"

    def kind(self, index: int, rng: np.random.Generator) -> int:
        """The classes in turn."""
        return index % len(CLASSES)


class ShapeNetCarsTrainStandIn(CarsStandIn):
    """Training images: mostly everyday cars, some of each class."""

    name = "shapenet_cars_train"
    part = "train"

    def kind(self, index: int, rng: np.random.Generator) -> int:
        """A class drawn for 40 % of the cars, -1 (everyday) for the rest."""
        return int(rng.integers(len(CLASSES))) if rng.random() < 0.4 else -1
