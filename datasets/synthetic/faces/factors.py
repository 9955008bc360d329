"""The factors that a face is drawn from, as one row of named numbers.

Of the many parameters these are the continuous ones that move an image most, measured by giving faces the value of
another face, at most eight of a kind so that no kind outweighs the others. Switches (bald, glasses, hat), which hide
other factors, and the background, which is no part of the face, are left out.

Light, view, people and expressions are drawn independently of each other. Within a kind not everything is: traits
depend on sex, age and complexion (`people`), and an expression is an emotion at a strength (`acting`).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from datasets.synthetic.faces.parameters import Camera, Colour, Face
from datasets.synthetic.faces.scenes import view_of


def _brightness(colour: Colour) -> float:
    return sum(colour) / 3.0


def _yaw(face: Face) -> float:
    """Degrees, to the image's right."""
    return -math.degrees(face.view.ry)


def _shift(face: Face) -> tuple[float, float]:
    """How far the crop misses the face, as of `scenes.view_of`; the camera's own translation follows the rotation."""
    view, usual = face.view, Camera()
    centred = view_of(_yaw(face), math.degrees(view.rx), math.degrees(view.rz))
    # Views of another camera are the same in head units.
    scale = usual.unit / face.camera.unit
    return (scale * view.tx - centred.tx) / usual.half_field, (scale * view.ty - centred.ty) / usual.half_field


# Names are `scene parameter.factor`; lengths in head units, angles in degrees, colours in [0, 1].
RULES: dict[str, Callable[[Face], float]] = {
    "geometry.head_width": lambda f: f.identity.head_width,
    "geometry.head_height": lambda f: f.identity.head_height,
    "geometry.jaw_taper": lambda f: f.identity.jaw_taper,
    "geometry.eye_height": lambda f: f.identity.eye_y,
    "geometry.hair_line": lambda f: f.identity.hair_line,
    "geometry.hair_length": lambda f: f.identity.hair_length,
    "geometry.hair_volume": lambda f: f.identity.hair_volume,
    "geometry.hair_part": lambda f: f.identity.hair_part,
    "albedo.skin": lambda f: _brightness(f.identity.skin),
    "albedo.hair": lambda f: _brightness(f.identity.hair),
    "albedo.hair_warmth": lambda f: f.identity.hair[0] - f.identity.hair[2],
    "albedo.beard": lambda f: (f.identity.moustache + f.identity.goatee + f.identity.cheek_beard) / 3.0,
    "albedo.clothes": lambda f: _brightness(f.surroundings.cloth),
    "light.ambient": lambda f: f.light.ambient,
    "light.diffuse": lambda f: f.light.diffuse,
    "light.direction_x": lambda f: f.light.direction[0],
    "light.direction_y": lambda f: f.light.direction[1],
    "view.yaw": _yaw,
    "view.pitch": lambda f: math.degrees(f.view.rx),
    "view.roll": lambda f: math.degrees(f.view.rz),
    "view.shift_x": lambda f: _shift(f)[0],
    "view.shift_y": lambda f: _shift(f)[1],
    "view.distance": lambda f: f.view.tz,
    "expression.mouth_open": lambda f: f.expression.mouth_open,
    "expression.mouth_wide": lambda f: f.expression.mouth_wide,
    "expression.brow_raise": lambda f: f.expression.brow_raise,
    "expression.brow_inner": lambda f: f.expression.brow_inner,
    "expression.lids": lambda f: f.expression.lids,
}
NAMES = tuple(RULES)


def factors(faces: Sequence[Face]) -> Float32[np.ndarray, "n 28"]:
    """The values of `NAMES` for each face."""
    rows = [[rule(face) for rule in RULES.values()] for face in faces]
    return np.array(rows, dtype=np.float32).reshape(-1, len(NAMES))
