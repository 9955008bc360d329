"""DIB-R's inner loops over pixels beside an object, compiled by numba: the soft silhouette and its gradient.

With d the distance to a triangle's outline, the soft silhouette is 1 - prod(1 - exp(-d^2 / sigma)) over the triangles
whose box, grown on all sides, holds the pixel. Axes, units and shapes as in `dibr_numba_faces`.
"""

import math
from typing import no_type_check

import numpy as np

from methods.numba_threads import compiled
from methods.rendering.dibr_numba_faces import columns, columns_between, rows, rows_between

# Beyond this d^2 / sigma a factor is within 5e-8 of 1, less than a step of the single precision that comes out.
NEGLIGIBLE = 17.0


@compiled
@no_type_check
def inverse_square(x: float, y: float) -> float:
    """1 / (x^2 + y^2), 0 of no length: the nearest point of a side without a length is where it starts."""
    square = x * x + y * y
    return 1.0 / square if square > 0.0 else 0.0


@compiled
@no_type_check
def nearest(
    x: float,
    y: float,
    corners: tuple[float, float, float, float, float, float],
    inverses: tuple[float, float, float],
) -> tuple[float, float, float, float, float, float]:
    """From the outline's nearest point to (x, y): squared distance, difference in x and y, and the corners' weights.

    At the nearest point, that is. `inverses` are 1 / length^2 of the sides; side k goes from corner k to the next.
    """
    x0, y0, x1, y1, x2, y2 = corners
    # From here on seen from (x, y).
    x0, y0, x1, y1, x2, y2 = x - x0, y - y0, x - x1, y - y1, x - x2, y - y2
    t0 = min(max((x0 * (x0 - x1) + y0 * (y0 - y1)) * inverses[0], 0.0), 1.0)
    t1 = min(max((x1 * (x1 - x2) + y1 * (y1 - y2)) * inverses[1], 0.0), 1.0)
    t2 = min(max((x2 * (x2 - x0) + y2 * (y2 - y0)) * inverses[2], 0.0), 1.0)
    dx0, dy0 = x0 - t0 * (x0 - x1), y0 - t0 * (y0 - y1)
    dx1, dy1 = x1 - t1 * (x1 - x2), y1 - t1 * (y1 - y2)
    dx2, dy2 = x2 - t2 * (x2 - x0), y2 - t2 * (y2 - y0)
    d0, d1, d2 = dx0 * dx0 + dy0 * dy0, dx1 * dx1 + dy1 * dy1, dx2 * dx2 + dy2 * dy2
    if d0 <= d1 and d0 <= d2:
        return d0, dx0, dy0, 1.0 - t0, t0, 0.0
    if d1 <= d2:
        return d1, dx1, dy1, 0.0, 1.0 - t1, t1
    return d2, dx2, dy2, t2, 0.0, 1.0 - t2


@compiled
@no_type_check
def reached(
    place: np.ndarray, triangle: np.ndarray, grown: float, width: int, height: int
) -> tuple[tuple[float, float, float, float, float, float], tuple[float, float, float], int, int, int, int]:
    """What `nearest` wants of a triangle, and its grown box: first column and the one after the last, rows likewise.

    The box of a triangle with a corner that is not finite is empty.
    """
    i0, i1, i2 = triangle[0], triangle[1], triangle[2]
    x0, x1, x2 = place[i0, 0], place[i1, 0], place[i2, 0]
    y0, y1, y2 = place[i0, 1], place[i1, 1], place[i2, 1]
    corners = (x0, y0, x1, y1, x2, y2)
    if not abs(x0 + x1 + x2 + y0 + y1 + y2) < np.inf:
        return corners, (0.0, 0.0, 0.0), 0, 0, 0, 0
    inverses = (
        inverse_square(x1 - x0, y1 - y0),
        inverse_square(x2 - x1, y2 - y1),
        inverse_square(x0 - x2, y0 - y2),
    )
    left, right = columns_between(min(x0, x1, x2) - grown, max(x0, x1, x2) + grown, width)
    top, bottom = rows_between(min(y0, y1, y2) - grown, max(y0, y1, y2) + grown, height)
    return corners, inverses, left, right, top, bottom


