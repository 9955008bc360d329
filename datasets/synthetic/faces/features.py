"""Curves of the face that its relief and its paint share, so that lips bulge where they are red.

All are functions of a point's place (x, y) on the front of the head, in head units; `p` is a parameter record.
"""

from typing import Any, no_type_check

import numpy as np

from methods.numba_threads import compiled


@compiled
@no_type_check
def smooth(low: float, high: float, value: float) -> float:
    """0 at `low`, 1 at `high` (which may be the smaller), smooth and monotone between, constant beyond."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@compiled
@no_type_check
def bell(value: float, width: float) -> float:
    """Gaussian of height 1."""
    t = value / width
    return np.exp(-0.5 * t * t) if -4.0 < t < 4.0 else 0.0


@compiled
@no_type_check
def spot(x: float, width: float, y: float, height: float) -> float:
    """Gaussian of two variables, of height 1."""
    t = (x / width) * (x / width) + (y / height) * (y / height)
    return np.exp(-0.5 * t) if t < 16.0 else 0.0


@compiled
@no_type_check
def noise(x: float, y: float, seed: float) -> float:
    """Value noise in [0, 1] with cells of side 1."""
    column, row = np.floor(x), np.floor(y)
    fx, fy = x - column, y - row
    fx, fy = fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy)
    upper = _cell(column, row, seed) * (1.0 - fx) + _cell(column + 1.0, row, seed) * fx
    lower = _cell(column, row + 1.0, seed) * (1.0 - fx) + _cell(column + 1.0, row + 1.0, seed) * fx
    return upper * (1.0 - fy) + lower * fy


@compiled
@no_type_check
def _cell(column: float, row: float, seed: float) -> float:
    """A hash of a whole place to [0, 1]."""
    h = np.uint32(np.int64(column) * 374761393 + np.int64(row) * 668265263 + np.int64(seed) * 1442695041)
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(1274126177))
    return (h ^ (h >> np.uint32(16))) / 4294967295.0


@compiled
@no_type_check
def mouth_half_width(p: Any) -> float:
    """Half the width of the mouth with the expression in it."""
    return p.mouth_width * (1.0 + p.mouth_wide)


@compiled
@no_type_check
def lips(p: Any, x: float) -> tuple[float, float, float, float]:
    """Heights of the upper lip's outer and inner edge and of the lower lip's inner and outer edge."""
    s = min(abs(x) / mouth_half_width(p), 1.0)
    room = 1.0 - s * s
    centre = p.mouth_y + p.corners * (s * s - 0.4)
    top = centre + (0.15 * p.mouth_open + p.upper_raise) * room
    bottom = centre - 0.85 * p.mouth_open * room
    bow = 1.0 - 0.3 * bell(s, 0.11) + 0.15 * bell(s - 0.28, 0.16)
    stretched = 1.0 - 0.45 * min(p.mouth_open + p.upper_raise, 0.5)
    upper = top + p.upper_lip * stretched * bow * room**0.8
    lower = bottom - p.lower_lip * stretched * room**0.6
    return upper, top, bottom, lower


@compiled
@no_type_check
def lids(p: Any, e: float) -> tuple[float, float]:
    """Heights of the upper and the lower lid above the eye's axis; `e` runs from -1 (inner corner) to 1."""
    room = max(1.0 - e * e, 0.0)
    opening = p.eye_open * p.lids
    upper = opening * room**0.75 * (1.0 + 0.12 * e) * 1.12
    lower = -opening * 0.8 * room * (1.0 - 4.0 * p.cheek_raise)
    return upper, min(lower, upper)


@compiled
@no_type_check
def brow(p: Any, x: float) -> tuple[float, float]:
    """Place along the brow, -1 (inner end) to 1, and the height of its middle line."""
    b = (x - (p.eye_x + 0.04 - 0.06 * p.brow_knit)) / p.brow_length
    inner = 0.5 - 0.5 * min(max(b, -1.0), 1.0)
    height = p.eye_y + p.brow_y + p.brow_raise + p.brow_inner * inner * inner - 0.05 * p.brow_knit * inner
    return b, height + p.brow_arch * (1.0 - (b - 0.25) * (b - 0.25)) + p.brow_tilt * b
