"""What a person should look at: labelled images as the generator makes them, and generated images with their labels."""

import numpy as np
from jaxtyping import UInt8

from datasets.palette import palette

# Blank pixels between pictures.
GAP = 2
# From so much heat on, half of a keypoint's, a pixel is coloured.
HALF = 127


def coloured(labels: UInt8[np.ndarray, "n s s *k"]) -> UInt8[np.ndarray, "n s s 3"]:
    """Labels in the palette's colours, of parts or, where a keypoint has the most heat, of keypoints."""
    if labels.ndim == 3:
        return np.asarray(palette(256)[labels])
    strongest = palette(256)[1 + labels.argmax(axis=-1)].astype(np.uint16)
    return np.asarray((strongest * labels.max(axis=-1)[..., None] // 255).astype(np.uint8))


def overlaid(
    images: UInt8[np.ndarray, "n s s 3"], labels: UInt8[np.ndarray, "n s s *k"]
) -> UInt8[np.ndarray, "n s s 3"]:
    """Images with half of their labels' colours on them, where a label that leaves its thing is seen."""
    labelled = np.asarray(labels > 0 if labels.ndim == 3 else labels.max(axis=-1) > HALF)
    mixed = np.where(labelled[..., None], (images.astype(np.uint16) + coloured(labels)) // 2, images)
    return np.asarray(mixed.astype(np.uint8))


def sheet(*columns: UInt8[np.ndarray, "n s s 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """One row per image, the columns beside each other."""
    rows = []
    for pictures in zip(*columns, strict=True):
        padded = [np.pad(one, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for one in pictures]
        rows.append(np.concatenate(padded, axis=1))
    return np.concatenate(rows, axis=0)
