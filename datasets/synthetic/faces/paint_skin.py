"""Albedo and part labels of skin: face, ears and neck, with beard and nostrils."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces import mesh, parts
from datasets.synthetic.faces.features import bell, lips, mouth_half_width, noise, smooth, spot
from methods.numba_threads import compiled


@compiled
@no_type_check
def skin(parameters: np.ndarray, kind: np.ndarray, place: np.ndarray, albedo: np.ndarray, part: np.ndarray) -> None:
    """Paint every sample of skin, neck and ears: `albedo` (n, s, s, 3) in [0, 1], `part` (n, s, s)."""
    side = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        for row in range(side):
            for column in range(side):
                what = kind[i, row, column]
                x, y, z = place[i, row, column, 0], place[i, row, column, 1], place[i, row, column, 2]
                if what == mesh.SKIN:
                    part[i, row, column] = _face(p, x, y, z, albedo[i, row, column])
                elif what == mesh.NECK:
                    part[i, row, column] = _neck(p, x, y, z, albedo[i, row, column])
                elif what == mesh.EAR:
                    _ear(p, x, y, z, albedo[i, row, column])
                    part[i, row, column] = parts.LEFT_EAR if x > 0.0 else parts.RIGHT_EAR


@compiled
@no_type_check
def _mix(out: np.ndarray, colour: np.ndarray, share: float) -> None:
    for k in range(3):
        out[k] += (colour[k] - out[k]) * share


@compiled
@no_type_check
def _tint(out: np.ndarray, red: float, green: float, blue: float) -> None:
    out[0] = min(out[0] * red, 1.0)
    out[1] *= green
    out[2] *= blue


@compiled
@no_type_check
def _base(p: Any, x: float, y: float, z: float, out: np.ndarray) -> None:
    """Skin with its blotches."""
    tone = 0.95 + 0.08 * noise(4.0 * abs(x) + 9.0, 4.0 * y + 20.0, p.texture)
    tone += 0.04 * (noise(22.0 * x + 90.0, 22.0 * y + 90.0, p.texture) - 0.5)
    for k in range(3):
        out[k] = p.skin[k] * tone
    if p.freckles > 0.0 and z > 0.3:
        fleck = smooth(0.66, 0.8, noise(34.0 * x + 90.0, 34.0 * y + 90.0, p.texture + 1.0))
        fleck *= p.freckles * spot(y - p.nose_tip_y - 0.12, 0.2, x, 0.5)
        _tint(out, 1.0 - 0.3 * fleck, 1.0 - 0.45 * fleck, 1.0 - 0.5 * fleck)


@compiled
@no_type_check
def _face(p: Any, x: float, y: float, z: float, out: np.ndarray) -> int:
    _base(p, x, y, z, out)
    label = parts.SKIN
    ax = abs(x)
    front = smooth(-0.1, 0.35, z)
    red = p.blush * spot(ax - 0.55, 0.2, y - p.nose_tip_y - 0.02, 0.17) + 0.06 * spot(x, 0.16, y - p.nose_tip_y, 0.1)
    _tint(out, 1.0 + 0.25 * red * front, 1.0 - 0.9 * red * front, 1.0 - 0.7 * red * front)
    if z < 0.2:
        # The shaved or bald scalp is skin; towards the neck it lies in the jaw's shadow.
        shade = 1.0 - 0.25 * smooth(-0.8, -1.2, y)
        _tint(out, shade, shade, shade)
        _beard(p, ax, y, z, x, out)
        return label
    # Tired skin below the eyes, and the corner between eye and nose.
    hollow = (0.1 + 0.22 * p.bags) * spot(ax - p.eye_x + 0.03, 0.16, y - p.eye_y + 0.16, 0.05)
    hollow += 0.12 * spot(ax - 0.2, 0.07, y - p.eye_y - 0.02, 0.1)
    tip = p.nose_tip_y + 0.04 * p.nose_wrinkle
    # The furrows beside the nose, between the brows and of old age.
    hollow += 0.15 * spot(ax - p.nose_width - 0.02, 0.03, y - tip + 0.04, 0.07)
    hollow += 0.3 * p.brow_knit * spot(ax - 0.07, 0.018, y - p.eye_y - p.brow_y + 0.02, 0.09)
    lines = 0.2 * p.age + 0.8 * max(p.brow_raise, 0.0)
    if 0.55 < y < 1.1 and lines > 0.05:
        hollow += lines * 0.45 * smooth(0.7, 1.0, np.sin(42.0 * y)) * bell(ax, 0.35) * smooth(0.5, 0.7, y)
    hollow += _fold(p, ax, y, tip)
    _tint(out, 1.0 - 0.6 * hollow, 1.0 - 0.8 * hollow, 1.0 - 0.85 * hollow)
    top = p.eye_y + 0.1
    if tip - 0.13 < y < top:
        along = (top - y) / (top - tip)
        half = 0.1 + (p.nose_width - 0.1) * smooth(0.45, 0.95, along)
        if ax < half:
            label = parts.NOSE
        hole = smooth(1.3, 0.7, np.sqrt(((ax - 0.5 * p.nose_width) / 0.065) ** 2 + ((y - tip + 0.1) / 0.034) ** 2))
        _tint(out, 1.0 - 0.65 * hole, 1.0 - 0.75 * hole, 1.0 - 0.75 * hole)
    _beard(p, ax, y, z, x, out)
    return label


@compiled
@no_type_check
def _fold(p: Any, ax: float, y: float, tip: float) -> float:
    """Shade along the line from the nose's wing to the corner of the mouth."""
    top, bottom = tip + 0.02, p.mouth_y - 0.05
    along = (top - y) / (top - bottom)
    line = p.nose_width + 0.04 + (mouth_half_width(p) + 0.06 - p.nose_width) * min(max(along, 0.0), 1.2)
    depth = 0.25 * p.age + 1.6 * p.cheek_raise + 0.4 * p.nose_wrinkle
    return depth * bell(ax - line, 0.028) * smooth(-0.1, 0.2, along) * smooth(1.2, 0.8, along)