@compiled
@no_type_check
def soft_mask(
    inverse_sigma: float,
    box: float,
    count: int,
    faces: np.ndarray,
    points: np.ndarray,
    face_map: np.ndarray,
    soft: np.ndarray,
    rest: np.ndarray,
) -> None:
    """Silhouettes (b, h, w), 1 where a triangle is visible, and in double precision the products `rest` (b, h, w).

    `box` is what the triangles' boxes grow by; of the triangles that reach a pixel the first `count` are taken.
    """
    height, width = face_map.shape[1:]
    # Of each pixel, how many triangles it still takes, and how many pixels before it in its row take any.
    left_to_take, before = np.empty((height, width), np.int64), np.zeros((height, width + 1), np.int64)
    x, y, triangles = columns(width), rows(height), faces[0]
    grown = growth(inverse_sigma, box, count, len(triangles))
    for mesh in range(len(points)):
        place, product = points[mesh], rest[mesh]
        for row in range(height):
            for column in range(width):
                beside = face_map[mesh, row, column] < 0
                left_to_take[row, column] = count if beside else 0
                before[row, column + 1] = before[row, column] + beside
        product[:] = 1.0
        for face in range(len(triangles)):
            corners, inverses, left, right, top, bottom = reached(place, triangles[face], grown, width, height)
            for row in range(top, bottom):
                if before[row, left] == before[row, right]:
                    continue  # most triangles are amid covered pixels
                for column in range(left, right):
                    if left_to_take[row, column] == 0:
                        continue
                    left_to_take[row, column] -= 1
                    value = inverse_sigma * nearest(x[column], y[row], corners, inverses)[0]
                    if value < NEGLIGIBLE:
                        product[row, column] *= 1.0 - math.exp(-value)
        for row in range(height):
            for column in range(width):
                covered = face_map[mesh, row, column] >= 0
                soft[mesh, row, column] = 1.0 if covered else 1.0 - product[row, column]


@compiled
@no_type_check
def soft_mask_gradient(
    inverse_sigma: float,
    box: float,
    count: int,
    faces: np.ndarray,
    points: np.ndarray,
    face_map: np.ndarray,
    rest: np.ndarray,
    grad_soft: np.ndarray,
    grad_points: np.ndarray,
) -> None:
    """Gradient of `soft_mask` w.r.t. the points, into `grad_points` (b, v, 2): that of the sides' nearest points.

    At a pixel on an outline it is 0: d^2 has no slope there.
    """
    height, width = face_map.shape[1:]
    # Of each pixel, how many triangles it still takes, and how many pixels before it in its row take any.
    left_to_take, before = np.empty((height, width), np.int64), np.zeros((height, width + 1), np.int64)
    slope = np.empty((height, width))
    x, y, triangles = columns(width), rows(height), faces[0]
    grown = growth(inverse_sigma, box, count, len(triangles))
    for mesh in range(len(points)):
        place, total = points[mesh], grad_points[mesh]
        for row in range(height):
            for column in range(width):
                amount = 2.0 * inverse_sigma * grad_soft[mesh, row, column] * rest[mesh, row, column]
                slope[row, column] = amount
                felt = face_map[mesh, row, column] < 0 and amount != 0.0
                left_to_take[row, column] = count if felt else 0
                before[row, column + 1] = before[row, column] + felt
        total[:] = 0.0
        for face in range(len(triangles)):
            corners, inverses, left, right, top, bottom = reached(place, triangles[face], grown, width, height)
            gx0 = gy0 = gx1 = gy1 = gx2 = gy2 = 0.0
            for row in range(top, bottom):
                if before[row, left] == before[row, right]:
                    continue  # most triangles are amid covered pixels
                for column in range(left, right):
                    if left_to_take[row, column] == 0:
                        continue
                    left_to_take[row, column] -= 1
                    squared, dx, dy, a, b, c = nearest(x[column], y[row], corners, inverses)
                    value = inverse_sigma * squared
                    if not value < NEGLIGIBLE:
                        continue
                    # Of d^2: the product of the other factors times exp(-d^2 / sigma) / sigma, and 2 from the square.
                    share = math.exp(-value)
                    amount = slope[row, column] * share / (1.0 - share)
                    across, up = amount * dx, amount * dy
                    gx0 += a * across
                    gy0 += a * up
                    gx1 += b * across
                    gy1 += b * up
                    gx2 += c * across
                    gy2 += c * up
            i0, i1, i2 = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            total[i0, 0] += gx0
            total[i0, 1] += gy0
            total[i1, 0] += gx1
            total[i1, 1] += gy1
            total[i2, 0] += gx2
            total[i2, 1] += gy2


@compiled
@no_type_check
def growth(inverse_sigma: float, box: float, count: int, faces: int) -> float:
    """By how much boxes need to grow: where every triangle is taken, no further than its factor is not negligible."""
    return box if count < faces else min(box, math.sqrt(NEGLIGIBLE / inverse_sigma))
