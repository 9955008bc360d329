"""Unsup3D's depth maps in motion and their normals, fused into compiled kernels.

`torch_grid` has the same three functions in plain torch (for a GPU, and as the definition). There, each is a dozen
passes over (b, s * s, 3) numbers and takes longer on a CPU than the rasteriser itself; here each is one.

Shapes: depth (b, n) or (b, s, s), rays (n, 3) or (s, s, 3), rotation (b, 3, 3), shift (b, 3), all float32.
"""

from typing import no_type_check

import numpy as np

from methods.numba_threads import compiled
from methods.rendering.camera import DEPTH_EPSILON

# Added to a normal's length (Unsup3D).
NORMAL_EPSILON = 1e-7


@compiled
@no_type_check  # numba needs the bare function: no run-time check of its arguments around it
def move(rays: np.ndarray, depth: np.ndarray, rotation: np.ndarray, shift: np.ndarray, moved: np.ndarray) -> None:
    """Points R (depth ray) + shift of each pixel, into `moved` (b, n, 3)."""
    for mesh in range(len(depth)):
        r, t = rotation[mesh].astype(np.float64), shift[mesh].astype(np.float64)
        for i in range(len(rays)):
            a, b, c = rays[i, 0], rays[i, 1], rays[i, 2]
            z = depth[mesh, i]
            for axis in range(3):
                moved[mesh, i, axis] = z * (r[axis, 0] * a + r[axis, 1] * b + r[axis, 2] * c) + t[axis]


@compiled
@no_type_check
def move_gradient(
    rays: np.ndarray,
    depth: np.ndarray,
    rotation: np.ndarray,
    grad_moved: np.ndarray,
    grad_depth: np.ndarray,
    grad_rotation: np.ndarray,
    grad_shift: np.ndarray,
) -> None:
    """Gradients of `move` w.r.t. depth, rotation and shift."""
    for mesh in range(len(depth)):
        r = rotation[mesh].astype(np.float64)
        outer, total = np.zeros((3, 3)), np.zeros(3)
        for i in range(len(rays)):
            a, b, c = rays[i, 0], rays[i, 1], rays[i, 2]
            z = np.float64(depth[mesh, i])
            slope = 0.0
            for axis in range(3):
                g = np.float64(grad_moved[mesh, i, axis])
                slope += g * (r[axis, 0] * a + r[axis, 1] * b + r[axis, 2] * c)
                total[axis] += g
                outer[axis, 0] += g * z * a
                outer[axis, 1] += g * z * b
                outer[axis, 2] += g * z * c
            grad_depth[mesh, i] = slope
        for axis in range(3):
            grad_shift[mesh, axis] = total[axis]
            for other in range(3):
                grad_rotation[mesh, axis, other] = outer[axis, other]


@compiled
@no_type_check
def locate(
    rays: np.ndarray,
    matrix: np.ndarray,
    scale: float,
    depth: np.ndarray,
    rotation: np.ndarray,
    shift: np.ndarray,
    grid: np.ndarray,
) -> None:
    """Pixel coordinates times `scale` minus 1 of the points that `move` gives, into `grid` (b, n, 2)."""
    for mesh in range(len(depth)):
        r, t = rotation[mesh].astype(np.float64), shift[mesh].astype(np.float64)
        for i in range(len(rays)):
            a, b, c = rays[i, 0], rays[i, 1], rays[i, 2]
            z = depth[mesh, i]
            px = z * (r[0, 0] * a + r[0, 1] * b + r[0, 2] * c) + t[0]
            py = z * (r[1, 0] * a + r[1, 1] * b + r[1, 2] * c) + t[1]
            pz = z * (r[2, 0] * a + r[2, 1] * b + r[2, 2] * c) + t[2]
            inverse = 1.0 / (pz + DEPTH_EPSILON)
            px, py = px * inverse, py * inverse
            grid[mesh, i, 0] = (matrix[0, 0] * px + matrix[0, 1] * py + matrix[0, 2]) * scale - 1.0
            grid[mesh, i, 1] = (matrix[1, 0] * px + matrix[1, 1] * py + matrix[1, 2]) * scale - 1.0


@compiled
@no_type_check
def locate_gradient(
    rays: np.ndarray,
    matrix: np.ndarray,
    scale: float,
    depth: np.ndarray,
    rotation: np.ndarray,
    shift: np.ndarray,
    grad_grid: np.ndarray,
    grad_depth: np.ndarray,
    grad_rotation: np.ndarray,
    grad_shift: np.ndarray,
) -> None:
    """Gradients of `locate` w.r.t. depth, rotation and shift."""
    outer, total = np.empty((3, 3)), np.empty(3)
    for mesh in range(len(depth)):
        r, t = rotation[mesh].astype(np.float64), shift[mesh].astype(np.float64)
        outer[:] = 0.0
        total[:] = 0.0
        for i in range(len(rays)):
            a, b, c = rays[i, 0], rays[i, 1], rays[i, 2]
            z = np.float64(depth[mesh, i])
            dx = r[0, 0] * a + r[0, 1] * b + r[0, 2] * c
            dy = r[1, 0] * a + r[1, 1] * b + r[1, 2] * c
            dz = r[2, 0] * a + r[2, 1] * b + r[2, 2] * c
            inverse = 1.0 / (z * dz + t[2] + DEPTH_EPSILON)
            gu, gv = grad_grid[mesh, i, 0] * scale, grad_grid[mesh, i, 1] * scale
            gx = (matrix[0, 0] * gu + matrix[1, 0] * gv) * inverse
            gy = (matrix[0, 1] * gu + matrix[1, 1] * gv) * inverse
            gz = -(gx * (z * dx + t[0]) + gy * (z * dy + t[1])) * inverse
            grad_depth[mesh, i] = gx * dx + gy * dy + gz * dz
            total[0] += gx
            total[1] += gy
            total[2] += gz
            for axis, ray in enumerate((z * a, z * b, z * c)):
                outer[0, axis] += gx * ray
                outer[1, axis] += gy * ray
                outer[2, axis] += gz * ray
        for axis in range(3):
            grad_shift[mesh, axis] = total[axis]
            for other in range(3):
                grad_rotation[mesh, axis, other] = outer[axis, other]


