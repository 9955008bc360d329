"""DIB-R's inner loops over covered pixels, compiled by numba: the visible triangle, its attributes, their gradient.

On the image plane, [-1, 1] with y up, pixel (i, j) of h x w samples x = (2j + 1 - w) / w, y = (h - 1 - 2i) / h.
Arithmetic is in double precision. A corner's weight is affine in the position: w_k = w_k(0) + u_k x + v_k y.

Shapes: `faces` (1, f, 3) int32, the same for all meshes; `points` (b, v, 2) float64; `face_map` (b, h, w) int32, the
visible triangle or -1.
"""

from typing import no_type_check

import numpy as np

from methods.numba_threads import compiled

# Triangles of less than half this area, in units of the image plane, are degenerate: no weights can be had from them.
MINIMUM_AREA = 1e-12


@compiled
@no_type_check  # numba needs the bare function: no run-time check of its arguments around it
def columns(width: int) -> np.ndarray:
    """x that each column samples."""
    return (2.0 * np.arange(width) + 1.0 - width) / width


@compiled
@no_type_check
def rows(height: int) -> np.ndarray:
    """y that each row samples."""
    return (height - 1.0 - 2.0 * np.arange(height)) / height


@compiled
@no_type_check
def columns_between(low: float, high: float, width: int) -> tuple[int, int]:
    """First column that samples x >= low, and the first after it that has x >= high: a half-open interval."""
    first = np.ceil(min(max((low * width + width - 1.0) * 0.5, 0.0), width))
    stop = np.ceil(min(max((high * width + width - 1.0) * 0.5, 0.0), width))
    return int(first), int(stop)


@compiled
@no_type_check
def rows_between(low: float, high: float, height: int) -> tuple[int, int]:
    """First row that samples y < high, and the first after it that has y < low: a half-open interval of y."""
    first = np.floor(min(max((height - 1.0 - high * height) * 0.5, -1.0), height - 1.0)) + 1.0
    stop = np.floor(min(max((height - 1.0 - low * height) * 0.5, -1.0), height - 1.0)) + 1.0
    return int(first), int(stop)


@compiled
@no_type_check
def rasterize(
    faces: np.ndarray, points: np.ndarray, depth: np.ndarray, drawn: np.ndarray, face_map: np.ndarray
) -> None:
    """Fill `face_map`. `depth` (b, v) is z, the largest wins and of equal ones the first; `drawn` (b, f) bool.

    A pixel belongs to a triangle where no weight is negative and x, y are in its box, whose upper ends do not count.
    """
    height, width = face_map.shape[1:]
    buffer = np.empty((height, width), np.float32)
    x, y, triangles = columns(width), rows(height), faces[0]
    for mesh in range(len(points)):
        winner, place, z = face_map[mesh], points[mesh], depth[mesh]
        buffer[:] = -np.inf
        winner[:] = -1
        for face in range(len(triangles)):
            if not drawn[mesh, face]:
                continue
            i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            x0, x1, x2 = place[i0, 0], place[i1, 0], place[i2, 0]
            y0, y1, y2 = place[i0, 1], place[i1, 1], place[i2, 1]
            area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            z0, z1, z2 = z[i0], z[i1], z[i2]
            if not ((abs(area) > MINIMUM_AREA) & (abs(area) < np.inf) & (abs(z0 + z1 + z2) < np.inf)):
                continue
            left, right = columns_between(min(x0, x1, x2), max(x0, x1, x2), width)
            top, bottom = rows_between(min(y0, y1, y2), max(y0, y1, y2), height)
            sign, scale = np.sign(area), 1.0 / area
            for row in range(top, bottom):
                for column in range(left, right):
                    px, py = x[column], y[row]
                    a = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * sign
                    b = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * sign
                    c = ((x0 - px) * (y1 - py) - (x1 - px) * (y0 - py)) * sign
                    value = np.float32((a * z0 + b * z1 + c * z2) * sign * scale)
                    best, holder = buffer[row, column], winner[row, column]
                    nearer = (a >= 0.0) & (b >= 0.0) & (c >= 0.0) & (value > best)
                    # Written either way: with triangles of a few pixels, a branch here costs more than it saves.
                    buffer[row, column] = value if nearer else best
                    winner[row, column] = face if nearer else holder


