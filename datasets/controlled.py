"""Batches of images in which one factor of the scene varies while all others stay, as a dataset stores them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from datasets.base import Dataset
from datasets.errors import BenchError

# The factors, in the order of DC-IGN's code: azimuth and elevation from which the object is seen, azimuth of the light,
# and all the rest (who or what it is, and what is around it). Classes of the label kind `factor`.
FACTORS = ("azimuth", "elevation", "light", "intrinsic")
INTRINSIC = FACTORS.index("intrinsic")
# The column of the truth with the angle, in degrees, of each factor but the last.
ANGLES = {"azimuth": "yaw", "elevation": "pitch", "light": "light_azimuth"}


@dataclass(frozen=True)
class ControlledBatches:
    """The k batches of a dataset.

    Attributes
    ----------
    rows: indices of the images of each, ascending.
    factor: what varies in each, an index of `FACTORS`.
    angles: yaw, pitch and light azimuth of every image, in degrees; see `ANGLES`.
    """

    rows: Int[np.ndarray, "k b"]
    factor: Int[np.ndarray, " k"]
    angles: Float[np.ndarray, "n 3"]

    @property
    def of_image(self) -> Int[np.ndarray, " n"]:
        """What varies in the batch of each image."""
        found = np.empty(self.rows.size, dtype=np.int64)
        found[self.rows] = self.factor[:, None]
        return found

    def of_factor(self, factor: int) -> Int[np.ndarray, "m b"]:
        """The batches in which `factor` varies."""
        return np.asarray(self.rows[self.factor == factor])


def controlled_batches(dataset: Dataset) -> ControlledBatches:
    """The batches that a dataset stores: by its labels `batch` and `factor`, and angles among its truth.

    Raises
    ------
    BenchError
        Where it has none, or they are not what they should be: all of one size, of one factor each, some of every
        factor.
    """
    label = dataset.label
    missing = [kind for kind in ("batch", "factor") if kind not in dataset.labels]
    missing += [column for column in ANGLES.values() if column not in dataset.truth]
    if missing:
        raise BenchError(
            f"{label} has no {missing[0]}: expected batches in which one factor of the scene varies, with the labels "
            "batch and factor and the true angles, as faces_factors has"
        )
    if dataset.classes.get("factor") != FACTORS:
        raise BenchError(f"{label}: classes of factor are {dataset.classes.get('factor')}: expected {FACTORS}")
    batch, factor = (np.asarray(dataset.labels[kind], dtype=np.int64) for kind in ("batch", "factor"))
    columns = [np.asarray(dataset.truth[column], dtype=np.float64) for column in ANGLES.values()]
    if any(values.shape != (len(dataset),) for values in (batch, factor, *columns)):
        raise BenchError(f"{label}: batch, factor and angles must be one number per image")
    angles = np.stack(columns, axis=-1)
    if not np.isfinite(angles).all():
        raise BenchError(f"{label}: its true angles are not all finite numbers")
    _, sizes = np.unique(batch, return_counts=True)
    if sizes.min() != sizes.max() or sizes[0] < 2:
        raise BenchError(f"{label}: batches of {sizes.min()} to {sizes.max()} images: expected one size, at least 2")
    rows = np.argsort(batch, kind="stable").reshape(len(sizes), sizes[0])
    kinds = factor[rows]
    if (kinds != kinds[:, :1]).any():
        raise BenchError(f"{label}: a batch has images of several factors: expected one that varies in each")
    lacking = [name for place, name in enumerate(FACTORS) if place not in kinds]
    if lacking or kinds.min() < 0:
        raise BenchError(f"{label}: expected batches of every factor, it has none of {lacking[0] if lacking else '-1'}")
    return ControlledBatches(rows, kinds[:, 0], angles)
