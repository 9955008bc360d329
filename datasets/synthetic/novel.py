"""Scenes and what they look like under new views and lights: one image to start from, and the truth for each move.

Moves are relative to the image that they start from, in the signs of `methods.base.Method.rerender`. A smaller subset
is a part of the larger.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from datasets.base import Content, OpenRows, Progress
from datasets.streams import generator
from datasets.synthetic.cars.models import Car, draw_car
from datasets.synthetic.cars.render import MATCHED_WORLD as CARS_MATCHED_WORLD
from datasets.synthetic.cars.render import WORLD as CARS_UNMATCHED_WORLD
from datasets.synthetic.cars.render import Shot, largest_scale, matched, rendered
from datasets.synthetic.drawn import SEED, Drawn, Subset
from datasets.synthetic.faces.acting import TYPICAL, draw_expression
from datasets.synthetic.faces.beyond import MATCHED_WORLD, UNMATCHED_WORLD, beyond, near
from datasets.synthetic.faces.chance import clipped, uniform
from datasets.synthetic.faces.parameters import Face, View
from datasets.synthetic.faces.parts import BACKGROUND, CLOTH, NECK, NECKLACE
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import draw_surroundings, light_from, view_of
from datasets.synthetic.sources import StandIn, sorted_columns


class Move(NamedTuple):
    """By how many degrees the object turns to the image's right and looks down, and its light moves to the right."""

    yaw: float = 0.0
    pitch: float = 0.0
    light: float = 0.0


# Degrees of new views and lights.
TURNS = tuple(float(angle) for angle in range(-60, 61, 15) if angle)
PITCHES = (-20.0, -10.0, 10.0, 20.0)
# The image to start from, then one image of each move.
MOVES = (
    Move(),
    *(Move(yaw=angle) for angle in TURNS),
    *(Move(pitch=angle) for angle in PITCHES),
    *(Move(light=angle) for angle in TURNS),
)
# People, or cars, of every subset.
COUNTS: dict[Subset, int] = {"smoke": 8, "mini": 60, "full": 300}
# Parts of a person that are no part of the head.
NOT_HEAD = (BACKGROUND, NECKLACE, NECK, CLOTH)
# The share of a pixel's samples from which it is a part of the silhouette.
SHOWN = 0.5


@dataclass(frozen=True)
class Start:
    """A person's image to start from, in PDR's own world, and the angles (degrees) that moves add to."""

    face: Face
    yaw: float
    pitch: float
    roll: float
    shift: tuple[float, float]
    nearer: float
    azimuth: float
    elevation: float

    def view(self, move: Move) -> View:
        """The default camera's view of the moved head. The crop follows the face, as it does in every dataset."""
        return view_of(self.yaw + move.yaw, self.pitch + move.pitch, self.roll, self.shift, self.nearer)

    def direction(self, move: Move) -> tuple[float, float, float]:
        """Of the moved light, as `faces.parameters.Light` has it."""
        return light_from(0.0, 0.0, self.azimuth + move.light, self.elevation).direction


