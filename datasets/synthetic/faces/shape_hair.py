"""Shape of the hair: a shell around the skull, open where the face is."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.features import noise, smooth
from datasets.synthetic.faces.relief import CROWN, MIDDLE, around, skull_height, skull_section
from methods.numba_threads import compiled

# Height at which the hairline turns from the forehead's edge to the sideburns.
TEMPLE = 0.4
# Shape of the hairline between: small is square, a half a parabola.
ARCH = 0.36


@compiled
@no_type_check
def shape_hair(parameters: np.ndarray, grid: np.ndarray) -> None:
    """The shell; `grid` (n, rows, columns, 3), each row from one edge of the face around the back to the other."""
    for i in range(len(parameters)):
        _hair(parameters[i], grid[i])


@compiled
@no_type_check
def _hairline(p: Any, y: float) -> float:
    """Angle from straight ahead at which the hair begins at height y; 0 above the front hairline."""
    if y >= p.hair_line:
        return 0.0
    whisker = p.eye_y - 0.1 - 0.35 * p.sideburns
    if y > TEMPLE:
        return p.hair_temple * ((p.hair_line - y) / (p.hair_line - TEMPLE)) ** ARCH
    behind = 1.85 if p.hair_length > -1.0 else 1.42
    down = p.hair_temple + (1.36 - p.hair_temple) * (TEMPLE - y) / (TEMPLE - whisker)
    return down if y > whisker else 1.36 + (behind - 1.36) * smooth(whisker, whisker - 0.12, y)


@compiled
@no_type_check
def _from_hairline(p: Any, turn: float, y: float, begin: float) -> float:
    """How far inside the hair a place is: 0 at the hairline, 1 where the hair is full."""
    inside = (turn - begin) * 5.0 if begin > 0.0 else 0.0
    if y > TEMPLE:
        across = min(turn / p.hair_temple, 1.0)
        inside = max(inside, (y - p.hair_line + (p.hair_line - TEMPLE) * across ** (1.0 / ARCH)) / 0.16)
    return inside


@compiled
@no_type_check
def _aside(p: Any, y: float) -> float:
    """Angle by which the opening for the face is turned to the image's left at height y: a fringe combed across, and
    hair that lies before one ear and behind the other."""
    fringe = p.hair_sweep * smooth(TEMPLE, p.hair_line, y)
    return fringe + 0.22 * p.hair_uneven * smooth(0.15, -0.35, y)


@compiled
@no_type_check
def _hair(p: Any, out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    if p.hair_amount < 0.5:
        out[:] = 0.0
        return
    long = smooth(-0.85, -1.15, p.hair_length)
    top_rows, edge_rows = rows * 3 // 8, rows // 4
    highest = np.arccos((p.hair_line - MIDDLE) / (CROWN * p.head_height))
    for r in range(rows):
        if r <= top_rows:
            y = skull_height(p, 0.02 + (highest - 0.02) * r / top_rows)
        elif r <= top_rows + edge_rows:  # equal steps along the forehead's edge
            y = p.hair_line - (p.hair_line - TEMPLE) * ((r - top_rows) / edge_rows) ** (1.0 / ARCH)
        else:
            y = TEMPLE + (p.hair_length - TEMPLE) * (r - top_rows - edge_rows) / (rows - 1.0 - top_rows - edge_rows)
        width, front, back = skull_section(p, max(y, -1.15))
        if y < MIDDLE:  # long hair falls straight down instead of following the neck
            full = p.head_width * (1.0 + 0.06 * np.sin(2.2 * (MIDDLE - y)))
            width += long * (full - width)
            back += long * (0.95 - back)
            front += long * (0.6 - front)
        section = (width, front, back)
        begin, aside = _hairline(p, y), _aside(p, y)
        for c in range(columns):
            u = 2.0 * c / (columns - 1) - 1.0
            angle = np.pi + u * (np.pi - begin)
            turn = angle if angle < np.pi else angle - 2.0 * np.pi
            x, z = around(section, angle - aside)
            edge = smooth(0.0, 1.0, _from_hairline(p, abs(turn), y, begin))
            volume = p.hair_volume * (0.75 + 0.45 * smooth(-0.2, 1.4, y)) * (1.0 + 0.35 * p.hair_part * x)
            volume *= 1.0 + 0.4 * p.hair_uneven * np.sin(angle)
            parted = x - 0.45 * p.hair_part
            volume *= 1.0 - 0.35 * abs(p.hair_part) * np.exp(-(parted * parted) / 0.008) * smooth(0.6, 1.2, y)
            bumps = noise(3.5 * turn + 40.0, 4.5 * y + 40.0, p.texture) - 0.5
            volume *= 1.0 + (0.25 + 0.9 * p.hair_curl) * bumps
            if p.hat > 0.5:
                volume = min(volume, 0.04 + 0.3 * smooth(p.hat_line + 0.05, p.hat_line - 0.4, y))
            grown = 1.0 + (volume + 0.04) * edge - 0.04
            out[r, c, 0] = x * grown
            out[r, c, 1] = y + (volume * edge * 0.8 if y > MIDDLE else 0.0) * smooth(0.6, 1.5, y)
            out[r, c, 1] -= 0.25 * p.hair_uneven * np.sin(angle) * long * smooth(-0.5, -1.5, y)
            out[r, c, 2] = z * grown
