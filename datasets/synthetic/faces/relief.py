"""The head's shape: a rounded skull, and the relief of the face on its front."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.features import bell, brow, lids, lips, mouth_half_width, smooth, spot
from methods.numba_threads import compiled

# Height of the widest cross-section, distances from it to the crown and to the chin, and of face and back of the head
# from the axis.
MIDDLE, CROWN, CHIN, FRONT, BACK = 0.15, 1.41, 1.37, 1.15, 1.25
# Cross-sections are superellipses: flatter in front than an ellipse.
BOXINESS = 0.85


@compiled
@no_type_check
def chin_drop(p: Any) -> float:
    """How much lower than usual the chin is."""
    return p.chin_length + 0.6 * p.mouth_open


@compiled
@no_type_check
def skull_height(p: Any, polar: float) -> float:
    """y of the cross-section at the polar angle: 0 at the crown, pi below the chin."""
    c = np.cos(polar)
    return MIDDLE + c * (CROWN * p.head_height if c > 0.0 else CHIN + chin_drop(p))


@compiled
@no_type_check
def skull_section(p: Any, y: float) -> tuple[float, float, float]:
    """Half width, front and back reach of the cross-section at height y."""
    if y > MIDDLE:
        c = min((y - MIDDLE) / (CROWN * p.head_height), 1.0)
        s = np.sqrt(1.0 - c * c)
        return p.head_width * s**0.8, FRONT * s**0.7, BACK * s**0.7
    c = min((MIDDLE - y) / (CHIN + chin_drop(p)), 1.0)
    s = np.sqrt(1.0 - c * c)
    taper = 1.0 - p.jaw_taper * smooth(0.2, -1.2, y)
    return p.head_width * taper * s**p.jaw_round, FRONT * s**0.35, BACK * s**0.9


@compiled
@no_type_check
def around(section: tuple[float, float, float], angle: float) -> tuple[float, float]:
    """(x, z) of a cross-section at an angle from straight ahead, positive to the image's right."""
    s, c = np.sin(angle), np.cos(angle)
    x = section[0] * np.sign(s) * abs(s) ** BOXINESS
    z = (section[1] if c > 0.0 else section[2]) * np.sign(c) * abs(c) ** BOXINESS
    return x, z


@compiled
@no_type_check
def relief(p: Any, x: float, y: float) -> float:
    """How far the face stands out of the skull at (x, y)."""
    ax = abs(x)
    return _nose(p, x, y) + _eye(p, ax, y) + _mouth(p, ax, y) + _flesh(p, ax, y)


@compiled
@no_type_check
def _nose(p: Any, x: float, y: float) -> float:
    top, tip = p.eye_y + 0.14, p.nose_tip_y + 0.04 * p.nose_wrinkle
    t = (top - y) / (top - tip)
    along = min(max(t, 0.0), 1.0)
    height = p.nose_bridge + (p.nose_height - p.nose_bridge) * along**1.3 + p.nose_hump * np.sin(np.pi * along)
    height *= smooth(-0.3, 0.2, t) * smooth(tip - 0.17, tip + 0.01, y)
    width = 0.085 + (p.nose_round - 0.085) * along
    ridge = height * np.exp(-0.5 * (x / width) ** 2)
    wings = 0.0
    for side in (-1.0, 1.0):
        wings += spot(x - side * p.nose_width * 0.74, 0.4 * p.nose_width, y - tip + 0.035, 0.07)
    return ridge + 0.13 * wings


