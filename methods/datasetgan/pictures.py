"""What a person should look at: labelled images as the generator makes them, and generated images with their labels."""

import colorsys

import numpy as np
from jaxtyping import Float, UInt8

# Blank pixels between pictures.
GAP = 2


def palette(classes: int) -> UInt8[np.ndarray, "classes 3"]:
    """Colours that neighbours in number can be told apart by; class 0 is black."""
    # Hues a golden angle apart never come close to each other, however many there are.
    colours = [colorsys.hsv_to_rgb(number * 0.381966 % 1, 0.85, 1 - 0.35 * (number % 2)) for number in range(classes)]
    found = np.round(np.array(colours) * 255).astype(np.uint8)
    found[0] = 0
    return np.asarray(found)


def overlaid(images: UInt8[np.ndarray, "n s s 3"], parts: UInt8[np.ndarray, "n s s"]) -> UInt8[np.ndarray, "n s s 3"]:
    """Images with half of their parts' colours on them, where a label that leaves its thing is seen."""
    colours = palette(256)[parts]
    mixed = np.where(parts[..., None] > 0, (images.astype(np.uint16) + colours) // 2, images)
    return np.asarray(mixed.astype(np.uint8))


def grey(values: Float[np.ndarray, "n s s"]) -> UInt8[np.ndarray, "n s s 3"]:
    """Values as grey, white the largest of all."""
    scaled = values / max(float(values.max()), 1e-12)
    return np.asarray(np.repeat(np.round(scaled * 255).astype(np.uint8)[..., None], 3, axis=-1))


def sheet(*columns: UInt8[np.ndarray, "n s s 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """One row per image, the columns beside each other."""
    rows = []
    for pictures in zip(*columns, strict=True):
        padded = [np.pad(one, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for one in pictures]
        rows.append(np.concatenate(padded, axis=1))
    return np.concatenate(rows, axis=0)
