"""Stand-ins of batches in which one factor of the scene varies: what DC-IGN is trained on, and tested on others.

There is no real counterpart: no camera holds all but one thing still. `faces_factors` and `cars_factors` are for
training, the same names with `_test` show other people and cars.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from datasets.base import Content, OpenRows, Progress
from datasets.controlled import ANGLES, FACTORS, INTRINSIC
from datasets.streams import generator
from datasets.synthetic.cars.models import Car, draw_car
from datasets.synthetic.cars.render import Shot
from datasets.synthetic.cars.sources import ShapeNetCarsTrainStandIn
from datasets.synthetic.drawn import SEED, Subset
from datasets.synthetic.faces.acting import TYPICAL, draw_expression
from datasets.synthetic.faces.beyond import NEAR, light_beyond, near, person_beyond
from datasets.synthetic.faces.chance import clipped, uniform
from datasets.synthetic.faces.parameters import Expression, Face, Identity, Light, Surroundings
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import TEST_LIGHT, draw_surroundings, light_from, view_of
from datasets.synthetic.sources import StandIn

# Images of a batch, as published.
BATCH = 20
# Batches of each factor, in their order; the paper's are those of `full`. More than half of mini's for training are
# intrinsic, since a training draws ten of them for one of any other.
TRAINING: dict[Subset, tuple[int, ...]] = {
    "smoke": (2, 2, 2, 4),
    "mini": (40, 40, 40, 180),
    "full": (3000, 3000, 3000, 3000),
}
TEST: dict[Subset, tuple[int, ...]] = {"smoke": (2, 2, 2, 2), "mini": (12, 12, 12, 12), "full": (350, 350, 350, 350)}
# Within these, in degrees, angles are drawn: yaw, pitch and light azimuth of faces, and of cars.
FACE_ANGLES = ((-60.0, 60.0), (-20.0, 20.0), (-80.0, 80.0))
CAR_ANGLES = ((-60.0, 60.0), (2.0, 28.0), (-70.0, 70.0))

Angles = tuple[float, float, float]


def batches_of(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Factor, and number among its own, of every batch."""
    return [(factor, number) for factor, count in enumerate(counts) for number in range(count)]


def angles_of(name: str, factor: int, number: int, ranges: Sequence[tuple[float, float]]) -> list[Angles]:
    """The angles of each image of a batch: the same but for the factor's own."""
    rng = generator(SEED, "synthetic", name, FACTORS[factor], number, "angles")
    found = np.tile([uniform(rng, low, high) for low, high in ranges], (BATCH, 1))
    if factor != INTRINSIC:
        found[:, factor] = rng.uniform(*ranges[factor], BATCH)
    return [(float(yaw), float(pitch), float(light)) for yaw, pitch, light in found]


def labels_of(counts: Sequence[int]) -> dict[str, np.ndarray]:
    """`batch`, `factor` and `identity` of every image; of whom (or what) a batch shows the number is its first image's,
    and every image of an intrinsic batch shows another."""
    factor = np.repeat([factor for factor, _ in batches_of(counts)], BATCH)
    image = np.arange(len(factor))
    batch = image // BATCH
    return {"batch": batch, "factor": factor, "identity": np.where(factor == INTRINSIC, image, batch * BATCH)}


@dataclass(frozen=True)
class Rest:
    """What a face's image shows besides its three angles."""

    person: Identity
    expression: Expression
    surroundings: Surroundings
    roll: float
    shift: tuple[float, float]
    nearer: float

    @classmethod
    def draw(cls, *names: str | int) -> "Rest":
        """Somebody seen nowhere else, in the framing of `scenes.draw_view`, from the stream that `names` name."""
        rng = generator(SEED, "synthetic", *names)
        person = person_beyond(draw_identity(rng), *names)
        roll = clipped(rng, 0.0, 6.0, -20.0, 20.0)
        shift = (clipped(rng, 0.0, 0.04, -0.12, 0.12), clipped(rng, 0.0, 0.04, -0.12, 0.12))
        nearer = uniform(rng, -0.03, 0.03)
        return cls(person, draw_expression(rng, TYPICAL), draw_surroundings(rng), roll, shift, nearer)

    def seen(self, yaw: float, pitch: float, light: Light) -> Face:
        """The face turned, under a light."""
        view = near(view_of(yaw, pitch, self.roll, self.shift, self.nearer))
        return Face(self.person, self.expression, view, light, self.surroundings, NEAR)


