"""Keypoints of faces, as their part maps have them.

Nobody has marked them: an eye and the nose are the middles of their parts, the corners of the mouth the outermost
pixels of mouth and lips, the chin the lowest pixel of the skin. The left is the person's, on the image's right. A
keypoint is visible where its part covers enough pixels to have a place.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

from datasets.errors import BenchError

POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth", "chin")
MOUTH = ("mouth", "u_lip", "l_lip")
# Pixels that a part must cover.
LEAST = 3


def keypoints_of(
    parts: UInt8[np.ndarray, "n s s"], names: Sequence[str], label: str
) -> tuple[Float[np.ndarray, "n k 2"], Bool[np.ndarray, "n k"]]:
    """The places (x, y) of `POINTS` in pixels, whose centres lie at whole numbers, and which are visible.

    Raises BenchError where the parts are not those of faces.
    """
    wanted = ("l_eye", "r_eye", "nose", "skin", *MOUTH)
    if missing := sorted(set(wanted) - set(names)):
        raise BenchError(f"{label} has no parts {', '.join(missing)}, by which keypoints of faces are placed")
    number = {name: list(names).index(name) for name in wanted}
    places = np.zeros((len(parts), len(POINTS), 2))
    visible = np.zeros((len(parts), len(POINTS)), dtype=bool)
    for index, one in enumerate(parts):
        mouth = np.argwhere(np.isin(one, [number[name] for name in MOUTH]))
        found = [
            *(_middle(np.argwhere(one == number[name])) for name in ("l_eye", "r_eye", "nose")),
            *(_outermost(mouth, end) for end in (1, -1)),
            _lowest(np.argwhere(one == number["skin"])),
        ]
        for place, point in enumerate(found):
            if point is not None:
                places[index, place], visible[index, place] = point, True
    return places, visible


Place = tuple[float, float]


def _middle(pixels: np.ndarray) -> Place | None:
    """The mean (x, y) of pixels (row, column)."""
    return None if len(pixels) < LEAST else (float(pixels[:, 1].mean()), float(pixels[:, 0].mean()))


def _outermost(pixels: np.ndarray, end: int) -> Place | None:
    """The middle of the pixels of the right (1) or the left (-1) end."""
    if len(pixels) < LEAST:
        return None
    column = (pixels[:, 1] * end).max() * end
    return float(column), float(pixels[pixels[:, 1] == column, 0].mean())


def _lowest(pixels: np.ndarray) -> Place | None:
    """The middle of the lowest pixels."""
    if len(pixels) < LEAST:
        return None
    row = pixels[:, 0].max()
    return float(pixels[pixels[:, 0] == row, 1].mean()), float(row)
