"""The one mesh that every face is a deformation of: grids of vertices, one after another, with fixed triangles.

What a person does not have (hair, hat, earrings) is a grid shrunk to a point, which draws nothing.
"""

from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.features import noise, smooth
from datasets.synthetic.faces.relief import CROWN, MIDDLE, around, relief, skull_height, skull_section
from methods.rendering.numba_threads import compiled

# How far a hat reaches before the head's axis.
FRONT_REACH = 1.2
# Height at which the hairline turns from the forehead's edge to the sideburns.
TEMPLE = 0.4
# Shape of the hairline between: small is square, a half a parabola.
ARCH = 0.36
# What a triangle belongs to; a plate is glasses, which are not of the mesh.
SKIN, HAIR, HAT, NECK, CLOTH, EAR, EARRING, PLATE = range(8)


@dataclass(frozen=True)
class Grid:
    """A block of `rows` x `columns` vertices, row by row."""

    kind: int
    rows: int
    columns: int


GRIDS = (
    Grid(SKIN, 72, 57),
    Grid(HAIR, 32, 45),
    Grid(HAT, 10, 25),
    Grid(HAT, 3, 25),  # its brim
    Grid(NECK, 6, 17),
    Grid(CLOTH, 7, 25),
    Grid(EAR, 8, 11),  # on the image's left
    Grid(EAR, 8, 11),
    Grid(EARRING, 5, 7),
    Grid(EARRING, 5, 7),
)
# (first vertex, rows, columns) of each grid.
LAYOUT = np.array(
    [(sum(g.rows * g.columns for g in GRIDS[:i]), grid.rows, grid.columns) for i, grid in enumerate(GRIDS)]
)
VERTICES = int(LAYOUT[-1, 0] + LAYOUT[-1, 1] * LAYOUT[-1, 2])


