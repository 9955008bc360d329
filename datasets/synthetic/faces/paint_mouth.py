"""Albedo and part labels of lips, teeth and the mouth's inside."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces import mesh, parts
from datasets.synthetic.faces.features import lips, mouth_half_width, noise, smooth
from methods.numba_threads import compiled

# Softness of the lips' outer edge.
EDGE = 0.014


@compiled
@no_type_check
def mouth(parameters: np.ndarray, kind: np.ndarray, place: np.ndarray, albedo: np.ndarray, part: np.ndarray) -> None:
    """Paint the mouth over the skin of the face's front."""
    side = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        half = mouth_half_width(p)
        for row in range(side):
            for column in range(side):
                if kind[i, row, column] != mesh.SKIN or place[i, row, column, 2] < 0.2:
                    continue
                x, y = place[i, row, column, 0], place[i, row, column, 1]
                if abs(x) < half and abs(y - p.mouth_y) < 0.6:
                    label = _mouth(p, x, y, half, albedo[i, row, column])
                    if label >= 0:
                        part[i, row, column] = label


@compiled
@no_type_check
def _mouth(p: Any, x: float, y: float, half: float, out: np.ndarray) -> int:
    upper, top, bottom, lower = lips(p, x)
    if y > upper + EDGE or y < lower - EDGE:
        return -1
    ends = smooth(1.0, 0.9, abs(x) / half)
    if bottom < y < top:
        _inside(p, x, y, top, bottom, out)
        return parts.MOUTH
    over = y >= 0.5 * (top + bottom)
    cover = ends * (smooth(upper + EDGE, upper - EDGE, y) if over else smooth(lower - EDGE, lower + EDGE, y))
    tone = (0.86 if over else 1.0) * (0.94 + 0.12 * noise(40.0 * x + 50.0, 6.0 * y + 50.0, p.texture))
    cover *= 0.85 + 0.15 * p.lipstick
    # The line where the lips meet.
    seam = smooth(0.024, 0.004, min(abs(y - top), abs(y - bottom)))
    for k in range(3):
        out[k] += (p.lip[k] * tone - out[k]) * cover
        out[k] *= 1.0 - (0.5 + 0.1 * k) * seam
    if cover < 0.4:
        return -1
    return parts.UPPER_LIP if over else parts.LOWER_LIP


@compiled
@no_type_check
def _inside(p: Any, x: float, y: float, top: float, bottom: float, out: np.ndarray) -> None:
    """Dark, with the upper teeth below the upper lip and the tongue on the floor."""
    deep = smooth(0.0, 0.16, top - y)
    tongue = smooth(bottom + 0.14, bottom + 0.02, y) * smooth(0.2, 0.35, top - bottom)
    out[0] = 0.2 - 0.1 * deep + 0.4 * tongue
    out[1] = 0.06 - 0.02 * deep + 0.13 * tongue
    out[2] = 0.06 - 0.02 * deep + 0.14 * tongue
    length = 0.5 * p.mouth_wide + 0.09 + 0.6 * p.upper_raise
    teeth = smooth(length + 0.012, length - 0.012, top - y)
    gaps = 1.0 - 0.12 * smooth(0.85, 1.0, np.cos(2.0 * np.pi * x / 0.085))
    fade = 1.0 - 0.5 * smooth(0.5, 1.0, abs(x) / mouth_half_width(p))
    bright = gaps * fade * (0.75 + 0.25 * smooth(0.0, 0.05, top - y))
    for k in range(3):
        out[k] += ((0.93 - 0.03 * k) * bright - out[k]) * teeth
