"""The one mesh that every face is a deformation of: grids of vertices, one after another, with fixed triangles.

What a person does not have (hair, hat, earrings) is a grid shrunk to a point, which draws nothing.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import no_type_check

import numpy as np
from jaxtyping import Float64

from methods.numba_threads import compiled

# What a triangle belongs to; a plate is glasses, which are not of the mesh.
SKIN, HAIR, HAT, NECK, CLOTH, EAR, EARRING, PLATE = range(8)


@dataclass(frozen=True)
class Grid:
    """A block of `rows` x `columns` vertices, row by row."""

    kind: int
    rows: int
    columns: int


GRIDS = (
    Grid(SKIN, 66, 51),
    Grid(HAIR, 28, 39),
    Grid(HAT, 9, 21),
    Grid(HAT, 3, 21),  # its brim
    Grid(NECK, 5, 15),
    Grid(CLOTH, 6, 21),
    Grid(EAR, 7, 9),  # on the image's left
    Grid(EAR, 7, 9),
    Grid(EARRING, 5, 7),
    Grid(EARRING, 5, 7),
)
# First vertex of each grid, and the number of all.
*STARTS, VERTICES = accumulate((grid.rows * grid.columns for grid in GRIDS), initial=0)


def blocks(vertices: Float64[np.ndarray, "n v 3"]) -> list[Float64[np.ndarray, "n rows columns 3"]]:
    """The grids as views of all vertices."""
    shapes = [(len(vertices), grid.rows, grid.columns, 3) for grid in GRIDS]
    ends = [*STARTS[1:], VERTICES]
    return [vertices[:, a:b].reshape(shape) for a, b, shape in zip(STARTS, ends, shapes, strict=True)]


def _triangles() -> tuple[np.ndarray, np.ndarray]:
    """Triangles (f, 3) int32, and the kind of each (f,) int8."""
    triangles, kinds = [], []
    for start, grid in zip(STARTS, GRIDS, strict=True):
        index = start + np.arange(grid.rows * grid.columns).reshape(grid.rows, grid.columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        block = np.stack([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
        triangles.append(block)
        kinds.append(np.full(len(block), grid.kind))
    return np.concatenate(triangles).astype(np.int32), np.concatenate(kinds).astype(np.int8)


TRIANGLES, KINDS = _triangles()


@compiled
@no_type_check
def grid_normals(points: np.ndarray, normals: np.ndarray) -> None:
    """Outward unit normals of one grid's vertices, (n, rows, columns, 3) both; 0 where the grid is a point.

    Cross products of central differences; a grid that closes upon itself is differenced across the seam.
    """
    for i in range(len(points)):
        _normals(points[i], normals[i])


@compiled
@no_type_check
def _normals(points: np.ndarray, normals: np.ndarray) -> None:
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
            ax = points[r, right, 0] - points[r, left, 0]
            ay = points[r, right, 1] - points[r, left, 1]
            az = points[r, right, 2] - points[r, left, 2]
            bx = points[above, c, 0] - points[below, c, 0]
            by = points[above, c, 1] - points[below, c, 1]
            bz = points[above, c, 2] - points[below, c, 2]
            nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
            normals[r, c, 0], normals[r, c, 1], normals[r, c, 2] = nx / length, ny / length, nz / length
