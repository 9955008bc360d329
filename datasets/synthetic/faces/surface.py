"""From head space to the camera and back: what the rasteriser draws, and what of the head each sample shows."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.mesh import EAR, EARRING, SKIN
from methods.numba_threads import compiled

# The head turns about (0, 0, 1), as Unsup3D's objects.
CENTRE = 1.0
# The closed surfaces, which never show their inner side.
_CLOSED = (SKIN, EAR, EARRING)


@compiled
@no_type_check
def rotation(p: Any) -> np.ndarray:
    """Rz Ry Rx (3, 3) of a parameter record."""
    sx, sy, sz = np.sin(p.rx), np.sin(p.ry), np.sin(p.rz)
    cx, cy, cz = np.cos(p.rx), np.cos(p.ry), np.cos(p.rz)
    r = np.empty((3, 3))
    r[0, 0], r[0, 1], r[0, 2] = cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx
    r[1, 0], r[1, 1], r[1, 2] = sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx
    r[2, 0], r[2, 1], r[2, 2] = -sy, cy * sx, cy * cx
    return r


@compiled
@no_type_check
def focal_length(size: int, p: Any) -> float:
    """Focal length in half images; neighbouring pixels are as far apart as with Unsup3D's camera matrix."""
    return (size - 1.0) / size / p.half_field


@compiled
@no_type_check
def to_screen(size: int, parameters: np.ndarray, points: np.ndarray, normals: np.ndarray, screen: np.ndarray) -> None:
    """Project `points` (n, v, 3) of head space to `screen`, as the rasteriser takes it, and turn `normals` in place.

    `size` is the final image's side. Normals leave in the project's convention, (0, 0, 1) where a surface faces the
    camera.
    """
    for i in range(len(parameters)):
        p = parameters[i]
        focal = focal_length(size, p)
        turn = rotation(p)
        for v in range(points.shape[1]):
            x, y, z = p.unit * points[i, v, 0], -p.unit * points[i, v, 1], -p.unit * points[i, v, 2]
            depth = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z + CENTRE + p.tz
            screen[i, v, 0] = focal * (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + p.tx) / depth
            screen[i, v, 1] = -focal * (turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + p.ty) / depth
            screen[i, v, 2] = depth
            x, y, z = -normals[i, v, 0], normals[i, v, 1], normals[i, v, 2]
            for k in range(3):
                normals[i, v, k] = turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z


@compiled
@no_type_check
def samples(
    size: int,
    triangles: np.ndarray,
    kinds: np.ndarray,
    parameters: np.ndarray,
    screen: np.ndarray,
    vertex_normals: np.ndarray,
    face: np.ndarray,
    weights: np.ndarray,
    depth: np.ndarray,
    kind: np.ndarray,
    place: np.ndarray,
    normal: np.ndarray,
) -> None:
    """What each sample shows, from the rasteriser's `face`, `weights` and `depth` (n, s, s).

    Out: `kind` of surface (-1 none), `place` (n, s, s, 3) in head space (without a surface: where the ray ends) and
    unit `normal`; `depth` is set to the camera's `empty_depth` where there is nothing.
    """
    fine = face.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        focal = focal_length(size, p)
        turn = rotation(p)
        for row in range(fine):
            for column in range(fine):
                f = face[i, row, column]
                nx, ny, nz = 0.0, 0.0, 0.0
                kind[i, row, column] = -1
                if f < 0:
                    depth[i, row, column] = p.empty_depth
                else:
                    kind[i, row, column] = kinds[f]
                    for k in range(3):
                        v = triangles[f, k]
                        share = weights[i, row, column, k] / screen[i, v, 2]
                        nx += share * vertex_normals[i, v, 0]
                        ny += share * vertex_normals[i, v, 1]
                        nz += share * vertex_normals[i, v, 2]
                    if nz < 0.0:  # past the silhouette, or the inner side of an open sheet
                        closed = kinds[f] == _CLOSED[0] or kinds[f] == _CLOSED[1] or kinds[f] == _CLOSED[2]
                        if closed:
                            nz = 0.0
                        else:
                            nx, ny, nz = -nx, -ny, -nz
                    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
                    nx, ny, nz = nx / length, ny / length, nz / length
                normal[i, row, column, 0] = nx
                normal[i, row, column, 1] = ny
                normal[i, row, column, 2] = nz
                far = depth[i, row, column]
                x = (2.0 * column + 1.0 - fine) / fine / focal * far - p.tx
                y = (2.0 * row + 1.0 - fine) / fine / focal * far - p.ty
                z = far - CENTRE - p.tz
                place[i, row, column, 0] = (turn[0, 0] * x + turn[1, 0] * y + turn[2, 0] * z) / p.unit
                place[i, row, column, 1] = -(turn[0, 1] * x + turn[1, 1] * y + turn[2, 1] * z) / p.unit
                place[i, row, column, 2] = -(turn[0, 2] * x + turn[1, 2] * y + turn[2, 2] * z) / p.unit