def _triangles() -> tuple[np.ndarray, np.ndarray]:
    """Triangles (f, 3) int32, and the kind of each (f,) int8."""
    triangles, kinds = [], []
    for (start, rows, columns), grid in zip(LAYOUT, GRIDS, strict=True):
        index = start + np.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        block = np.stack([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
        triangles.append(block)
        kinds.append(np.full(len(block), grid.kind))
    return np.concatenate(triangles).astype(np.int32), np.concatenate(kinds).astype(np.int8)


TRIANGLES, KINDS = _triangles()


@compiled
@no_type_check
def build(layout: np.ndarray, parameters: np.ndarray, points: np.ndarray, normals: np.ndarray) -> None:
    """Vertices (n, v, 3) and outward unit normals in head space, for parameter records (n,)."""
    for i in range(len(parameters)):
        p = parameters[i]
        place = points[i]
        _skin(p, _block(place, layout, 0))
        _hair(p, _block(place, layout, 1))
        _hat(p, _block(place, layout, 2), _block(place, layout, 3))
        _neck(_block(place, layout, 4))
        _cloth(_block(place, layout, 5))
        for side in range(2):
            sign = 2.0 * side - 1.0
            y = p.eye_y - 0.1
            x = sign * (skull_section(p, y)[0] * 0.99 + 0.02)
            _ear(p, sign, x, y, _block(place, layout, 6 + side))
            _earring(p, x + 0.03 * sign, y - 0.3 * p.ear_size, _block(place, layout, 8 + side))
        for k in range(len(layout)):
            _grid_normals(_block(place, layout, k), _block(normals[i], layout, k))


@compiled
@no_type_check
def _block(rows: np.ndarray, layout: np.ndarray, k: int) -> np.ndarray:
    start, count, columns = layout[k, 0], layout[k, 1], layout[k, 2]
    return rows[start : start + count * columns].reshape(count, columns, 3)


@compiled
@no_type_check
def _skin(p: Any, out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    crown = rows // 7  # rows above the forehead, where nothing happens
    facings, across, ahead = np.empty(columns), np.empty(columns), np.empty(columns)
    for c in range(columns):
        u = 2.0 * c / (columns - 1) - 1.0
        angle = np.pi * (0.34 * u + 0.66 * u * u * u)  # dense in front
        facings[c] = np.cos(angle)
        across[c], ahead[c] = around((1.0, 1.0, 1.0), angle)
    for r in range(rows):
        below = max(r - crown, 0) / (rows - 1.0 - crown)
        polar = 0.02 + min(r / crown, 1.0) + (np.pi - 1.06) * below
        y = skull_height(p, polar)
        section = skull_section(p, y)
        for c in range(columns):
            x, z = section[0] * across[c], ahead[c] * (section[1] if ahead[c] > 0.0 else section[2])
            if facings[c] > 0.05 and polar > 0.6:
                z += relief(p, x, y) * smooth(0.05, 0.5, facings[c])
            # The jaw rises from the chin towards the ears.
            rise = 0.38 * smooth(0.85, -0.1, z) * smooth(-0.35, -1.25, y)
            out[r, c, 0], out[r, c, 1], out[r, c, 2] = x, y + rise, z


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
        begin = _hairline(p, y)
        for c in range(columns):
            u = 2.0 * c / (columns - 1) - 1.0
            angle = np.pi + u * (np.pi - begin)
            turn = angle if angle < np.pi else angle - 2.0 * np.pi
            x, z = around(section, angle)
            edge = smooth(0.0, 1.0, _from_hairline(p, abs(turn), y, begin))
            volume = p.hair_volume * (0.75 + 0.45 * smooth(-0.2, 1.4, y)) * (1.0 + 0.35 * p.hair_part * x)
            parted = x - 0.45 * p.hair_part
            volume *= 1.0 - 0.35 * abs(p.hair_part) * np.exp(-(parted * parted) / 0.008) * smooth(0.6, 1.2, y)
            bumps = noise(3.5 * turn + 40.0, 4.5 * y + 40.0, p.texture) - 0.5
            volume *= 1.0 + (0.25 + 0.9 * p.hair_curl) * bumps
            if p.hat > 0.5:
                volume = min(volume, 0.04 + 0.3 * smooth(p.hat_line + 0.05, p.hat_line - 0.4, y))
            grown = 1.0 + (volume + 0.04) * edge - 0.04
            out[r, c, 0] = x * grown
            out[r, c, 1] = y + (volume * edge * 0.8 if y > MIDDLE else 0.0) * smooth(0.6, 1.5, y)
            out[r, c, 2] = z * grown


@compiled
@no_type_check
def _hat(p: Any, out: np.ndarray, brim: np.ndarray) -> None:
    if p.hat < 0.5:
        out[:] = 0.0
        brim[:] = 0.0
        return
    rows, columns = out.shape[0], out.shape[1]
    wide = 1.1
    for r in range(rows):
        t = 0.5 * np.pi * (r + 0.1) / (rows - 0.9)
        low = skull_section(p, p.hat_line)
        for c in range(columns):
            x, z = around(low, np.pi * (2.0 * c / (columns - 1) - 1.0) + np.pi)
            reach = wide * np.sin(t) ** 0.6
            out[r, c, 0], out[r, c, 2] = x * reach, z * reach
            out[r, c, 1] = p.hat_line + (1.68 * p.head_height - p.hat_line) * np.cos(t)
    for r in range(brim.shape[0]):
        out_by = r / (brim.shape[0] - 1.0)
        for c in range(columns):
            x, y, z = out[rows - 1, c, 0], out[rows - 1, c, 1], out[rows - 1, c, 2]
            ahead = max(z, 0.0) / FRONT_REACH
            reach = out_by * (0.4 * p.hat_brim + 0.55 * p.hat_visor * ahead**1.5)
            brim[r, c, 0] = x * (1.0 + reach * (1.0 - 0.7 * p.hat_visor))
            brim[r, c, 1] = y - 0.25 * reach
            brim[r, c, 2] = z * (1.0 + reach)


@compiled
@no_type_check
def _neck(out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    for r in range(rows):
        y = -0.6 - 1.7 * r / (rows - 1)
        radius = 0.6 + 0.12 * smooth(-1.3, -2.2, y)
        for c in range(columns):
            angle = np.pi * (2.0 * c / (columns - 1) - 1.0)
            out[r, c, 0], out[r, c, 1] = radius * np.sin(angle), y
            out[r, c, 2] = -0.1 + radius * 0.9 * np.cos(angle)


@compiled
@no_type_check
def _cloth(out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    for r in range(rows):
        t = r / (rows - 1.0)
        for c in range(columns):
            angle = np.pi * (2.0 * c / (columns - 1) - 1.0)
            radius = 0.66 + 1.5 * t
            out[r, c, 0] = radius * np.sin(angle)
            out[r, c, 1] = -1.42 - 0.16 * np.cos(angle) - 1.1 * t**1.6
            out[r, c, 2] = -0.1 + (0.64 + 0.5 * t) * np.cos(angle)


@compiled
@no_type_check
def _ear(p: Any, sign: float, x: float, y: float, out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    cosine, sine = np.cos(p.ear_out), np.sin(p.ear_out)
    for r in range(rows):
        polar = 0.05 + (np.pi - 0.1) * r / (rows - 1)
        for c in range(columns):
            angle = 2.0 * np.pi * c / (columns - 1)
            thick = 0.06 * np.sin(polar) * np.cos(angle)
            deep = -sign * 0.17 * p.ear_size * np.sin(polar) * np.sin(angle) * (1.0 + 0.3 * np.cos(polar))
            # Hinged at its front edge, so that the back stands out from the head.
            hinge = deep - 0.15 * p.ear_size
            out[r, c, 0] = x + sign * (thick * cosine - hinge * sine)
            out[r, c, 1] = y + 0.29 * p.ear_size * np.cos(polar)
            out[r, c, 2] = -0.02 + hinge * cosine + thick * sine


@compiled
@no_type_check
def _earring(p: Any, x: float, y: float, out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    for r in range(rows):
        polar = 0.05 + (np.pi - 0.1) * r / (rows - 1)
        for c in range(columns):
            angle = 2.0 * np.pi * c / (columns - 1)
            out[r, c, 0] = x + p.earrings * np.sin(polar) * np.cos(angle)
            out[r, c, 1] = y - p.earrings + p.earrings * 1.2 * np.cos(polar)
            out[r, c, 2] = -0.12 - p.earrings * np.sin(polar) * np.sin(angle)


@compiled
@no_type_check
def _grid_normals(points: np.ndarray, normals: np.ndarray) -> None:
    """Cross product of central differences; grids that close upon themselves are differenced across the seam."""
    rows, columns = points.shape[0], points.shape[1]
    for r in range(rows):
        above, below = max(r - 1, 0), min(r + 1, rows - 1)
        seam = 0.0
        for k in range(3):
            seam += abs(points[r, 0, k] - points[r, columns - 1, k])
        for c in range(columns):
            left, right = max(c - 1, 0), min(c + 1, columns - 1)
            if seam < 1e-6 and c == 0:
                left = columns - 2
            if seam < 1e-6 and c == columns - 1:
                right = 1
            ax, ay, az = points[r, right, 0] - points[r, left, 0], 0.0, 0.0
            ay = points[r, right, 1] - points[r, left, 1]
            az = points[r, right, 2] - points[r, left, 2]
            bx = points[above, c, 0] - points[below, c, 0]
            by = points[above, c, 1] - points[below, c, 1]
            bz = points[above, c, 2] - points[below, c, 2]
            nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
            normals[r, c, 0], normals[r, c, 1], normals[r, c, 2] = nx / length, ny / length, nz / length
