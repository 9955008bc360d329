"""The rasteriser's inner loops, compiled by numba: z-buffer and exact gradient of depth.

Both kernels work on whole meshes, one after the other, and release the GIL: `numba_backend` hands each thread its own
meshes, so that every sum has a fixed order and equal inputs give equal bits for any number of threads.

Arithmetic is in double precision on float32 vertices. Edge tests of two triangles that share an edge then agree, so a
closed surface has no pin-holes; `EDGE_TOLERANCE` covers what rounding is left. In inverse depth a triangle is a plane
(1/z = a + b*column + c*row), which turns the perspective-correct depth 1 / sum(w_k / z_k) into two multiplications
per pixel, and its gradient into three moments per triangle.
"""

from collections.abc import Callable
from typing import Any, no_type_check

import numba
import numpy as np

# In squared pixels of the render; an edge test within it of zero counts as inside (tests are inclusive).
EDGE_TOLERANCE = 1e-9
# Triangles of a smaller area (squared pixels) are edge-on: no plane can be put through them.
MINIMUM_AREA = 1e-9


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`numba.njit` without the GIL, kept on disk where numba finds a folder that it may write to.

    numba refuses to decorate at all when neither `__pycache__` nor the user's cache folder is writable; the kernel is
    then compiled anew in each process (a second or two).
    """
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        return numba.njit(nogil=True, error_model="numpy")(function)


@compiled
@no_type_check  # numba needs the bare function: no run-time check of its arguments around it
def rasterize(
    points: np.ndarray,
    faces: np.ndarray,
    near: float,
    far: float,
    inverse_depth: np.ndarray,
    face_map: np.ndarray,
) -> None:
    """Fill a z-buffer with the nearest triangle at each pixel centre; both sides of a triangle are visible.

    points (b, v, 3) float32: x, y in [-1, 1] (y up) and z depth; faces (1 or b, f, 3) int32.
    Out: inverse_depth (b, s, s) float32, 0 where empty; face_map (b, s, s) int32, -1 where empty. Row 0 is y = +1.
    """
    meshes, vertices = points.shape[0], points.shape[1]
    count = faces.shape[1]
    size = face_map.shape[1]
    highest, lowest = np.float32(1.0 / near), np.float32(1.0 / far)
    x, y, w = np.empty(vertices), np.empty(vertices), np.empty(vertices)
    for mesh in range(meshes):
        buffer, winner = inverse_depth[mesh], face_map[mesh]
        buffer[:] = np.float32(0.0)
        winner[:] = -1
        for i in range(vertices):
            x[i] = 0.5 * (points[mesh, i, 0] * size + (size - 1.0))
            y[i] = 0.5 * ((size - 1.0) - points[mesh, i, 1] * size)
            w[i] = 1.0 / points[mesh, i, 2]
        triangles = faces[mesh if faces.shape[0] > 1 else 0]
        for face in range(count):
            i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            x0, x1, x2 = x[i0], x[i1], x[i2]
            y0, y1, y2 = y[i0], y[i1], y[i2]
            left = np.ceil(max(min(x0, x1, x2), 0.0))
            right = np.floor(min(max(x0, x1, x2), size - 1.0))
            top = np.ceil(max(min(y0, y1, y2), 0.0))
            bottom = np.floor(min(max(y0, y1, y2), size - 1.0))
            if not (left <= right and top <= bottom):
                continue
            area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            w0, w1, w2 = w[i0], w[i1], w[i2]
            if not (abs(area) > MINIMUM_AREA and abs(w0 + w1 + w2) < np.inf):
                continue
            # Rows run downwards, so a triangle that NMR draws as given has a negative area here. The others it draws
            # as a reversed copy behind all the given ones, which matters where two triangles tie.
            rank = face if area < 0.0 else face + count
            sign = -1.0 if area < 0.0 else 1.0
            # Edge functions: the weight of the opposite vertex, times the triangle's area.
            u0, v0 = -(y2 - y1) * sign, (x2 - x1) * sign
            u1, v1 = -(y0 - y2) * sign, (x0 - x2) * sign
            u2, v2 = -(y1 - y0) * sign, (x1 - x0) * sign
            scale = sign / area
            slope_x = (u0 * w0 + u1 * w1 + u2 * w2) * scale
            slope_y = (v0 * w0 + v1 * w1 + v2 * w2) * scale
            for row in range(int(top), int(bottom) + 1):
                r0, r1, r2 = v0 * (row - y1) - u0 * x1, v1 * (row - y2) - u1 * x2, v2 * (row - y0) - u2 * x0
                row_depth = w0 + slope_y * (row - y0)
                for column in range(int(left), int(right) + 1):
                    if (
                        r0 + u0 * column >= -EDGE_TOLERANCE
                        and r1 + u1 * column >= -EDGE_TOLERANCE
                        and r2 + u2 * column >= -EDGE_TOLERANCE
                    ):
                        value = np.float32(row_depth + slope_x * (column - x0))
                        best = buffer[row, column]
                        if value >= best and lowest < value < highest and (value > best or rank < winner[row, column]):
                            buffer[row, column] = value
                            winner[row, column] = rank
        for row in range(size):
            for column in range(size):
                if winner[row, column] >= count:
                    winner[row, column] -= count


@compiled
@no_type_check
def depth_gradient(
    points: np.ndarray,
    faces: np.ndarray,
    inverse_depth: np.ndarray,
    face_map: np.ndarray,
    grad_depth: np.ndarray,
    grad_points: np.ndarray,
) -> None:
    """Gradient of the depth images w.r.t. the vertices, `grad_points` (b, v, 3), overwritten.

    `grad_depth` (b, s/p, s/p) is the gradient of the p x p block means of the depth. With A, B the slopes of 1/z over
    columns and rows, w_k the weights of the triangle's corners:
    dz/d(x_k, y_k, z_k) = z^2 w_k (A, B, 1/z_k^2).
    The weights are affine in the pixel's position, so that a triangle needs only the sums of g z^2 (1, column, row)
    over its pixels.
    """
    meshes, vertices = points.shape[0], points.shape[1]
    count = faces.shape[1]
    size = face_map.shape[1]
    pool = size // grad_depth.shape[1]
    share = 1.0 / (pool * pool)
    x, y, w = np.empty(vertices), np.empty(vertices), np.empty(vertices)
    moments = np.empty((count, 3))
    total = np.empty((vertices, 3))
    for mesh in range(meshes):
        moments[:] = 0.0
        for row in range(size):
            for column in range(size):
                face = face_map[mesh, row, column]
                gradient = np.float64(grad_depth[mesh, row // pool, column // pool])
                if face >= 0 and gradient != 0.0:
                    value = np.float64(inverse_depth[mesh, row, column])
                    amount = gradient * share / (value * value)
                    moments[face, 0] += amount
                    moments[face, 1] += amount * column
                    moments[face, 2] += amount * row
        for i in range(vertices):
            x[i] = 0.5 * (points[mesh, i, 0] * size + (size - 1.0))
            y[i] = 0.5 * ((size - 1.0) - points[mesh, i, 1] * size)
            w[i] = 1.0 / points[mesh, i, 2]
        total[:] = 0.0
        triangles = faces[mesh if faces.shape[0] > 1 else 0]
        for face in range(count):
            m, mx, my = moments[face, 0], moments[face, 1], moments[face, 2]
            if m == 0.0 and mx == 0.0 and my == 0.0:
                continue
            i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            x0, x1, x2 = x[i0], x[i1], x[i2]
            y0, y1, y2 = y[i0], y[i1], y[i2]
            w0, w1, w2 = w[i0], w[i1], w[i2]
            scale = 1.0 / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
            u0, v0 = -(y2 - y1) * scale, (x2 - x1) * scale
            u1, v1 = -(y0 - y2) * scale, (x0 - x2) * scale
            u2, v2 = -(y1 - y0) * scale, (x1 - x0) * scale
            slope_x = (u0 * w0 + u1 * w1 + u2 * w2) * (0.5 * size)
            slope_y = (v0 * w0 + v1 * w1 + v2 * w2) * (-0.5 * size)
            g0 = u0 * (mx - x1 * m) + v0 * (my - y1 * m)
            g1 = u1 * (mx - x2 * m) + v1 * (my - y2 * m)
            g2 = u2 * (mx - x0 * m) + v2 * (my - y0 * m)
            total[i0, 0] += g0 * slope_x
            total[i0, 1] += g0 * slope_y
            total[i0, 2] += g0 * w0 * w0
            total[i1, 0] += g1 * slope_x
            total[i1, 1] += g1 * slope_y
            total[i1, 2] += g1 * w1 * w1
            total[i2, 0] += g2 * slope_x
            total[i2, 1] += g2 * slope_y
            total[i2, 2] += g2 * w2 * w2
        for i in range(vertices):
            for axis in range(3):
                grad_points[mesh, i, axis] = total[i, axis]


@compiled
@no_type_check
def barycentric(points: np.ndarray, faces: np.ndarray, face_map: np.ndarray, weights: np.ndarray) -> None:
    """Screen-space weights (b, s, s, 3) of each pixel's triangle, clamped to [0, 1] and renormalised; 0 if empty."""
    size = face_map.shape[1]
    for mesh in range(points.shape[0]):
        triangles = faces[mesh if faces.shape[0] > 1 else 0]
        for row in range(size):
            py = ((size - 1.0) - 2.0 * row) / size
            for column in range(size):
                face = face_map[mesh, row, column]
                if face < 0:
                    weights[mesh, row, column] = np.float32(0.0)
                    continue
                px = (2.0 * column + 1.0 - size) / size
                corner = triangles[face]
                x0, y0 = np.float64(points[mesh, corner[0], 0]), np.float64(points[mesh, corner[0], 1])
                x1, y1 = np.float64(points[mesh, corner[1], 0]), np.float64(points[mesh, corner[1], 1])
                x2, y2 = np.float64(points[mesh, corner[2], 0]), np.float64(points[mesh, corner[2], 1])
                scale = 1.0 / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
                a = min(max(((x2 - x1) * (py - y1) - (y2 - y1) * (px - x1)) * scale, 0.0), 1.0)
                b = min(max(((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) * scale, 0.0), 1.0)
                c = min(max(((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * scale, 0.0), 1.0)
                norm = 1.0 / (a + b + c)
                weights[mesh, row, column, 0] = a * norm
                weights[mesh, row, column, 1] = b * norm
                weights[mesh, row, column, 2] = c * norm
