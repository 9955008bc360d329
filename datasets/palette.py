"""Colours of classes, for pictures and for masks that are files."""

import colorsys

import numpy as np
from jaxtyping import UInt8


def palette(classes: int) -> UInt8[np.ndarray, "classes 3"]:
    """Colours that neighbours in number can be told apart by; class 0 is black."""
    # Hues a golden angle apart never come close to each other, however many there are.
    colours = [colorsys.hsv_to_rgb(number * 0.381966 % 1, 0.85, 1 - 0.35 * (number % 2)) for number in range(classes)]
    found = np.round(np.array(colours) * 255).astype(np.uint8)
    found[0] = 0
    return np.asarray(found)