@compiled
@no_type_check
def _beard(p: Any, ax: float, y: float, z: float, x: float, out: np.ndarray) -> None:
    """Moustache, goatee and cheek beard, thinner at their edges and never on the lips."""
    if p.moustache + p.goatee + p.cheek_beard <= 0.0 or y > 0.1:
        return
    half = mouth_half_width(p)
    upper, _, _, lower = lips(p, ax)
    beside = smooth(half - 0.02, half + 0.05, ax)
    amount = 0.0
    if z > 0.2:
        band = 0.14 - 0.06 * min(ax / (half + 0.1), 1.0)
        lip_line = upper if ax < half else p.mouth_y + 0.6 * p.corners - 0.6 * (ax - half)
        amount = p.moustache * bell(y - lip_line - 0.5 * band, 0.42 * band) * smooth(half + 0.14, half + 0.02, ax)
        below = smooth(lower - 0.03, lower - 0.11, y) if ax < half else smooth(p.mouth_y + 0.1, p.mouth_y - 0.08, y)
        amount = max(amount, p.goatee * below * smooth(half + 0.1, half - 0.02, ax))
    # Cheeks: below a line that falls from the sideburns to the corners of the mouth.
    line = p.mouth_y + 0.05 + 0.55 * smooth(half, 1.0, ax)
    edge = line + 0.08 * (noise(9.0 * ax + 30.0, 9.0 * y + 30.0, p.texture) - 0.5)
    covered = smooth(edge + 0.05, edge - 0.1, y) * max(beside, smooth(lower - 0.03, lower - 0.1, y))
    amount = max(amount, p.cheek_beard * covered)
    amount *= smooth(-0.3, 0.1, z) * (0.75 + 0.5 * noise(26.0 * x + 70.0, 14.0 * y + 70.0, p.texture))
    if amount > 0.0:
        _mix(out, p.beard, min(amount, 0.96))


@compiled
@no_type_check
def _neck(p: Any, x: float, y: float, z: float, out: np.ndarray) -> int:
    _base(p, x, y, z, out)
    shade = 0.62 + 0.33 * smooth(-1.1, -1.6, y)
    _tint(out, shade, shade * 0.96, shade * 0.94)
    hang = y + 1.42 + 0.16 * z
    if p.necklace > 0.5 and abs(hang - 0.1) < 0.03:
        _mix(out, p.jewel, 1.0)
        return parts.NECKLACE
    return parts.NECK


@compiled
@no_type_check
def _ear(p: Any, x: float, y: float, z: float, out: np.ndarray) -> None:
    _base(p, x, y, z, out)
    # The hollow of the shell.
    inner = np.sqrt(((z + 0.12) / (0.1 * p.ear_size)) ** 2 + ((y - p.eye_y + 0.1) / (0.19 * p.ear_size)) ** 2)
    hollow = 0.4 * smooth(1.0, 0.5, inner)
    _tint(out, 1.04 - 0.6 * hollow, 0.92 - 0.7 * hollow, 0.9 - 0.7 * hollow)
