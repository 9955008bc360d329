"""The rasteriser's inner loops, compiled by numba: z-buffer and exact gradient of depth.

Arithmetic is in double precision on float32 vertices. Edge tests of two triangles that share an edge then agree, so a
closed surface has no pin-holes; `EDGE_TOLERANCE` covers what rounding is left. In inverse depth a triangle is a plane
(1/z = a + b*column + c*row), which turns the perspective-correct depth 1 / sum(w_k / z_k) into two multiplications
per pixel, and its gradient into three moments per triangle.

Shapes: `x`, `y`, `w` (v,) are the column, row and inverse depth of one mesh's vertices in the rendered image;
`faces` is (1 or b, f, 3) int32, the same for all meshes or one each.
"""

from typing import no_type_check

import numpy as np

from methods.numba_threads import compiled
from methods.rendering.camera import DEPTH_EPSILON

# In squared pixels of the render; an edge test within it of zero counts as inside (tests are inclusive).
EDGE_TOLERANCE = 1e-9
# Triangles of a smaller area (squared pixels) are edge-on: no plane can be put through them.
MINIMUM_AREA = 1e-9


@compiled
@no_type_check  # numba needs the bare function: no run-time check of its arguments around it
def draw(
    x: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    triangles: np.ndarray,
    near: float,
    far: float,
    buffer: np.ndarray,
    winner: np.ndarray,
) -> None:
    """Fill one mesh's z-buffer: `buffer` (s, s) inverse depth, `winner` (s, s) its triangle's rank, -1 where empty."""
    count, size = len(triangles), len(winner)
    highest, lowest = np.float32(1.0 / near), np.float32(1.0 / far)
    limit = size - 1.0
    buffer[:] = lowest
    winner[:] = -1
    for face in range(count):
        i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        x0, x1, x2 = x[i0], x[i1], x[i2]
        y0, y1, y2 = y[i0], y[i1], y[i2]
        left = np.ceil(max(min(x0, x1, x2), 0.0))
        right = np.floor(min(max(x0, x1, x2), limit))
        top = np.ceil(max(min(y0, y1, y2), 0.0))
        bottom = np.floor(min(max(y0, y1, y2), limit))
        if not ((left <= right) & (top <= bottom)):
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        w0, w1, w2 = w[i0], w[i1], w[i2]
        if not ((abs(area) > MINIMUM_AREA) & (abs(w0 + w1 + w2) < np.inf)):
            continue
        # Rows run downwards, so a triangle that NMR draws as given has a negative area here. The others it draws as
        # reversed copies after all the given ones, which matters where two triangles tie.
        rank = np.int32(face if area < 0.0 else face + count)
        scale = 1.0 / area
        # Slopes of the corners' weights over columns (u) and rows (v), and the weights at (0, 0), without the sign.
        u0, v0 = (y1 - y2) * scale, (x2 - x1) * scale
        u1, v1 = (y2 - y0) * scale, (x0 - x2) * scale
        u2, v2 = (y0 - y1) * scale, (x1 - x0) * scale
        tolerance = EDGE_TOLERANCE * abs(scale)
        c0 = u0 * x1 + v0 * y1 - tolerance
        c1 = u1 * x2 + v1 * y2 - tolerance
        c2 = u2 * x0 + v2 * y0 - tolerance
        slope_x = u0 * w0 + u1 * w1 + u2 * w2
        slope_y = v0 * w0 + v1 * w1 + v2 * w2
        origin = w0 - slope_x * x0 - slope_y * y0
        for row in range(int(top), int(bottom) + 1):
            b0, b1, b2 = v0 * row - c0, v1 * row - c1, v2 * row - c2
            along = slope_y * row + origin
            for column in range(int(left), int(right) + 1):
                value = np.float32(slope_x * column + along)
                best, holder = buffer[row, column], winner[row, column]
                inside = (b0 + u0 * column >= 0.0) & (b1 + u1 * column >= 0.0) & (b2 + u2 * column >= 0.0)
                nearer = (value > best) | ((value == best) & (rank < holder))
                # Written either way: with triangles of a few pixels, a branch here costs more than it saves.
                drawn = inside & nearer & (value < highest)
                buffer[row, column] = value if drawn else best
                winner[row, column] = rank if drawn else holder


