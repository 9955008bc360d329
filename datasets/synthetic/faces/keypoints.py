"""Where the points of a drawn face are that keypoint detectors look for, as the drawing knows them."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.features import lids, mouth_half_width
from datasets.synthetic.faces.mesh import SKIN
from datasets.synthetic.faces.relief import chin_drop
from datasets.synthetic.faces.surface import CENTRE, focal_length, rotation
from methods.numba_threads import compiled

# The left is the person's, on the image's right. The order is that of `_on_face`.
KEYPOINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth", "chin")
# How far from a point, in head units, the nearest skin that is seen may lie: 1.2 pixels of 64. Beyond it is hidden.
NEAR = 0.06


@compiled
@no_type_check
def keypoints(size: int, parameters: np.ndarray, kind: np.ndarray, place: np.ndarray, found: np.ndarray) -> None:
    """Places (x, y) in pixels, whose centres lie at whole numbers, and 1; 0, 0, 0 of what is hidden.

    From `kind` and `place` of each sample (`surface.samples`) into `found` (n, len(KEYPOINTS), 3).
    """
    side = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        focal, turn = focal_length(size, p), rotation(p)
        for k in range(found.shape[1]):
            x, y = _on_face(p, k)
            nearest, z = NEAR, 0.0
            for row in range(side):
                for column in range(side):
                    if kind[i, row, column] != SKIN or place[i, row, column, 2] < 0.2:
                        continue
                    away = np.hypot(place[i, row, column, 0] - x, place[i, row, column, 1] - y)
                    if away < nearest:
                        nearest, z = away, place[i, row, column, 2]
            found[i, k, :] = 0.0
            if nearest < NEAR:
                a, b, c = p.unit * x, -p.unit * y, -p.unit * z
                depth = turn[2, 0] * a + turn[2, 1] * b + turn[2, 2] * c + CENTRE + p.tz
                across = focal * (turn[0, 0] * a + turn[0, 1] * b + turn[0, 2] * c + p.tx) / depth
                down = focal * (turn[1, 0] * a + turn[1, 1] * b + turn[1, 2] * c + p.ty) / depth
                found[i, k, 0] = 0.5 * ((across + 1.0) * size - 1.0)
                found[i, k, 1] = 0.5 * ((down + 1.0) * size - 1.0)
                found[i, k, 2] = 1.0


@compiled
@no_type_check
def _on_face(p: Any, number: int) -> tuple[float, float]:
    """(x, y) on the front of the head: the middles between the lids, the tip of the nose, the corners of the mouth, and
    where the chin stands out most."""
    sign = 1.0 if number == 0 or number == 3 else -1.0
    if number < 2:
        upper, lower = lids(p, 0.0)
        return sign * p.eye_x, p.eye_y + 0.5 * (upper + lower)
    if number == 2:
        return 0.0, p.nose_tip_y + 0.04 * p.nose_wrinkle
    if number < 5:
        return sign * mouth_half_width(p), p.mouth_y + 0.6 * p.corners
    return 0.0, p.mouth_y - 0.4 - 0.75 * chin_drop(p)
