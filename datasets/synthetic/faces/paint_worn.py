"""Albedo and part labels of hair and of what is worn: hat, clothes, earrings, glasses."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces import mesh, parts
from datasets.synthetic.faces.features import noise, smooth
from datasets.synthetic.faces.surface import CENTRE, rotation
from methods.numba_threads import compiled

# The lenses lie on z = LENS_Z - LENS_BEND x^2; the temples in the planes x = +-ARM_X of the head's width.
LENS_Z, LENS_BEND, ARM_X = 1.3, 0.2, 1.06


@compiled
@no_type_check
def worn(parameters: np.ndarray, kind: np.ndarray, place: np.ndarray, albedo: np.ndarray, part: np.ndarray) -> None:
    """Paint every sample of hair, hat, clothes and earrings."""
    side = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        for row in range(side):
            for column in range(side):
                what = kind[i, row, column]
                x, y, z = place[i, row, column, 0], place[i, row, column, 1], place[i, row, column, 2]
                out = albedo[i, row, column]
                if what == mesh.HAIR:
                    _hair(p, x, y, z, out)
                    part[i, row, column] = parts.HAIR
                elif what == mesh.HAT:
                    band = 0.55 + 0.45 * smooth(p.hat_line + 0.22, p.hat_line + 0.25, y)
                    weave = band * (0.9 + 0.2 * noise(30.0 * x + 90.0, 30.0 * y + 90.0, p.texture))
                    for k in range(3):
                        out[k] = min(p.hat_colour[k] * weave, 1.0)
                    part[i, row, column] = parts.HAT
                elif what == mesh.CLOTH:
                    rim = smooth(0.84, 0.8, np.sqrt(x * x + (z + 0.1) ** 2))
                    weave = 0.92 + 0.16 * noise(16.0 * x + 90.0, 16.0 * y + 90.0, p.texture)
                    for k in range(3):
                        out[k] = min((p.cloth[k] + (p.collar[k] - p.cloth[k]) * rim) * weave, 1.0)
                    part[i, row, column] = parts.CLOTH
                elif what == mesh.EARRING:
                    for k in range(3):
                        out[k] = p.jewel[k]
                    part[i, row, column] = parts.EARRING


@compiled
@no_type_check
def _hair(p: Any, x: float, y: float, z: float, out: np.ndarray) -> None:
    """Strands that run from the crown (or the parting) downwards."""
    turn = np.arctan2(x, z + 0.2)
    sway = 0.25 * p.hair_curl * np.sin(7.0 * y + 3.0 * noise(2.0 * turn + 20.0, 2.0 * y + 20.0, p.texture))
    if y > 1.15:  # near the crown strands run outwards from the parting
        turn = 1.6 * (z + 0.4 * x) + 0.3 * np.sign(x - 0.45 * p.hair_part)
    fine = noise((turn + sway) * 26.0 + 300.0, 1.5 * y + 50.0, p.texture + 2.0)
    broad = noise((turn + sway) * 8.0 + 300.0, 2.0 * y + 50.0, p.texture + 3.0)
    tone = 0.66 + 0.38 * fine + 0.3 * broad
    tone *= 1.0 - 0.35 * smooth(0.75, 0.4, x * x + (z + 0.1) * (z + 0.1)) * smooth(0.3, -0.2, y)
    for k in range(3):
        out[k] = min(p.hair[k] * tone + 0.02 * fine, 1.0)


@compiled
@no_type_check
def glasses(
    parameters: np.ndarray,
    kind: np.ndarray,
    place: np.ndarray,
    depth: np.ndarray,
    normal: np.ndarray,
    albedo: np.ndarray,
    part: np.ndarray,
) -> None:
    """Put glasses, thin plates that the samples' rays may meet, before what is behind them.

    A clear lens changes the label and tints the albedo; rims, dark lenses and temples are surfaces themselves, with
    their own depth and normal.
    """
    side = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        if p.glasses < 0.5:
            continue
        turn = rotation(p)
        # The camera's place in head space, and how depth grows along the head's axes.
        t0, t1, t2 = -p.tx, -p.ty, -CENTRE - p.tz
        ox = (turn[0, 0] * t0 + turn[1, 0] * t1 + turn[2, 0] * t2) / p.unit
        oy = -(turn[0, 1] * t0 + turn[1, 1] * t1 + turn[2, 1] * t2) / p.unit
        oz = -(turn[0, 2] * t0 + turn[1, 2] * t1 + turn[2, 2] * t2) / p.unit
        for row in range(side):
            for column in range(side):
                dx, dy = place[i, row, column, 0] - ox, place[i, row, column, 1] - oy
                dz = place[i, row, column, 2] - oz
                near, solid, tint, nx, nz = 1.0, False, 0.0, 0.0, 1.0
                t = _lens_plane(ox, oz, dx, dz)
                if 0.0 < t < 1.0:
                    x = ox + t * dx
                    rim, lens = _front(p, x, oy + t * dy)
                    if rim or (lens and p.glasses_tint > 0.6):
                        near, solid, nx = t, True, 2.0 * LENS_BEND * x
                    if lens and not rim:
                        tint = p.glasses_tint
                        if kind[i, row, column] >= 0:
                            part[i, row, column] = parts.GLASSES
                for sign in (-1.0, 1.0):
                    t = (sign * ARM_X * p.head_width - ox) / dx if abs(dx) > 1e-9 else 0.0
                    if 0.0 < t < near and _arm(p, oy + t * dy, oz + t * dz):
                        near, solid, tint, nx, nz = t, True, 0.0, sign, 0.0
                out = albedo[i, row, column]
                if solid:
                    depth[i, row, column] *= near
                    length = np.sqrt(nx * nx + nz * nz)
                    facing = (turn[2, 2] * nz - turn[2, 0] * nx) / length
                    flip = 1.0 if facing >= 0.0 else -1.0
                    for k in range(3):
                        normal[i, row, column, k] = flip * (turn[k, 2] * nz - turn[k, 0] * nx) / length
                        out[k] = p.rim[k] if tint == 0.0 else 0.5 * (1.0 - tint) + 0.15 * p.rim[k]
                    part[i, row, column] = parts.GLASSES
                    kind[i, row, column] = mesh.PLATE
                elif tint > 0.0 and kind[i, row, column] >= 0:
                    for k in range(3):
                        out[k] *= 1.0 - tint


@compiled
@no_type_check
def _lens_plane(ox: float, oz: float, dx: float, dz: float) -> float:
    """Where the ray o + t d first meets the lenses' bent plane; -1 where it does not."""
    a, b, c = LENS_BEND * dx * dx, dz + 2.0 * LENS_BEND * ox * dx, oz - LENS_Z + LENS_BEND * ox * ox
    inside = b * b - 4.0 * a * c
    return 2.0 * c / (-b + np.sqrt(inside)) if inside > 0.0 and b < 0.0 else -1.0


@compiled
@no_type_check
def _front(p: Any, x: float, y: float) -> tuple[bool, bool]:
    """Whether a point of the lenses' plane is on the rims, the bridge or the hinges, and whether inside a lens."""
    ax = abs(x)
    across = (ax - p.eye_x - 0.04) / (0.35 * p.glasses_size)
    up = (y - p.eye_y + 0.04) / (0.26 * p.glasses_size)
    if ax > ARM_X * p.head_width or abs(up) > 1.3:
        return False, False
    r = (abs(across) ** p.glasses_square + abs(up) ** p.glasses_square) ** (1.0 / p.glasses_square)
    bar = abs(y - p.eye_y - 0.06) < p.glasses_rim and r > 1.0
    return abs(r - 1.0) < p.glasses_rim / 0.28 or bar, r < 1.0


@compiled
@no_type_check
def _arm(p: Any, y: float, z: float) -> bool:
    return abs(y - p.eye_y - 0.06) < p.glasses_rim and -0.1 < z < LENS_Z - LENS_BEND