@compiled
@no_type_check
def resolve(count: int, buffer: np.ndarray, winner: np.ndarray, far: float) -> None:
    """Turn one mesh's drawn `buffer` into depth (`far` where empty), and ranks into triangles (`count` of them)."""
    for row in range(len(winner)):
        for column in range(len(winner)):
            rank = winner[row, column]
            winner[row, column] = rank - count if rank >= count else rank
            buffer[row, column] = np.float32(1.0) / buffer[row, column] if rank >= 0 else np.float32(far)


@compiled
@no_type_check
def rasterize(
    near: float,
    far: float,
    faces: np.ndarray,
    pixels: np.ndarray,
    depth: np.ndarray,
    face_map: np.ndarray,
) -> None:
    """Draw meshes given by `pixels` (b, v, 3) float64: column, row, depth.

    Out: depth (b, s, s), `far` where empty, and the visible triangle (b, s, s), -1 where empty.
    """
    vertices = pixels.shape[1]
    x, y, w = np.empty(vertices), np.empty(vertices), np.empty(vertices)
    for mesh in range(len(pixels)):
        for i in range(vertices):
            x[i], y[i], w[i] = pixels[mesh, i, 0], pixels[mesh, i, 1], 1.0 / pixels[mesh, i, 2]
        triangles = faces[mesh if len(faces) > 1 else 0]
        draw(x, y, w, triangles, near, far, depth[mesh], face_map[mesh])
        resolve(len(triangles), depth[mesh], face_map[mesh], far)


@compiled
@no_type_check
def barycentric(faces: np.ndarray, pixels: np.ndarray, face_map: np.ndarray, weights: np.ndarray) -> None:
    """Screen-space weights (b, s, s, 3) of each pixel's triangle, clamped to [0, 1] and renormalised; 0 if empty."""
    size = face_map.shape[1]
    for mesh in range(len(pixels)):
        triangles = faces[mesh if len(faces) > 1 else 0]
        for row in range(size):
            for column in range(size):
                face = face_map[mesh, row, column]
                if face < 0:
                    weights[mesh, row, column] = np.float32(0.0)
                    continue
                i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
                x0, y0 = pixels[mesh, i0, 0], pixels[mesh, i0, 1]
                x1, y1 = pixels[mesh, i1, 0], pixels[mesh, i1, 1]
                x2, y2 = pixels[mesh, i2, 0], pixels[mesh, i2, 1]
                scale = 1.0 / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
                a = min(max(((y1 - y2) * (column - x1) + (x2 - x1) * (row - y1)) * scale, 0.0), 1.0)
                b = min(max(((y2 - y0) * (column - x2) + (x0 - x2) * (row - y2)) * scale, 0.0), 1.0)
                c = min(max(((y0 - y1) * (column - x0) + (x1 - x0) * (row - y0)) * scale, 0.0), 1.0)
                norm = 1.0 / (a + b + c)
                weights[mesh, row, column, 0] = a * norm
                weights[mesh, row, column, 1] = b * norm
                weights[mesh, row, column, 2] = c * norm


@compiled
@no_type_check
def project(vertices: np.ndarray, matrix: np.ndarray, factor: int, x: np.ndarray, y: np.ndarray, w: np.ndarray) -> None:
    """One mesh's vertices (v, 3) in camera space to columns, rows and inverse depths (see `camera.to_pixels`)."""
    for i in range(len(vertices)):
        depth = np.float64(vertices[i, 2])
        scale = factor / (depth + DEPTH_EPSILON)
        across, down = vertices[i, 0] * scale, vertices[i, 1] * scale
        x[i] = matrix[0, 0] * across + matrix[0, 1] * down + (factor * matrix[0, 2] - 0.5)
        y[i] = matrix[1, 0] * across + matrix[1, 1] * down + (factor * matrix[1, 2] - 0.5)
        w[i] = 1.0 / depth


