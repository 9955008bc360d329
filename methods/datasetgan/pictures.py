"""What a person should look at: labelled images as the generator makes them, and generated images with their labels."""

import numpy as np
from jaxtyping import UInt8

from datasets.palette import palette

# Blank pixels between pictures.
GAP = 2


def overlaid(images: UInt8[np.ndarray, "n s s 3"], parts: UInt8[np.ndarray, "n s s"]) -> UInt8[np.ndarray, "n s s 3"]:
    """Images with half of their parts' colours on them, where a label that leaves its thing is seen."""
    colours = palette(256)[parts]
    mixed = np.where(parts[..., None] > 0, (images.astype(np.uint16) + colours) // 2, images)
    return np.asarray(mixed.astype(np.uint8))


def sheet(*columns: UInt8[np.ndarray, "n s s 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """One row per image, the columns beside each other."""
    rows = []
    for pictures in zip(*columns, strict=True):
        padded = [np.pad(one, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for one in pictures]
        rows.append(np.concatenate(padded, axis=1))
    return np.concatenate(rows, axis=0)
