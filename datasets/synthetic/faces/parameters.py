"""Everything that decides one image: a person, what the face does, from where it is seen, under which light.

Lengths are in head units (about half a face's width, `Camera.unit` in camera space); the head's x points to the image's
right in a frontal view, y up and z out of the face. Colours are RGB albedos in [0, 1].

What a parameter is by default is PDR's own world; `faces.beyond` sets those that leave it.

`packed` turns faces into one numpy record each, which is what the compiled kernels read.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

import numpy as np

from datasets.synthetic.drawn import source_digest

Colour = tuple[float, float, float]

# Soft shapes that clutter the background.
BLOBS = 6

EMOTIONS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


@dataclass(frozen=True)
class Identity:
    """One person, without what changes from image to image. Zero switches an optional thing off."""

    masculine: float  # 0 or 1
    age: float  # 0 young to 1 old
    texture: float  # whole number: which noise the skin and the hair show
    # Skull and jaw
    head_width: float
    head_height: float
    jaw_taper: float  # share of its width that the head loses towards the chin
    jaw_round: float  # exponent of the lower outline: small is square
    chin_length: float
    chin_forward: float
    chin_width: float
    cheekbone: float
    cheek_full: float
    brow_ridge: float
    ear_size: float
    ear_out: float  # radians
    # Eyes and brows
    eye_x: float
    eye_y: float
    eye_width: float  # half
    eye_open: float  # half
    eye_tilt: float
    eye_depth: float
    iris_radius: float
    iris: Colour
    brow_y: float  # above the eye
    brow_length: float  # half
    brow_thick: float  # half
    brow_arch: float
    brow_tilt: float
    brow_dark: float  # opacity
    brow: Colour
    # Nose
    nose_tip_y: float
    nose_height: float
    nose_bridge: float
    nose_hump: float
    nose_round: float
    nose_width: float  # half
    # Mouth
    mouth_y: float
    mouth_width: float  # half
    upper_lip: float
    lower_lip: float
    lip_forward: float
    lip: Colour
    lipstick: float
    eyeshadow: float
    # Skin
    skin: Colour
    blush: float
    freckles: float
    bags: float
    # Hair
    hair: Colour
    hair_amount: float  # 0: bald
    hair_line: float  # height of the front hairline
    hair_temple: float  # radians
    hair_volume: float
    hair_length: float  # height at which it ends
    hair_curl: float
    hair_part: float  # -1 to 1
    sideburns: float
    moustache: float  # opacity
    goatee: float
    cheek_beard: float
    beard: Colour
    # Things worn
    glasses: float
    glasses_size: float
    glasses_square: float  # exponent of the rim's outline
    glasses_rim: float
    glasses_tint: float
    rim: Colour
    hat: float
    hat_line: float
    hat_brim: float  # 0 none, up to 1 all round
    hat_visor: float
    hat_colour: Colour
    earrings: float  # radius
    necklace: float
    jewel: Colour
    # Beyond PDR's world
    hair_sweep: float = 0.0  # radians by which the fringe is combed to the image's right
    hair_uneven: float = 0.0  # how much fuller and longer the hair is on the image's right
    shine: float = 0.0  # of the skin, as a share of the light
    gloss: float = 1.0  # exponent of its highlight


@dataclass(frozen=True)
class Expression:
    """What the face does; all zero (and `lids` one) at rest."""

    emotion: float  # index into EMOTIONS
    brow_raise: float = 0.0
    brow_inner: float = 0.0  # inner ends up
    brow_knit: float = 0.0
    lids: float = 1.0  # opening of the eyes, as a factor
    cheek_raise: float = 0.0
    mouth_open: float = 0.0
    mouth_wide: float = 0.0
    corners: float = 0.0  # up
    upper_raise: float = 0.0  # upper lip up, teeth bared
    nose_wrinkle: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0


@dataclass(frozen=True)
class View:
    """Unsup3D's view: rotations in radians about the point (0, 0, 1), applied as Rz Ry Rx, then a translation."""

    rx: float = 0.0
    ry: float = 0.0
    rz: float = 0.0
    tx: float = 0.0
    ty: float = 0.0
    tz: float = 0.0


@dataclass(frozen=True)
class Light:
    """Shading is ambient + diffuse * max(0, normal . direction), in the project's convention for normals: those of a
    surface that faces the camera are (0, 0, 1), and `direction` is the unit vector in which the light travels.

    A second light adds second * max(0, normal . second_direction); `shadow` is the share of the first that what stands
    in its way keeps off.
    """

    ambient: float = 0.5
    diffuse: float = 0.5
    direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    second: float = 0.0
    second_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    shadow: float = 0.0


@dataclass(frozen=True)
class Camera:
    """How the head, which stands at distance 1, comes onto the image; what is not given is Unsup3D's.

    Attributes
    ----------
    half_field: tangent of half the field of view.
    unit: one head unit in camera space.
    empty_depth: depth of samples that show no surface.
    """

    half_field: float = math.tan(math.radians(5.0))
    unit: float = 0.0565
    empty_depth: float = 1.2


@dataclass(frozen=True)
class Surroundings:
    """What is behind the head, and the clothes below it.

    blobs: (x, y, half width, half height, softness, opacity, r, g, b) each; places in [-1, 1] over the image.
    """

    top: Colour
    bottom: Colour
    slant: float
    blobs: tuple[tuple[float, ...], ...]
    cloth: Colour
    collar: Colour


@dataclass(frozen=True)
class Face:
    """One image."""

    identity: Identity
    expression: Expression
    view: View
    light: Light
    surroundings: Surroundings
    camera: Camera = Camera()


_GROUPS: dict[str, type] = {
    "identity": Identity,
    "expression": Expression,
    "view": View,
    "light": Light,
    "surroundings": Surroundings,
    "camera": Camera,
}
_SHAPES: dict[object, tuple[int, ...]] = {float: (), Colour: (3,), tuple[tuple[float, ...], ...]: (BLOBS, 9)}
_values = attrgetter(*(f"{group}.{field.name}" for group, kind in _GROUPS.items() for field in fields(kind)))

# Compiled kernels are cached on disk by their argument types and by their own file's time, which misses a change in a
# function that they call from another file. The last field's name makes the record a new type after any change.
RECORD = np.dtype(
    [
        *((f.name, np.float64, _SHAPES[f.type]) for kind in _GROUPS.values() for f in fields(kind)),
        (f"source_{source_digest(Path(__file__).parent)[:16]}", np.float64),
    ]
)


def packed(faces: Sequence[Face]) -> np.ndarray:
    """One record per face (n,), of type `RECORD`."""
    return np.array([(*_values(face), 0.0) for face in faces], dtype=RECORD)


def view_vectors(faces: Sequence[Face]) -> np.ndarray:
    """Views as float32 (n, 6): rx, ry, rz in radians, tx, ty, tz in camera units."""
    rows = [(face.view.rx, face.view.ry, face.view.rz, face.view.tx, face.view.ty, face.view.tz) for face in faces]
    return np.array(rows, dtype=np.float32).reshape(-1, 6)


def light_vectors(faces: Sequence[Face]) -> np.ndarray:
    """Lights as float32 (n, 5): ambient, diffuse, unit direction x, y, z."""
    rows = [(face.light.ambient, face.light.diffuse, *face.light.direction) for face in faces]
    return np.array(rows, dtype=np.float32).reshape(-1, 5)
