"""What a scene truly looks like after a move: the rows of a dataset that show it."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from datasets.base import Dataset, shortened
from datasets.errors import BenchError

# What a move turns or moves; the columns of a dataset's `moved`, in order.
Axis = Literal["yaw", "pitch", "light"]
AXES: tuple[Axis, ...] = get_args(Axis)


def moves_of(dataset: Dataset) -> Float[np.ndarray, "n 3"]:
    """By how many degrees each image is moved from the one that it starts from, by `AXES`.

    Raises BenchError where the dataset has no such truth, no silhouettes, or does not say which images belong together.
    """
    count, size = len(dataset), dataset.size
    for name, shape in {"moved": (count, len(AXES)), "silhouette": (count, size, size)}.items():
        if name not in dataset.truth:
            found = shortened(sorted(dataset.truth)) or "none"
            raise BenchError(f"{dataset.label}: this task needs the true {name} of each image; its truth is: {found}")
        if dataset.truth[name].shape != shape:
            raise BenchError(f"{dataset.label}: its true {name} is {dataset.truth[name].shape}, expected {shape}")
    if "identity" not in dataset.labels:
        raise BenchError(f"{dataset.label}: this task needs the label identity, which says what belongs together")
    moved = np.asarray(dataset.truth["moved"], dtype=np.float64)
    if not np.isfinite(moved).all():
        raise BenchError(f"{dataset.label}: its true moved holds what is no number: expected angles in degrees")
    return moved


def starts_of(dataset: Dataset) -> Int[np.ndarray, " n"]:
    """The images that moves start from, ascending. Raises BenchError as `moves_of`, where there is none, and where a
    scene has several."""
    found = np.flatnonzero(~moves_of(dataset).any(axis=1))
    if not len(found):
        raise BenchError(f"{dataset.label} has no image to start from: none is moved by 0")
    if len(np.unique(np.asarray(dataset.labels["identity"])[found])) < len(found):
        raise BenchError(
            f"{dataset.label} has several images of a scene to start from: expected one that is moved by 0"
        )
    return found


def targets(dataset: Dataset, starts: Int[np.ndarray, " n"], axis: Axis) -> dict[float, Int[np.ndarray, " n"]]:
    """Of each angle about one axis, ascending, the images that show the scenes of `starts` moved by it and by nothing
    else; of 0 the images themselves.

    Raises BenchError where there is no such angle, or not one image of every scene at each.
    """
    moved, place = moves_of(dataset), AXES.index(axis)
    who = np.asarray(dataset.labels["identity"])
    alone = (np.delete(moved, place, axis=1) == 0).all(axis=1) & (moved[:, place] != 0)
    found = {0.0: starts}
    for angle in np.unique(moved[alone, place]).tolist():
        rows = np.flatnonzero(alone & (moved[:, place] == angle))
        at = {int(scene): int(row) for scene, row in zip(who[rows], rows, strict=True)}
        if len(at) < len(rows) or not set(who[starts].tolist()) <= at.keys():
            raise BenchError(f"{dataset.label}: expected one image of every scene with {axis} moved by {angle:g}")
        found[angle] = np.array([at[int(scene)] for scene in who[starts]])
    if len(found) == 1:
        raise BenchError(f"{dataset.label}: no image has its {axis} moved alone")
    return dict(sorted(found.items()))
