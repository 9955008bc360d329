"""Scenes of images as a camera sees them: true, predicted, or made up without a look at the image; and their errors."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Shaped

from datasets.base import Dataset, shortened
from datasets.derendered import Derendered
from datasets.errors import BenchError
from datasets.normals import FIELD_OF_VIEW, depth_normals
from tasks.metrics.scenes import (
    albedo_error,
    angles,
    inner,
    mean_angle_deviation,
    rotation_angles,
    rotations,
    scale_invariant_depth_error,
)

# How far a rotation matrix may be from orthonormal.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Scenes:
    """`datasets.derendered.Derendered` of n images, in memory, with the normals of their depth maps."""

    depth: Shaped[np.ndarray, "n s s"]
    normal: Shaped[np.ndarray, "n s s 3"]
    albedo: Shaped[np.ndarray, "n s s 3"]
    covered: Bool[np.ndarray, "n s s"]
    light: Shaped[np.ndarray, "n 3"]
    rotation: Shaped[np.ndarray, "n 3 3"]

    def first(self, count: int) -> "Scenes":
        """Those of the first images."""
        return Scenes(**{part.name: getattr(self, part.name)[:count] for part in fields(self)})


def truth_of(dataset: Dataset) -> dict[str, np.ndarray]:
    """The columns of a dataset's truth that `true_scenes` takes; a BenchError where it has not all of them.

    `field_of_view` (n,), the camera's in degrees, is taken where there is one, and must be the same for all images.
    """
    count, size = len(dataset), dataset.size
    shapes = {
        "depth": (count, size, size),
        "albedo": (count, size, size, 3),
        "coverage": (count, size, size),
        "light": (count, 5),
        "view": (count, 6),
    }
    for name, shape in shapes.items():
        if name not in dataset.truth:
            found = shortened(sorted(dataset.truth)) or "none"
            raise BenchError(f"{dataset.label}: this task needs the true {name} of each image; its truth is: {found}")
        if dataset.truth[name].shape != shape:
            raise BenchError(f"{dataset.label}: its true {name} is {dataset.truth[name].shape}, expected {shape}")
    columns = {name: dataset.truth[name] for name in shapes}
    if (field := dataset.truth.get("field_of_view")) is not None:
        if field.shape != (count,) or np.ptp(field) > 0:
            raise BenchError(f"{dataset.label}: its field_of_view must be one number per image, the same for all")
        columns["field_of_view"] = field
    return columns


def true_scenes(truth: Mapping[str, np.ndarray]) -> Scenes:
    """Scenes from rows of `truth_of`, in the conventions of `datasets.synthetic.faces.rendered.Rendered`.

    An object covers the pixels all of whose samples show it. Normals are those of the depth maps in the camera of
    `field_of_view`, where the truth has none in Unsup3D's.
    """
    field = float(truth["field_of_view"][0]) if "field_of_view" in truth else FIELD_OF_VIEW
    depth = truth["depth"].astype(np.float32)
    return Scenes(
        depth=depth,
        normal=depth_normals(depth, field),
        albedo=truth["albedo"].astype(np.float32),
        covered=truth["coverage"] == 1,
        light=truth["light"][:, 2:].astype(np.float64),
        rotation=rotations(truth["view"]),
    )


def predicted_scenes(found: Derendered, count: int, size: int) -> Scenes:
    """What a method says of `count` images; a BenchError where that is not what `Derendered` asks for."""
    shapes = {
        "depth": (count, size, size),
        "albedo": (count, 3, size, size),
        "covered": (count, size, size),
        "light": (count, 3),
        "rotation": (count, 3, 3),
    }
    values = {}
    for name, shape in shapes.items():
        tensor = getattr(found, name)
        if tuple(tensor.shape) != shape:
            raise BenchError(f"derender: {name} is {tuple(tensor.shape)}, expected {shape}")
        values[name] = tensor.cpu().numpy()
    seen, rotation = values["covered"].astype(bool), values["rotation"].astype(np.float64)
    _check("depth must be finite and positive where covered", bool((_finite(values["depth"]) > 0)[seen].all()))
    albedo = values["albedo"].transpose(0, 2, 3, 1)
    _check("albedo must be finite where covered", bool(np.isfinite(albedo[seen]).all()))
    _check("light must have a direction", bool((np.linalg.norm(_finite(values["light"]), axis=1) > 0).all()))
    squares = _finite(rotation) @ _finite(rotation).transpose(0, 2, 1)
    proper = np.abs(squares - np.eye(3)).max() < ROUNDING and bool((np.linalg.det(_finite(rotation)) > 0).all())
    _check("rotation must be a rotation matrix", bool(proper))
    return Scenes(
        depth=values["depth"],
        # What lies outside has no surface, and the normals of its neighbours are not scored.
        normal=depth_normals(np.where(seen, values["depth"], 1)),
        albedo=np.where(seen[..., None], albedo, 0),
        covered=seen,
        light=values["light"].astype(np.float64),
        rotation=rotation,
    )


def trivial_scenes(true: Scenes, light: Float[np.ndarray, " 3"]) -> Scenes:
    """What can be said without a look at the image: a grey plane everywhere that faces the camera, in `light`, seen
    from the front."""
    count, size = true.depth.shape[:2]
    return Scenes(
        depth=np.ones((count, size, size)),
        normal=np.broadcast_to([0.0, 0.0, 1.0], (count, size, size, 3)),
        albedo=np.ones((count, size, size, 3)),
        covered=np.ones((count, size, size), dtype=bool),
        light=np.tile(light, (count, 1)),
        rotation=np.tile(np.eye(3), (count, 1, 1)),
    )


def errors(predicted: Scenes, true: Scenes) -> dict[str, Float[np.ndarray, " n"]]:
    """Per image the metrics of `tasks.truth.task.Truth` that need no other image, and `covered`.

    Pixels count that both cover with all their neighbours (Unsup3D's released code); `covered` is their share of those
    that the true object covers so.
    """
    whole = inner(true.covered)
    both = whole & inner(predicted.covered)
    return {
        "side_percent": 100 * scale_invariant_depth_error(predicted.depth, true.depth, both),
        "normal_deg": mean_angle_deviation(predicted.normal, true.normal, both),
        "light_deg": angles(predicted.light, true.light),
        "view_deg": rotation_angles(predicted.rotation, true.rotation),
        "albedo_rmse": albedo_error(predicted.albedo, true.albedo, both),
        "covered": both.sum(axis=(1, 2)) / np.maximum(whole.sum(axis=(1, 2)), 1),
    }


def _finite(values: Shaped[np.ndarray, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
    """With 0 in place of what is no number."""
    return np.where(np.isfinite(values), values, 0)


def _check(demand: str, met: bool) -> None:
    if not met:
        raise BenchError(f"derender: {demand}; it is not in this method's scenes")
