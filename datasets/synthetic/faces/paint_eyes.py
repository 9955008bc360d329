"""Albedo and part labels of eyes and brows."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces import mesh, parts
from datasets.synthetic.faces.features import bell, brow, lids, noise, smooth
from methods.numba_threads import compiled


@compiled
@no_type_check
def eyes(parameters: np.ndarray, kind: np.ndarray, place: np.ndarray, albedo: np.ndarray, part: np.ndarray) -> None:
    """Paint eyes, lids, lashes and brows over the skin of the face's front."""
    side = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        for row in range(side):
            for column in range(side):
                if kind[i, row, column] != mesh.SKIN:
                    continue
                x, y, z = place[i, row, column, 0], place[i, row, column, 1], place[i, row, column, 2]
                if z < 0.2 or abs(y - p.eye_y - 0.2) > 0.55:
                    continue
                label = _brow(p, x, y, albedo[i, row, column])
                if label < 0:
                    label = _eye(p, x, y, albedo[i, row, column])
                if label >= 0:
                    part[i, row, column] = label


@compiled
@no_type_check
def _brow(p: Any, x: float, y: float, out: np.ndarray) -> int:
    b, height = brow(p, abs(x))
    if abs(b) > 1.1:
        return -1
    thick = p.brow_thick * (1.0 - 0.6 * smooth(0.0, 1.0, b)) * (0.85 + 0.15 * smooth(-1.0, -0.7, b))
    cover = smooth(thick + 0.018, thick - 0.018, abs(y - height)) * smooth(1.1, 0.85, abs(b))
    if cover <= 0.0:
        return -1
    cover *= p.brow_dark
    hairs = 0.7 + 0.5 * noise(30.0 * x + 40.0 + 12.0 * y, 12.0 * y + 40.0, p.texture)
    for k in range(3):
        out[k] += (p.brow[k] - out[k]) * min(cover * hairs, 1.0)
    if cover < 0.4:
        return -1
    return parts.LEFT_BROW if x > 0.0 else parts.RIGHT_BROW


@compiled
@no_type_check
def _eye(p: Any, x: float, y: float, out: np.ndarray) -> int:
    sign = 1.0 if x > 0.0 else -1.0
    ax = abs(x)
    e = (ax - p.eye_x) / p.eye_width
    if abs(e) > 1.5:
        return -1
    height = y - p.eye_y - p.eye_tilt * (ax - p.eye_x)
    upper, lower = lids(p, e)
    # Lid: crease, shadow of make-up.
    crease = 0.3 * bell(height - upper - 0.07, 0.016) * smooth(1.15, 0.8, abs(e))
    lid = p.eyeshadow * smooth(upper - 0.02, upper + 0.03, height) * smooth(upper + 0.2, upper + 0.1, height)
    lid *= smooth(1.3, 0.8, abs(e))
    out[0] *= (1.0 - 0.6 * crease) * (1.0 - 0.4 * lid)
    out[1] *= (1.0 - 0.75 * crease) * (1.0 - 0.55 * lid)
    out[2] *= (1.0 - 0.8 * crease) * (1.0 - 0.3 * lid)
    label = -1
    if abs(e) < 1.0 and lower < height < upper:
        label = parts.LEFT_EYE if sign > 0.0 else parts.RIGHT_EYE
        _ball(p, x - sign * p.eye_x - p.gaze_x, height - 0.01 - p.gaze_y, e, upper - height, out)
    # Lashes.
    line = 0.015 + 0.016 * p.eyeshadow + 0.004 * (1.0 - p.masculine)
    dark = smooth(line + 0.014, line - 0.006, abs(height - upper)) * smooth(1.15, 0.95, abs(e))
    dark = max(dark, (0.3 + 0.5 * p.eyeshadow) * smooth(0.022, 0.004, abs(height - lower)) * smooth(1.0, 0.8, abs(e)))
    for k in range(3):
        out[k] += (0.06 - out[k]) * 0.9 * dark
    return label


@compiled
@no_type_check
def _ball(p: Any, dx: float, dy: float, e: float, below_lid: float, out: np.ndarray) -> None:
    """White, iris and pupil, darker under the upper lid."""
    shade = 0.7 + 0.3 * smooth(0.0, 0.06, below_lid)
    pink = 0.12 * smooth(0.6, 1.0, abs(e))
    out[0], out[1], out[2] = 0.93 * shade, (0.9 - pink) * shade, (0.88 - pink) * shade
    r = np.sqrt(dx * dx + dy * dy) / p.iris_radius
    inside = smooth(1.06, 0.94, r)
    if inside <= 0.0:
        return
    ring = 1.0 - 0.55 * smooth(0.7, 1.0, r)
    pupil = smooth(0.5, 0.4, r)
    glint = smooth(0.3, 0.15, np.sqrt((dx / p.iris_radius) ** 2 + (dy / p.iris_radius - 0.45) ** 2))
    for k in range(3):
        colour = p.iris[k] * ring * (1.0 - pupil) + 0.02 * pupil
        colour += (0.95 - colour) * glint
        out[k] += (colour * shade - out[k]) * inside
