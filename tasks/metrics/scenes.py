"""Errors of scenes taken apart against the true ones: depth, normals, light, view and albedo, one number per image.

Depth and normals are scored as in Unsup3D (Wu et al., 2020, section 4.1).
"""

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy.ndimage import binary_erosion
from scipy.spatial.transform import Rotation

NEIGHBOURS = np.ones((1, 3, 3), dtype=bool)


def inner(mask: Bool[np.ndarray, "n s s"]) -> Bool[np.ndarray, "n s s"]:
    """The pixels whose eight neighbours are in the mask too; none at the image's border.

    Normals of depth maps are differences between neighbours, so at a mask's edge they mean nothing.
    """
    return np.asarray(binary_erosion(mask, NEIGHBOURS, border_value=0))


def scale_invariant_depth_error(
    predicted: Shaped[np.ndarray, "n s s"], true: Shaped[np.ndarray, "n s s"], mask: Bool[np.ndarray, "n s s"]
) -> Float[np.ndarray, " n"]:
    """SIDE: the standard deviation over the mask of the difference between logarithms of depth (Unsup3D, section 4.1).

    Depth that is wrong by one factor per image is right. NaN where the mask is empty.
    """
    difference = _logarithm(predicted, mask) - _logarithm(true, mask)
    centred = difference - _mean(difference, mask)[:, None, None]
    return np.asarray(np.sqrt(_mean(np.square(centred), mask)))


def mean_angle_deviation(
    predicted: Shaped[np.ndarray, "n s s 3"], true: Shaped[np.ndarray, "n s s 3"], mask: Bool[np.ndarray, "n s s"]
) -> Float[np.ndarray, " n"]:
    """MAD: the mean angle between normals in degrees (Unsup3D, section 4.1). NaN where the mask is empty."""
    return _mean(angles(predicted, true), mask)


def albedo_error(
    predicted: Shaped[np.ndarray, "n s s 3"], true: Shaped[np.ndarray, "n s s 3"], mask: Bool[np.ndarray, "n s s"]
) -> Float[np.ndarray, " n"]:
    """Root mean square difference over the mask and the channels, after `best_gain`. NaN where the mask is empty."""
    gain = best_gain(predicted, true, mask)[:, None, None, None]
    squares = np.square(gain * predicted.astype(np.float64) - true).mean(axis=-1)
    return np.asarray(np.sqrt(_mean(squares, mask)))


def best_gain(
    predicted: Shaped[np.ndarray, "n s s 3"], true: Shaped[np.ndarray, "n s s 3"], mask: Bool[np.ndarray, "n s s"]
) -> Float[np.ndarray, " n"]:
    """The factor on each image's albedo, one for all channels, that brings it nearest the true one by least squares.

    White light of unknown strength leaves just this factor open; 0 where the prediction is black.
    """
    albedo = predicted.astype(np.float64) * mask[..., None]
    power = np.square(albedo).sum(axis=(1, 2, 3))
    return np.asarray((albedo * true).sum(axis=(1, 2, 3)) / np.where(power > 0, power, 1))


def angles(one: Shaped[np.ndarray, "*n 3"], other: Shaped[np.ndarray, "*#n 3"]) -> Float[np.ndarray, "*n"]:
    """Angles between vectors of any length in degrees, exact near 0 and 180 too, where the arc cosine is not."""
    one, other = np.broadcast_arrays(one.astype(np.float64), other.astype(np.float64))
    across = np.linalg.norm(np.cross(one, other), axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, (one * other).sum(axis=-1))))


def rotations(view: Shaped[np.ndarray, "n 6"]) -> Float[np.ndarray, "n 3 3"]:
    """Rz Ry Rx of views rx, ry, rz (radians), tx, ty, tz."""
    return np.asarray(Rotation.from_euler("xyz", view[:, :3].astype(np.float64)).as_matrix())


def rotation_angles(
    predicted: Shaped[np.ndarray, "n 3 3"], true: Shaped[np.ndarray, "n 3 3"]
) -> Float[np.ndarray, " n"]:
    """The angle in degrees of the rotation from each true orientation to the predicted one."""
    return np.asarray(np.degrees((Rotation.from_matrix(predicted) * Rotation.from_matrix(true).inv()).magnitude()))


def canonical_offset(
    predicted: Shaped[np.ndarray, "n 3 3"], true: Shaped[np.ndarray, "n 3 3"]
) -> Float[np.ndarray, "3 3"]:
    """The rotation C for which true @ C is nearest the predicted orientations (chordal mean of true^T predicted).

    Which pose a method takes for the canonical one is its own choice, and C is the pose of its canonical object in
    the true one's frame.
    """
    relative = Rotation.from_matrix(true).inv() * Rotation.from_matrix(predicted)
    return np.asarray(relative.mean().as_matrix())


def _logarithm(depth: Shaped[np.ndarray, "n s s"], mask: Bool[np.ndarray, "n s s"]) -> Float[np.ndarray, "n s s"]:
    """Of the depth in the mask; 0 outside it."""
    return np.log(np.where(mask, depth, 1).astype(np.float64))


def _mean(values: Float[np.ndarray, "n s s"], mask: Bool[np.ndarray, "n s s"]) -> Float[np.ndarray, " n"]:
    """Over each image's mask; NaN where it is empty."""
    count = mask.sum(axis=(1, 2))
    total = np.where(mask, values, 0).sum(axis=(1, 2))
    return np.asarray(np.divide(total, count, out=np.full(len(mask), np.nan), where=count > 0))