@compiled
@no_type_check
def _eye(p: Any, ax: float, y: float) -> float:
    e = (ax - p.eye_x) / p.eye_width
    axis = p.eye_y + p.eye_tilt * (ax - p.eye_x)
    total = -p.eye_depth * spot(ax - p.eye_x + 0.04, 0.24, y - p.eye_y - 0.03, 0.15)
    total += 0.1 * spot(e, 0.62, y - axis, 0.11)
    upper, lower = lids(p, e)
    # The lids stand a little before the ball of the eye.
    total += 0.02 * bell(e, 0.6) * (bell(y - axis - upper - 0.03, 0.03) + 0.7 * bell(y - axis - lower + 0.03, 0.03))
    b, height = brow(p, ax)
    total += (0.02 + p.brow_ridge) * spot(b, 0.75, y - height, 0.09)
    furrow = 0.5 * p.brow_knit * spot(ax - 0.07, 0.03, y - p.eye_y - p.brow_y, 0.12)
    return total - 0.08 * furrow - 0.02 * p.bags * spot(e, 0.6, y - p.eye_y + 0.17, 0.025)


@compiled
@no_type_check
def _mouth(p: Any, ax: float, y: float) -> float:
    half = mouth_half_width(p)
    s = ax / half
    total = 0.07 * spot(ax, 0.36, y - p.mouth_y, 0.26)
    total -= 0.03 * spot(ax, 0.05, y - 0.5 * (p.mouth_y + p.nose_tip_y) + 0.03, 0.08)
    total -= 0.05 * spot(ax, 0.22, y - p.mouth_y + p.lower_lip + p.mouth_open + 0.09, 0.06)
    # Corners, drawn in; deeper in a smile.
    total -= (0.03 + 0.25 * max(p.corners, 0.0)) * spot(ax - half - 0.02, 0.06, y - p.mouth_y - p.corners, 0.08)
    if s < 1.0:
        upper, top, bottom, lower = lips(p, ax)
        room = np.sqrt(1.0 - s * s)
        total += p.lip_forward * room * bell(y - 0.55 * top - 0.45 * upper, 0.035 + 0.35 * (upper - top))
        total += 1.1 * p.lip_forward * room * bell(y - 0.5 * (bottom + lower), 0.035 + 0.35 * (bottom - lower))
        gap = top - bottom
        total -= 0.05 * room * bell(y - 0.5 * (top + bottom), 0.025 + 0.4 * gap)
        total -= (
            min(0.35 * gap, 0.1) * room * smooth(top + 0.03, top - 0.04, y) * smooth(bottom - 0.03, bottom + 0.04, y)
        )
    return total


@compiled
@no_type_check
def _flesh(p: Any, ax: float, y: float) -> float:
    total = p.cheekbone * spot(ax - 0.62, 0.2, y - p.eye_y + 0.3, 0.17)
    total += p.cheek_full * spot(ax - 0.5, 0.24, y - p.mouth_y - 0.08, 0.24)
    total += 0.9 * p.cheek_raise * spot(ax - 0.45, 0.16, y - p.nose_tip_y + 0.02, 0.14)
    chin = p.mouth_y - 0.4 - 0.75 * chin_drop(p)
    total += p.chin_forward * spot(ax, p.chin_width, y - chin, 0.14)
    # The fold from the nose's wing to the corner of the mouth.
    fold = 0.008 + 0.02 * p.age + 0.12 * p.cheek_raise + 0.03 * p.nose_wrinkle
    top, bottom = p.nose_tip_y + 0.02, p.mouth_y - 0.05
    along = (top - y) / (top - bottom)
    line = p.nose_width + 0.04 + (mouth_half_width(p) + 0.1 - p.nose_width - 0.04) * min(max(along, 0.0), 1.2)
    total -= fold * bell(ax - line, 0.045) * smooth(-0.15, 0.2, along) * smooth(1.25, 0.8, along)
    # Temples, and the forehead's lines.
    total -= 0.04 * spot(ax - 0.9, 0.16, y - 0.55, 0.2)
    lines = 0.012 * p.age + 0.06 * max(p.brow_raise, 0.0)
    if 0.5 < y < 1.1:
        total += lines * 0.25 * np.sin(42.0 * y) * bell(ax, 0.4) * smooth(0.5, 0.65, y) * smooth(1.1, 0.9, y)
    return total