@compiled
@no_type_check
def weighted(
    place: np.ndarray, triangle: np.ndarray, x: float, y: float
) -> tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float], float]:
    """The weights of a triangle's corners at (x, y), the corners' x and y as seen from there, and 1 / (twice its
    area)."""
    i0, i1, i2 = triangle[0], triangle[1], triangle[2]
    x0, x1, x2 = place[i0, 0] - x, place[i1, 0] - x, place[i2, 0] - x
    y0, y1, y2 = place[i0, 1] - y, place[i1, 1] - y, place[i2, 1] - y
    scale = 1.0 / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
    weights = (x1 * y2 - x2 * y1) * scale, (x2 * y0 - x0 * y2) * scale, (x0 * y1 - x1 * y0) * scale
    return weights, (x0, x1, x2), (y0, y1, y2), scale


@compiled
@no_type_check
def interpolate(
    faces: np.ndarray, points: np.ndarray, face_map: np.ndarray, attributes: np.ndarray, image: np.ndarray
) -> None:
    """Attributes (1 or b, f, 3, c) of the triangles' corners at each pixel, sum(w_k a_k), into image (b, h, w, c)."""
    height, width = face_map.shape[1:]
    x, y, triangles = columns(width), rows(height), faces[0]
    for mesh in range(len(points)):
        place, corners = points[mesh], attributes[mesh if len(attributes) > 1 else 0]
        for row in range(height):
            for column in range(width):
                face = face_map[mesh, row, column]
                if face < 0:
                    image[mesh, row, column] = 0.0
                    continue
                (a, b, c), _, _, _ = weighted(place, triangles[face], x[column], y[row])
                for k in range(image.shape[3]):
                    image[mesh, row, column, k] = (
                        a * corners[face, 0, k] + b * corners[face, 1, k] + c * corners[face, 2, k]
                    )


@compiled
@no_type_check
def interpolate_gradient(
    faces: np.ndarray,
    points: np.ndarray,
    face_map: np.ndarray,
    attributes: np.ndarray,
    grad_image: np.ndarray,
    grad_points: np.ndarray,
    grad_attributes: np.ndarray,
) -> None:
    """Gradient of `interpolate`, into grad_points (b, v, 2) and grad_attributes (b, f, 3, c); the map is held fixed.

    A corner that moves by d takes along the attributes' plane: they change by -w_k (d . slope of the attributes).
    """
    height, width = face_map.shape[1:]
    x, y, triangles = columns(width), rows(height), faces[0]
    for mesh in range(len(points)):
        place, corners = points[mesh], attributes[mesh if len(attributes) > 1 else 0]
        to_points, to_corners = grad_points[mesh], grad_attributes[mesh]
        to_points[:] = 0.0
        to_corners[:] = 0.0
        for row in range(height):
            for column in range(width):
                face = face_map[mesh, row, column]
                if face < 0:
                    continue
                triangle = triangles[face]
                (a, b, c), (x0, x1, x2), (y0, y1, y2), scale = weighted(place, triangle, x[column], y[row])
                g0 = g1 = g2 = 0.0
                for k in range(corners.shape[2]):
                    gradient = np.float64(grad_image[mesh, row, column, k])
                    g0 += gradient * corners[face, 0, k]
                    g1 += gradient * corners[face, 1, k]
                    g2 += gradient * corners[face, 2, k]
                    to_corners[face, 0, k] += a * gradient
                    to_corners[face, 1, k] += b * gradient
                    to_corners[face, 2, k] += c * gradient
                across = (g0 * (y1 - y2) + g1 * (y2 - y0) + g2 * (y0 - y1)) * scale
                up = (g0 * (x2 - x1) + g1 * (x0 - x2) + g2 * (x1 - x0)) * scale
                i0, i1, i2 = triangle[0], triangle[1], triangle[2]
                to_points[i0, 0] -= a * across
                to_points[i0, 1] -= a * up
                to_points[i1, 0] -= b * across
                to_points[i1, 1] -= b * up
                to_points[i2, 0] -= c * across
                to_points[i2, 1] -= c * up
