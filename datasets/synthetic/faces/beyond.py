"""The world that PDR does not model, for the faces that tasks show; its own is what `faces.parameters` has by default.

PDR sees through a camera of 10 degrees, so that depth hardly differs, and knows one light, matt surfaces, no shadow
that one part casts upon another, and objects that are nearly symmetric. Here a camera of 30 degrees stands near, a
second light shines, skin and eyes have highlights, brow, nose and hair cast shadows, and hair is combed aside.
"""

import math
from dataclasses import replace

import numpy as np

from datasets.streams import generator
from datasets.synthetic.drawn import SEED
from datasets.synthetic.faces.chance import clipped, happens, uniform
from datasets.synthetic.faces.parameters import Camera, Face, Identity, Light, View

FIELD_OF_VIEW = 30.0
# The unit is such that a face is about as large on the image as with the default camera.
NEAR = Camera(half_field=math.tan(math.radians(0.5 * FIELD_OF_VIEW)), unit=0.157, empty_depth=1.6)
# As `Source.world` says it.
MATCHED_WORLD = (
    "in PDR's own world: a 10 degree camera, matt skin under one light without cast shadows, and nearly symmetric hair"
)
UNMATCHED_WORLD = (
    "with what PDR does not model: a 30 degree camera, a second light, highlights on the skin, shadows cast by brow, "
    "nose and hair, hair combed aside"
)
ONE_LIGHT_WORLD = (
    "with what PDR does not model, but a second light: a 30 degree camera, highlights on the skin, shadows cast by "
    "brow, nose and hair, hair combed aside"
)


def near(view: View) -> View:
    """A view of the default camera for `NEAR`: the same angles, and the same translation in head units."""
    scale = NEAR.unit / Camera().unit
    return replace(view, tx=scale * view.tx, ty=scale * view.ty, tz=scale * view.tz)


def uneven(rng: np.random.Generator, person: Identity) -> Identity:
    """The person with hair that is not the same on both sides, combed back under a hat, a brow that
    stands out, and skin that shines."""
    side = 1.0 if happens(rng, 0.5) else -1.0
    return replace(
        person,
        # A brow that is low enough over the eye to shade it.
        brow_ridge=person.brow_ridge + uniform(rng, 0.07, 0.13),
        eye_depth=person.eye_depth + uniform(rng, 0.04, 0.08),
        hair_line=max(person.hair_line, 0.9) if person.hat > 0.5 else person.hair_line,
        hair_sweep=side * uniform(rng, 0.15, 0.6),
        hair_uneven=side * uniform(rng, 0.2, 0.9),
        shine=uniform(rng, 0.08, 0.4),
        gloss=uniform(rng, 6.0, 24.0),
    )


def shadowed(rng: np.random.Generator, light: Light) -> Light:
    """The light with shadows, which are the darker the less light comes from everywhere."""
    return replace(light, ambient=light.ambient * uniform(rng, 0.7, 0.95), shadow=uniform(rng, 0.75, 1.0))


def second_light(rng: np.random.Generator, light: Light) -> Light:
    """The light with a weaker one beside it, mostly from the other side, in place of a part of the ambient."""
    azimuth = clipped(rng, 0.0, 40.0, -80.0, 80.0) + (50.0 if light.direction[0] > 0.0 else -50.0)
    elevation = uniform(rng, -35.0, 50.0)
    a, e = math.radians(azimuth), math.radians(elevation)
    direction = (-math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e))
    share = uniform(rng, 0.3, 0.6)
    second = share * light.ambient + uniform(rng, 0.05, 0.2)
    return replace(light, ambient=(1.0 - share) * light.ambient, second=second, second_direction=direction)


def person_beyond(person: Identity, *names: str | int) -> Identity:
    """`uneven`, from the stream of the person that `names` name."""
    return uneven(generator(SEED, "synthetic", *names, "hair and skin"), person)


def light_beyond(light: Light, *names: str | int) -> Light:
    """With shadows and a second light, from the stream of the scene that `names` name."""
    rng = generator(SEED, "synthetic", *names, "second light")
    return second_light(rng, shadowed(rng, light))


def beyond(face: Face, *names: str | int) -> Face:
    """A face of PDR's world in the other: somebody seen once, in the scene that `names` name."""
    return Face(
        person_beyond(face.identity, *names),
        face.expression,
        near(face.view),
        light_beyond(face.light, *names),
        face.surroundings,
        NEAR,
    )