@compiled
@no_type_check
def render(
    near: float,
    far: float,
    matrix: np.ndarray,
    faces: np.ndarray,
    vertices: np.ndarray,
    samples: np.ndarray,
    face_map: np.ndarray,
    depth: np.ndarray,
) -> None:
    """Depth images (b, t, t) of meshes in camera space (b, v, 3), means of blocks of the drawn (b, s, s) samples."""
    side = depth.shape[1]
    factor = face_map.shape[1] // side
    count = vertices.shape[1]
    x, y, w = np.empty(count), np.empty(count), np.empty(count)
    share = np.float32(1.0 / (factor * factor))
    for mesh in range(len(vertices)):
        project(vertices[mesh], matrix, factor, x, y, w)
        triangles = faces[mesh if len(faces) > 1 else 0]
        draw(x, y, w, triangles, near, far, samples[mesh], face_map[mesh])
        resolve(len(triangles), samples[mesh], face_map[mesh], far)
        for row in range(side):
            # Columns innermost: along them the sums are vectorised, over the few samples of a pixel they are not.
            line = depth[mesh, row]
            line[:] = 0.0
            for i in range(row * factor, (row + 1) * factor):
                for j in range(factor):
                    for column in range(side):
                        line[column] += samples[mesh, i, column * factor + j]
            for column in range(side):
                line[column] *= share


@compiled
@no_type_check
def render_gradient(
    matrix: np.ndarray,
    faces: np.ndarray,
    vertices: np.ndarray,
    samples: np.ndarray,
    face_map: np.ndarray,
    grad_depth: np.ndarray,
    grad_vertices: np.ndarray,
) -> None:
    """Gradient of `render` w.r.t. `vertices`, into `grad_vertices` (b, v, 3).

    With A, B the slopes of 1/z over columns and rows and w_k the weights of a triangle's corners,
    dz/d(column_k, row_k, z_k) = z^2 w_k (A, B, 1/z_k^2). The weights are affine in the pixel's position, so that a
    triangle needs only the sums of g z^2 (1, column, row) over its pixels.
    """
    side = grad_depth.shape[1]
    factor = face_map.shape[1] // side
    count = vertices.shape[1]
    x, y, w = np.empty(count), np.empty(count), np.empty(count)
    moments = np.empty((faces.shape[1], 3))
    total = np.empty((count, 3))
    share = 1.0 / (factor * factor)
    for mesh in range(len(vertices)):
        moments[:] = 0.0
        for row in range(side * factor):
            line = row // factor
            for place in range(side):
                gradient = grad_depth[mesh, line, place] * share
                if gradient == 0.0:
                    continue
                for column in range(place * factor, (place + 1) * factor):
                    face = face_map[mesh, row, column]
                    if face >= 0:
                        depth = samples[mesh, row, column]
                        amount = gradient * depth * depth
                        moments[face, 0] += amount
                        moments[face, 1] += amount * column
                        moments[face, 2] += amount * row
        project(vertices[mesh], matrix, factor, x, y, w)
        total[:] = 0.0
        triangles = faces[mesh if len(faces) > 1 else 0]
        for face in range(len(triangles)):
            m, mx, my = moments[face, 0], moments[face, 1], moments[face, 2]
            if m == 0.0 and mx == 0.0 and my == 0.0:
                continue
            i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            x0, x1, x2 = x[i0], x[i1], x[i2]
            y0, y1, y2 = y[i0], y[i1], y[i2]
            w0, w1, w2 = w[i0], w[i1], w[i2]
            scale = 1.0 / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
            u0, v0 = (y1 - y2) * scale, (x2 - x1) * scale
            u1, v1 = (y2 - y0) * scale, (x0 - x2) * scale
            u2, v2 = (y0 - y1) * scale, (x1 - x0) * scale
            slope_x = u0 * w0 + u1 * w1 + u2 * w2
            slope_y = v0 * w0 + v1 * w1 + v2 * w2
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
        for i in range(count):
            depth = np.float64(vertices[mesh, i, 2])
            scale = 1.0 / (depth + DEPTH_EPSILON)
            across = factor * (matrix[0, 0] * total[i, 0] + matrix[1, 0] * total[i, 1]) * scale
            down = factor * (matrix[0, 1] * total[i, 0] + matrix[1, 1] * total[i, 1]) * scale
            grad_vertices[mesh, i, 0] = across
            grad_vertices[mesh, i, 1] = down
            grad_vertices[mesh, i, 2] = (
                total[i, 2] - (across * vertices[mesh, i, 0] + down * vertices[mesh, i, 1]) * scale
            )