class FacesNovel(StandIn):
    """People that no other dataset has, each seen nearly from the front and moved from there, in PDR's own world.

    In the image to start from, the head is turned by up to 8 degrees, pitched by up to 6 and tilted by up to 5, mostly
    much less; the light comes from up to 20 degrees aside and from 0 to 30 above. The moves turn the head by -60 to 60
    degrees in steps of 15, pitch it by up to 20, or move the light's azimuth by -60 to 60: light, background and
    expression stay as the head turns, the head as the light moves. Clothes turn with the head.

    Label: `identity`. Truth besides `light` and `view`: `moved` float32 (n, 3), the `Move` from the person's image to
    start from, whose own is 0; `silhouette` bool (n, size, size), where the head with its hair and what it wears is
    seen, without neck and clothes.
    """

    name = "faces_novel"
    world = MATCHED_WORLD

    def amounts(self, subset: Subset) -> tuple[int, int]:
        """People of a subset, and images of each."""
        return COUNTS[subset], len(MOVES)

    def faces(self) -> Iterator[Face]:
        """Each person at every move."""
        for number in range(self.count):
            start = self.start(number)
            face = self.in_world(start.face, number)
            for move in MOVES:
                light = replace(face.light, direction=start.direction(move))
                yield replace(face, view=self.seen(start.view(move)), light=light)

    def start(self, number: int) -> Start:
        """Person `number`, the same in every subset and in both worlds."""
        rng = generator(SEED, "synthetic", "faces_novel", number)
        person, pose, surroundings = draw_identity(rng), draw_expression(rng, TYPICAL), draw_surroundings(rng)
        yaw, pitch, roll = (clipped(rng, 0.0, one, -2 * one, 2 * one) for one in (4.0, 3.0, 2.5))
        shift = (clipped(rng, 0.0, 0.03, -0.06, 0.06), clipped(rng, 0.0, 0.03, -0.06, 0.06))
        nearer = uniform(rng, -0.02, 0.02)
        azimuth, elevation = clipped(rng, 0.0, 10.0, -20.0, 20.0), uniform(rng, 0.0, 30.0)
        light = light_from(uniform(rng, 0.25, 0.45), uniform(rng, 0.45, 0.7), azimuth, elevation)
        view = view_of(yaw, pitch, roll, shift, nearer)
        return Start(Face(person, pose, view, light, surroundings), yaw, pitch, roll, shift, nearer, azimuth, elevation)

    def in_world(self, face: Face, number: int) -> Face:
        """A face of PDR's world in this dataset's."""
        return face

    def seen(self, view: View) -> View:
        """The default camera's view for this dataset's camera."""
        return view

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Images, light, view and the head's silhouette."""
        head = (drawn.coverage >= SHOWN) & ~np.isin(drawn.part, NOT_HEAD)
        return {**super().columns(faces, drawn), "truth-silhouette": head}

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the label `identity` and the moves."""
        people, who, moved = _people("person", self.count)
        columns |= {"label-identity": who, "truth-moved": moved}
        return Content(images, classes={"identity": people}, **sorted_columns(columns))


class FacesNovelUnmatched(FacesNovel):
    """The same people and moves in the world that PDR does not model (`faces.beyond`); the second light stays."""

    name = "faces_novel_unmatched"
    world = UNMATCHED_WORLD

    def in_world(self, face: Face, number: int) -> Face:
        """With a camera that stands near, uneven hair, shining skin, shadows and a second light."""
        return beyond(face, self.name, number)

    def seen(self, view: View) -> View:
        """For the camera that stands near."""
        return near(view)


class CarsNovel(Drawn):
    """Cars that no other dataset has, each seen nearly from its front and moved from there, in PDR's own world.

    In the image to start from, the camera is up to 10 degrees aside and 18 to 24 above, and the first light comes from
    up to 20 degrees aside and 10 to 50 above; the moves are those of `FacesNovel`. A car's distance is the same in all
    its images: the one from which the largest of them fits, so that it is smaller at the start than a training image
    from the front, which is cut to its car.

    Label: `identity`. Truth in the terms of `cars.sources.CarsStandIn`: `view` (n, 2) and `light` (n, 4); besides
    `moved` and `silhouette` as of `FacesNovel`, of the car.
    """

    name = "cars_novel"
    world = CARS_MATCHED_WORLD

    def __init__(self, subset: Subset) -> None:
        super().__init__(subset)
        self.count = COUNTS[subset]

    def __len__(self) -> int:
        """Number of images."""
        return self.count * len(MOVES)

    def fingerprint(self) -> dict[str, Any]:
        """What decides the images: subset, seed, and the source that draws them."""
        return {"subset": self.subset, "items": self.count, "seed": SEED, **self.drawing()}

    def read_into(self, open_rows: OpenRows, size: int, progress: Progress) -> Content:
        """Draw everything, car by car, into the rows given."""
        images = open_rows("images", (size, size, 3), np.uint8)
        silhouettes = open_rows("truth-silhouette", (size, size), np.bool_)
        drawn: list[Shot] = []
        for number in progress.track(range(self.count), total=self.count, what=f"drawing {self.label}"):
            shots = self.shots(number)
            found = rendered(shots, size)
            images.append(found.images)
            silhouettes.append(found.covered >= SHOWN)
            drawn += shots
        cars, which, moved = _people("car", self.count)
        lights = [(shot.ambient, shot.diffuse, shot.light_azimuth, shot.light_elevation) for shot in drawn]
        return Content(
            images.array(),
            labels={"identity": which},
            classes={"identity": cars},
            truth={
                "view": np.array([(shot.azimuth, shot.elevation) for shot in drawn], np.float32),
                "light": np.array(lights, np.float32),
                "moved": moved,
                "silhouette": silhouettes.array(),
            },
        )

    def shots(self, number: int) -> list[Shot]:
        """Car `number` at every move, the same in every subset."""
        start = self.in_world(self.start(number))
        moved = [
            replace(
                start,
                azimuth=start.azimuth - move.yaw,
                elevation=start.elevation + move.pitch,
                light_azimuth=start.light_azimuth + move.light,
            )
            for move in MOVES
        ]
        scale = min(map(largest_scale, moved))
        return [replace(shot, scale=scale) for shot in moved]

    def start(self, number: int) -> Shot:
        """Car `number` where its moves start, the same in both worlds, with what PDR does not model."""
        rng = generator(SEED, "synthetic", "cars_novel", number)
        car: Car = draw_car(rng, -1)
        return Shot(
            car,
            azimuth=clipped(rng, 0.0, 5.0, -10.0, 10.0),
            elevation=uniform(rng, 18.0, 24.0),
            light_azimuth=clipped(rng, 0.0, 10.0, -20.0, 20.0),
            light_elevation=uniform(rng, 10.0, 50.0),
            ambient=uniform(rng, 0.2, 0.35),
            diffuse=uniform(rng, 0.5, 0.7),
            ground=uniform(rng, 0.82, 1.0),
            second=uniform(rng, 0.1, 0.3),
            second_azimuth=uniform(rng, -80.0, 80.0),
            second_elevation=uniform(rng, 0.0, 60.0),
        )

    def in_world(self, shot: Shot) -> Shot:
        """A shot in this dataset's world."""
        return matched(shot)


class CarsNovelUnmatched(CarsNovel):
    """The same cars and moves in the world that PDR does not model (`cars.render`); the second light stays."""

    name = "cars_novel_unmatched"
    world = CARS_UNMATCHED_WORLD

    def in_world(self, shot: Shot) -> Shot:
        """As it is."""
        return shot


def _people(kind: str, count: int) -> tuple[tuple[str, ...], Int64[np.ndarray, " n"], Float32[np.ndarray, "n 3"]]:
    """Names of all, and of each image whom it shows and by how much it is moved."""
    digits = 1 + int(math.log10(max(count, 1)))
    names = tuple(f"{kind}_{number + 1:0{digits}d}" for number in range(count))
    return names, np.repeat(np.arange(count), len(MOVES)), np.tile(np.array(MOVES, np.float32), (count, 1))
