"""Stand-ins in which one thing changes in steps while the rest stays: the light on a face, or its view."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from datasets.base import Content
from datasets.streams import generator
from datasets.synthetic.drawn import SEED, Subset
from datasets.synthetic.faces.beyond import NEAR, ONE_LIGHT_WORLD, light_beyond, near, person_beyond
from datasets.synthetic.faces.chance import clipped
from datasets.synthetic.faces.parameters import BLOBS, EMOTIONS, Expression, Face, Identity, Surroundings
from datasets.synthetic.faces.people import draw_identity
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.scenes import draw_surroundings, light_from, view_of
from datasets.synthetic.sources import StandIn, sorted_columns

# People, and steps of each, of every subset; steps of a subset are spread evenly over the whole sweep.
SIZES: dict[str, dict[Subset, tuple[int, int]]] = {
    "yaleb": {"smoke": (4, 16), "mini": (15, 64), "full": (38, 64)},
    "view_sweep": {"smoke": (4, 9), "mini": (20, 25), "full": (40, 25)},
}
AT_REST = Expression(emotion=float(EMOTIONS.index("neutral")))


class SweepStandIn(StandIn):
    """Every person at every step of a sweep, with the label `identity`.

    Attributes
    ----------
    sweep: the steps of the whole sweep, in angles (degrees).
    """

    sweep: ClassVar[tuple[tuple[float, float], ...]]

    def amounts(self, subset: Subset) -> tuple[int, int]:
        """People of a subset, and steps of each."""
        return SIZES[self.name][subset]

    @cached_property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """The steps of this subset."""
        return tuple(self.sweep[index * (len(self.sweep) - 1) // (self.frames - 1)] for index in range(self.frames))

    def faces(self) -> Iterator[Face]:
        """Each person at every step."""
        for number in range(self.count):
            name = (self.name, "person", number)
            person = person_beyond(draw_identity(generator(SEED, "synthetic", *name)), *name)
            for step in self.steps:
                yield self.face(person, number, step)

    @abstractmethod
    def face(self, person: Identity, number: int, step: tuple[float, float]) -> Face:
        """Person `number` at a step, the same in every subset."""

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the label `identity`."""
        columns["label-identity"] = np.repeat(np.arange(self.count), self.frames)
        people = tuple(f"person_{number + 1:02d}" for number in range(self.count))
        return Content(images, classes={"identity": people}, **sorted_columns(columns))


# Azimuth and elevation of the 64 lights of Extended Yale B: six on the axis, and 29 on either side. A positive azimuth
# is on the person's right, the image's left, as the dataset's readme says and its photographs show.
_AHEAD = tuple((0, elevation) for elevation in (0, 20, -20, -35, 45, 90))
_ASIDE = (
    *((5, 10), (5, -10), (10, 0), (10, -20), (15, 20), (20, 10), (20, -10), (20, -40), (25, 0), (35, 15), (35, 40)),
    *((35, 65), (35, -20), (50, 0), (50, -40), (60, 20), (60, -20), (70, 0), (70, 45), (70, -35), (85, 20)),
    *((85, -20), (95, 0), (110, 15), (110, 40), (110, 65), (110, -20), (120, 0), (130, 20)),
)
LIGHTS = tuple(
    (float(azimuth), float(elevation))
    for azimuth, elevation in (*_AHEAD, *((-azimuth, elevation) for azimuth, elevation in _ASIDE), *_ASIDE)
)


class YaleBStandIn(SweepStandIn):
    """Faces at rest, seen from the front in a dark room, grey, under one flash at a time: there is no second light.

    Truth: `light` (n, 2), azimuth (positive on the image's left) and elevation (positive above) of the flash in
    degrees, as the real dataset's.
    """

    name = "yaleb"
    world = ONE_LIGHT_WORLD
    sweep = LIGHTS

    def face(self, person: Identity, number: int, step: tuple[float, float]) -> Face:
        """A person at rest under one flash."""
        azimuth, elevation = step
        light = replace(light_from(0.06, 0.9, -azimuth, elevation), shadow=1.0)
        return Face(person, AT_REST, near(view_of(0.0)), light, DARK_ROOM, NEAR)

    def columns(self, faces: Sequence[Face], drawn: Rendered) -> dict[str, np.ndarray]:
        """Grey images alone; the light is `content`'s, in the real dataset's angles."""
        # ITU-R BT.601 luma, what a grey photograph of the same scene holds.
        grey = np.rint(drawn.image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
        return {"images": np.repeat(grey[..., None], 3, axis=-1)}

    def content(self, images: np.ndarray, columns: dict[str, np.ndarray]) -> Content:
        """The columns with the flash's azimuth and elevation as truth."""
        columns["truth-light"] = np.tile(np.array(self.steps, dtype=np.float32), (self.count, 1))
        return super().content(images, columns)


DARK = (0.04, 0.04, 0.045)
DARK_ROOM = Surroundings(
    top=DARK,
    bottom=DARK,
    slant=0.0,
    blobs=((0.0, 0.0, 0.1, 0.1, 0.1, 0.0, *DARK),) * BLOBS,
    cloth=(0.12, 0.12, 0.12),
    collar=(0.12, 0.12, 0.12),
)


class ViewSweepStandIn(SweepStandIn):
    """Faces at rest, turned from 60 degrees left to 60 right, always under the same light: a frontal one, and a weaker
    one from the side. There is no real counterpart.

    Truth: `view` (n, 6), rx, ry, rz in radians and the translation, and `light` (n, 5); see `faces.rendered.Rendered`.
    """

    name = "view_sweep"
    # Yaw; the pitch is drawn, small, so that views of one yaw differ.
    sweep = tuple((float(yaw), 0.0) for yaw in range(-60, 61, 5))

    def face(self, person: Identity, number: int, step: tuple[float, float]) -> Face:
        """A person at rest, turned by the step's yaw."""
        rng = generator(SEED, "synthetic", "view_sweep", number, int(step[0]))
        view = near(view_of(step[0], clipped(rng, 0.0, 4.0, -10.0, 10.0)))
        light = light_beyond(light_from(0.45, 0.5, 0.0, 15.0), self.name)
        return Face(person, AT_REST, view, light, draw_surroundings(rng), NEAR)
