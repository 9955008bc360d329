"""Scenes taken apart for the eye: each image's true and predicted depth, normals and albedo side by side."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from tasks.contact_sheet import as_bytes, contact_sheet, panel
from tasks.metrics.scenes import best_gain
from tasks.results import Picture
from tasks.truth.scenes import Scenes

EMPTY = 0.5  # grey where there is no object
PICTURED = (
    "Images, and their true and predicted depth, normals and albedo. Near is bright. Predicted depth and albedo have "
    "the mean and the gain that fit the truth best, as they are scored."
)


def scene_picture(
    images: UInt8[np.ndarray, "n s s 3"], true: Scenes, predicted: Scenes, frames: Sequence[int]
) -> Picture:
    """A contact sheet with one row per image (at `frames` of the dataset), of the object alone; predictions are empty
    where they do not cover it.

    Near is bright, between each object's nearest and farthest true depth. Depth and albedo are shown as they are
    scored, with their mean log depth and their gain fitted to the truth. Normals are x, y, z as red, green, blue.
    """
    both = true.covered & predicted.covered
    gain = best_gain(predicted.albedo, true.albedo, both)[:, None, None, None]
    ratio = np.log(np.where(both, true.depth, 1)) - np.log(np.where(both, predicted.depth, 1))
    count = np.maximum(both.sum(axis=(1, 2), keepdims=True), 1)
    depth = predicted.depth * np.exp(ratio.sum(axis=(1, 2), keepdims=True) / count)
    near = np.where(true.covered, true.depth, np.inf).min(axis=(1, 2), keepdims=True)
    far = np.where(true.covered, true.depth, -np.inf).max(axis=(1, 2), keepdims=True)
    columns = {
        "input": images / 255,
        "true depth": _shown(((far - true.depth) / (far - near))[..., None].repeat(3, -1), true.covered),
        "depth": _shown(((far - depth) / (far - near))[..., None].repeat(3, -1), both),
        "true normals": _shown(true.normal / 2 + 0.5, true.covered),
        "normals": _shown(predicted.normal / 2 + 0.5, both),
        "true albedo": _shown(true.albedo, true.covered),
        "albedo": _shown(gain * predicted.albedo, both),
    }
    sheet = {name: as_bytes(pictures) for name, pictures in columns.items()}
    place = panel(sheet, names=[f"image {frame}" for frame in frames])
    return Picture(np.asarray(contact_sheet(sheet)), PICTURED, panels=(place,))


def _shown(values: Shaped[np.ndarray, "n s s 3"], mask: Bool[np.ndarray, "n s s"]) -> Shaped[np.ndarray, "n s s 3"]:
    return np.where(mask[..., None], values.clip(0, 1), EMPTY)