@compiled
@no_type_check
def _tangents(
    rays: np.ndarray, depth: np.ndarray, row: int, column: int
) -> tuple[float, float, float, float, float, float]:
    """Central differences across (over columns) and down (over rows) of the points that one map shows."""
    right, left = np.float64(depth[row, column + 1]), np.float64(depth[row, column - 1])
    below, above = np.float64(depth[row + 1, column]), np.float64(depth[row - 1, column])
    return (
        right * rays[row, column + 1, 0] - left * rays[row, column - 1, 0],
        right * rays[row, column + 1, 1] - left * rays[row, column - 1, 1],
        right * rays[row, column + 1, 2] - left * rays[row, column - 1, 2],
        below * rays[row + 1, column, 0] - above * rays[row - 1, column, 0],
        below * rays[row + 1, column, 1] - above * rays[row - 1, column, 1],
        below * rays[row + 1, column, 2] - above * rays[row - 1, column, 2],
    )


@compiled
@no_type_check
def normals(rays: np.ndarray, depth: np.ndarray, normal: np.ndarray) -> None:
    """Unit normals (b, s, s, 3): cross product of central differences; (0, 0, 1) on the border."""
    rows, columns = depth.shape[1], depth.shape[2]
    for mesh in range(len(depth)):
        for row in range(rows):
            for column in range(columns):
                if row == 0 or column == 0 or row == rows - 1 or column == columns - 1:
                    normal[mesh, row, column, 0] = 0.0
                    normal[mesh, row, column, 1] = 0.0
                    normal[mesh, row, column, 2] = 1.0
                    continue
                ax, ay, az, bx, by, bz = _tangents(rays, depth[mesh], row, column)
                nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
                scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + NORMAL_EPSILON)
                normal[mesh, row, column, 0] = nx * scale
                normal[mesh, row, column, 1] = ny * scale
                normal[mesh, row, column, 2] = nz * scale


@compiled
@no_type_check
def normals_gradient(rays: np.ndarray, depth: np.ndarray, grad_normal: np.ndarray, grad_depth: np.ndarray) -> None:
    """Gradient of `normals` w.r.t. depth."""
    rows, columns = depth.shape[1], depth.shape[2]
    total = np.empty((rows, columns))
    for mesh in range(len(depth)):
        total[:] = 0.0
        for row in range(1, rows - 1):
            for column in range(1, columns - 1):
                ax, ay, az, bx, by, bz = _tangents(rays, depth[mesh], row, column)
                nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
                length = np.sqrt(nx * nx + ny * ny + nz * nz)
                scale = 1.0 / (length + NORMAL_EPSILON)
                gx, gy, gz = (
                    np.float64(grad_normal[mesh, row, column, 0]),
                    np.float64(grad_normal[mesh, row, column, 1]),
                    np.float64(grad_normal[mesh, row, column, 2]),
                )
                # n / (|n| + e): the part along n shrinks with its length.
                along = 0.0 if length == 0.0 else (gx * nx + gy * ny + gz * nz) * scale / length
                gx, gy, gz = (gx - along * nx) * scale, (gy - along * ny) * scale, (gz - along * nz) * scale
                # n = a x b: the gradient of a is b x g, that of b is g x a.
                px, py, pz = by * gz - bz * gy, bz * gx - bx * gz, bx * gy - by * gx
                qx, qy, qz = gy * az - gz * ay, gz * ax - gx * az, gx * ay - gy * ax
                total[row, column + 1] += (
                    px * rays[row, column + 1, 0] + py * rays[row, column + 1, 1] + pz * rays[row, column + 1, 2]
                )
                total[row, column - 1] -= (
                    px * rays[row, column - 1, 0] + py * rays[row, column - 1, 1] + pz * rays[row, column - 1, 2]
                )
                total[row + 1, column] += (
                    qx * rays[row + 1, column, 0] + qy * rays[row + 1, column, 1] + qz * rays[row + 1, column, 2]
                )
                total[row - 1, column] -= (
                    qx * rays[row - 1, column, 0] + qy * rays[row - 1, column, 1] + qz * rays[row - 1, column, 2]
                )
        for row in range(rows):
            for column in range(columns):
                grad_depth[mesh, row, column] = total[row, column]
