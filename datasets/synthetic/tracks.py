"""Scripts of the stand-ins for the television series: who is seen in which scene, and how each face moves.

A series has a fixed cast and a number of scenes. A scene has its light, its room and what each person wears there; a
track is one person in one scene, turning, talking and changing expression smoothly.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from datasets.streams import generator
from datasets.synthetic.drawn import SEED
from datasets.synthetic.faces.acting import blend, draw_expression
from datasets.synthetic.faces.beyond import NEAR, light_beyond, near, person_beyond
from datasets.synthetic.faces.chance import clipped, one_of, uniform
from datasets.synthetic.faces.parameters import Face, Identity, Light, Surroundings
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.scenes import TEST_LIGHT, draw_light, draw_surroundings, view_of

# Frames that a whole track has.
FRAMES = 10
# What actors do: more of everything than in photographs, seldom a smile held.
ACTED = (0.1, 0.06, 0.06, 0.2, 0.1, 0.1, 0.38)


@dataclass(frozen=True)
class Person:
    """A class of the series: its name, how many tracks it has, and whether a man plays it."""

    name: str
    tracks: int
    masculine: bool


@dataclass(frozen=True)
class Series:
    """A cast of people and a number of scenes; everything else follows from the name."""

    name: str
    cast: tuple[Person, ...]
    scenes: int

    @property
    def tracks(self) -> int:
        """Number of tracks."""
        return sum(person.tracks for person in self.cast)

    @cached_property
    def labels(self) -> np.ndarray:
        """Index into the cast of each track (T,), shuffled: a scene's tracks are consecutive, its people mixed."""
        labels = np.repeat(np.arange(len(self.cast)), [person.tracks for person in self.cast])
        return generator(SEED, "synthetic", self.name, "order").permutation(labels)

    @cached_property
    def people(self) -> tuple[Identity, ...]:
        """The cast; drawn like anybody else, so two may look alike."""
        names = [(self.name, "person", person.name) for person in self.cast]
        return tuple(
            person_beyond(draw_identity(generator(SEED, "synthetic", *name), person.masculine), *name)
            for name, person in zip(names, self.cast, strict=True)
        )

    def scene(self, track: int) -> int:
        """The scene of a track."""
        return track * self.scenes // self.tracks

    def frames(self, track: int, wanted: tuple[int, ...] = tuple(range(FRAMES))) -> list[Face]:
        """The wanted frames of a track, each what it is in the whole track."""
        label, scene = int(self.labels[track]), self.scene(track)
        light, room = self._set(scene, label)
        rng = generator(SEED, "synthetic", self.name, "track", track)
        light = _nearly(rng, light)
        yaw, pitch, roll = (clipped(rng, 0.0, spread, -2 * spread, 2 * spread) for spread in (24.0, 7.0, 4.0))
        phases = [uniform(rng, 0.0, 2 * math.pi) for _ in range(5)]
        rates = [2 * math.pi * uniform(rng, 0.4, 1.3) for _ in range(5)]
        reaches = (clipped(rng, 0.0, 9.0, 0.0, 18.0), 3.5, 2.5, 0.025, 0.025)
        shift = (clipped(rng, 0.0, 0.04, -0.1, 0.1), clipped(rng, 0.0, 0.04, -0.1, 0.1))
        nearer = uniform(rng, -0.03, 0.03)
        start, end = draw_expression(rng, ACTED), draw_expression(rng, ACTED)
        talking = one_of(rng, (0.0, 0.05, 0.1))
        faces = []
        for frame in wanted:
            t = frame / (FRAMES - 1)
            turn, nod, tilt, across, down = (
                reach * math.sin(phase + rate * t) for reach, phase, rate in zip(reaches, phases, rates, strict=True)
            )
            turned = min(max(yaw + turn, -60.0), 60.0)
            view = near(view_of(turned, pitch + nod, roll + tilt, (shift[0] + across, shift[1] + down), nearer))
            pose = blend(start, end, t * t * (3 - 2 * t))
            open_by = talking * (0.5 + 0.5 * math.sin(phases[0] + 9.0 * t))
            pose = replace(pose, mouth_open=pose.mouth_open + open_by)
            faces.append(Face(self.people[label], pose, view, light, room, NEAR))
        return faces

    def _set(self, scene: int, label: int) -> tuple[Light, Surroundings]:
        """Light and room of a scene, with the person's clothes in it."""
        rng = generator(SEED, "synthetic", self.name, "scene", scene)
        light, room = light_beyond(draw_light(rng, TEST_LIGHT), self.name, "scene", scene), draw_surroundings(rng)
        clothes = draw_surroundings(generator(SEED, "synthetic", self.name, "scene", scene, "clothes", label))
        return light, replace(room, cloth=clothes.cloth, collar=clothes.collar)


def _nearly(rng: np.random.Generator, light: Light) -> Light:
    """The scene's light as it falls where the person stands."""
    x, y, z = (value + clipped(rng, 0.0, 0.08, -0.2, 0.2) for value in light.direction)
    length = math.sqrt(x * x + y * y + z * z)
    return replace(light, direction=(x / length, y / length, z / length))


# Track counts per person as published for bbt_s01e01 and buffy_s05e02, with the 644 tracks of the paper's table.
BBT = Series(
    "bbt",
    (
        Person("howard", 42, True),
        Person("leonard", 253, True),
        Person("penny", 111, False),
        Person("raj", 26, True),
        Person("sheldon", 212, True),
    ),
    scenes=24,
)
BUFFY = Series(
    "buffy",
    (
        Person("xander", 70, True),
        Person("buffy", 193, False),
        Person("dawn", 155, False),
        Person("anya", 33, False),
        Person("willow", 53, False),
        Person("giles", 64, True),
    ),
    scenes=24,
)