class FacesFactors(StandIn):
    """Batches of faces in which only the yaw, the pitch, the light's azimuth, or all the rest varies.

    The rest is the person, what they do, the framing and the surroundings. The light's elevation and strengths, and the
    second light, are the same throughout a batch.

    Labels: `batch`, `factor` (`datasets.controlled.FACTORS`), `identity`. Truth, in degrees: `yaw` (to the image's
    right), `pitch` (down), `light_azimuth` (from the image's right); and `view` and `light`, see
    `faces.rendered.Rendered`.
    """

    name = "faces_factors"
    sizes = TRAINING

    def amounts(self, subset: Subset) -> tuple[int, int]:
        """Batches of a subset, and images of each."""
        return sum(self.sizes[subset]), BATCH

    def fingerprint(self) -> dict[str, Any]:
        """With the batches of each factor."""
        return {**super().fingerprint(), "batches": list(self.sizes[self.subset])}

    def faces(self) -> Iterator[Face]:
        """Batch after batch, of one factor after the other."""
        for factor, number in batches_of(self.sizes[self.subset]):
            names = (self.name, FACTORS[factor], number)
            rng = generator(SEED, "synthetic", *names, "light")
            strengths = uniform(rng, *TEST_LIGHT.ambient), uniform(rng, *TEST_LIGHT.diffuse)
            elevation = uniform(rng, -15.0, 45.0)
            angles = angles_of(self.name, factor, number, FACE_ANGLES)
            light = light_beyond(light_from(*strengths, angles[0][2], elevation), *names)
            rest = Rest.draw(*names, 0)
            for image, (yaw, pitch, azimuth) in enumerate(angles):
                if factor == INTRINSIC and image:
                    rest = Rest.draw(*names, image)
                direction = light_from(*strengths, azimuth, elevation).direction
                yield rest.seen(yaw, pitch, replace(light, direction=direction))

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """With the three angles."""
        angles = {
            "yaw": [-math.degrees(face.view.ry) for face in faces],
            "pitch": [math.degrees(face.view.rx) for face in faces],
            "light_azimuth": [
                math.degrees(math.atan2(-face.light.direction[0], face.light.direction[2])) for face in faces
            ],
        }
        columns = {f"truth-{name}": np.array(values, dtype=np.float32) for name, values in angles.items()}
        return {**super().columns(faces, drawn), **columns}

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the labels."""
        columns |= {f"label-{kind}": values for kind, values in labels_of(self.sizes[self.subset]).items()}
        return replace(super().content(images, columns), classes={"factor": FACTORS})


class FacesFactorsTest(FacesFactors):
    """The same of other people."""

    name = "faces_factors_test"
    sizes = TEST


class CarsFactors(ShapeNetCarsTrainStandIn):
    """Batches of cars in which only the camera's azimuth or elevation, the light's azimuth, or all the rest varies.

    The rest is the car. The light's elevation and strengths, the second light and the ground are the same throughout a
    batch. Labels and truth as of `FacesFactors`, and those of `CarsStandIn`: the `yaw` of a car that the camera goes
    around is less its azimuth, the `pitch` its elevation.
    """

    name = "cars_factors"
    sizes = TRAINING

    def amount(self, subset: Subset) -> int:
        """Images of a subset."""
        return BATCH * sum(self.sizes[subset])

    def fingerprint(self) -> dict[str, Any]:
        """With the batches of each factor."""
        return {**super().fingerprint(), "batches": list(self.sizes[self.subset])}

    def shots(self) -> Iterator[Shot]:
        """Batch after batch, of one factor after the other."""
        for factor, number in batches_of(self.sizes[self.subset]):
            rng = generator(SEED, "synthetic", self.name, FACTORS[factor], number)
            base = Shot(
                self.car(rng),
                azimuth=0.0,
                elevation=0.0,
                light_azimuth=0.0,
                light_elevation=rng.uniform(5.0, 75.0),
                ambient=rng.uniform(0.2, 0.35),
                diffuse=rng.uniform(0.5, 0.7),
                ground=rng.uniform(0.82, 1.0),
                second=rng.uniform(0.1, 0.3),
                second_azimuth=rng.uniform(-80.0, 80.0),
                second_elevation=rng.uniform(0.0, 60.0),
            )
            for image, (azimuth, elevation, light) in enumerate(angles_of(self.name, factor, number, CAR_ANGLES)):
                car = self.car(rng) if factor == INTRINSIC and image else base.car
                yield replace(base, car=car, azimuth=azimuth, elevation=elevation, light_azimuth=light)

    def car(self, rng: np.random.Generator) -> Car:
        """The next car of a stream, of the classes that cars are trained on."""
        return draw_car(rng, self.kind(0, rng))

    def read_into(self, open_rows: OpenRows, size: int, progress: Progress) -> Content:
        """With the labels and the three angles."""
        content = super().read_into(open_rows, size, progress)
        view, light = content.truth["view"], content.truth["light"]
        # The camera goes to a car's left, which is the image's right: the car turns to the image's left.
        angles = dict(zip(ANGLES.values(), (-view[:, 0], view[:, 1], light[:, 2]), strict=True))
        return replace(
            content,
            labels={**content.labels, **labels_of(self.sizes[self.subset])},
            classes={**content.classes, "factor": FACTORS},
            truth={**content.truth, **angles},
        )


class CarsFactorsTest(CarsFactors):
    """The same of other cars."""

    name = "cars_factors_test"
    part = "test"
    sizes = TEST
