"""Scores of keypoints found in heat maps: distances, share of correct keypoints (PCK), squared error of the heat."""

import numpy as np
from jaxtyping import Bool, Float, Num


def distances(
    found: Num[np.ndarray, "n k 2"], keypoints: Float[np.ndarray, "n k 2"], visible: Bool[np.ndarray, "n k"]
) -> Float[np.ndarray, "n k"]:
    """Pixels from each keypoint found to the true one; NaN where that is not visible."""
    apart = np.linalg.norm(found.astype(np.float64) - keypoints, axis=-1)
    return np.where(visible, apart, np.nan)


def correct(distance: Float[np.ndarray, "n k"], threshold: float) -> float:
    """PCK: the share of visible keypoints that were found within `threshold` pixels."""
    known = ~np.isnan(distance)
    return float((distance[known] <= threshold).mean())


def heat_error(
    predicted: Float[np.ndarray, "n k s s"],
    heat: Float[np.ndarray, "n k s s"],
    visible: Bool[np.ndarray, "n k"] | None = None,
) -> float:
    """The mean squared error of heat maps, over all of them or the visible ones."""
    each = np.square(predicted.astype(np.float64) - heat).mean(axis=(2, 3))
    return float(each.mean() if visible is None else each[visible].mean())
