"""Inverse rendering against ground truth: depth, normals, light, view and albedo of drawn faces."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int, Shaped

from datasets.base import Dataset, Progress
from datasets.errors import BenchError
from datasets.streams import generator
from methods.learning import Trainer, to_float
from tasks.base import Model, Scores, TrainingTask
from tasks.metrics.bootstrap import mean_interval
from tasks.metrics.scenes import canonical_offset, rotation_angles
from tasks.truth.scenes import errors, predicted_scenes, trivial_scenes, true_scenes, truth_of
from tasks.truth.sheet import truth_sheet

BATCH = 32
# Images on the picture.
SHOWN = 8
METRICS = ("side_percent", "normal_deg", "light_deg", "view_deg", "view_aligned_deg", "albedo_rmse")
# What each metric is of where nothing is known of the image; see `inverse_scenes.trivial_scenes`.
TRIVIAL = dict(zip(METRICS, ("plane", "plane", "mean light", "frontal", "mean view", "grey"), strict=True))


class Truth(TrainingTask):
    """How far the scenes that a method takes images apart into are from those that the images were drawn from.

    Scored are the pixels that object and prediction both cover with all their neighbours (Unsup3D, section 4.1, and
    its released code). Each metric is a mean over images; less is better:

    side_percent: scale-invariant depth error: 100 times the standard deviation of log depth, so percent of depth.
    normal_deg: mean angle between the normals of the true and of the predicted depth map.
    light_deg: angle between the directions of light in camera space, where no canonical pose matters.
    view_deg: angle of the rotation between the true and the predicted orientation of the object.
    view_aligned_deg: the same once the method's canonical pose is turned by the one rotation that fits all images
        best, since that pose is a convention (symmetry decides its yaw and roll, and nothing its pitch).
    albedo_rmse: root mean square difference of albedo in [0, 1], in the images' own values (they are drawn without a
        gamma), after the best gain per image, one for all channels.

    Methods that take no image apart are not applicable.
    """

    encodes: ClassVar[bool] = False
    derenders: ClassVar[bool] = True
    less_is_better: ClassVar[frozenset[str]] = frozenset(METRICS)
    dataset = "faces_truth"
    metrics = METRICS

    def evaluate(
        self,
        features: Any,
        model: Callable[[], Model],
        dataset: Dataset,
        *,
        frames: Int[np.ndarray, " m"],
        seed: int,
        trainer: Trainer,
        device: str,
        progress: Progress,
    ) -> Scores:
        """Scores as the class says, with bootstrap intervals over images (of the alignment found, not finding it).

        `predictions` has per image each metric, whose mean without NaN is the score; `covered`, the share of the
        object's pixels that were scored; `light` and `rotation` as predicted; and `frame`. An image whose prediction
        misses the object has no depth, normals or albedo to score (NaN): `details["scenes"]` counts those as
        `missed` and has the mean share that is `covered`.

        `details["trivial"]` has for each metric by name what is scored without a look at the image: by a `plane` that
        faces the camera, the images' own `mean light`, the `frontal` or their `mean view`, `grey` for all albedo; and
        by the `input` itself as albedo. These are scored wherever the object is.

        Raises BenchError where the dataset's truth or the method's scenes are not what they should be, and where no
        prediction covers any object.
        """
        truth = truth_of(dataset)
        method, light = model(), truth["light"][frames, 2:].astype(np.float64).mean(axis=0)
        found, blank, copied = (list[dict[str, np.ndarray]]() for _ in range(3))
        picture: np.ndarray | None = None
        starts = range(0, len(frames), BATCH)
        with torch.inference_mode():
            for start in progress.track(starts, total=len(starts), what=f"{dataset.label}: scenes"):
                chosen = frames[start : start + BATCH]
                images = np.asarray(dataset.images[chosen])
                true = true_scenes({name: np.asarray(values[chosen]) for name, values in truth.items()})
                seen = predicted_scenes(method.derender(to_float(images, device)), len(images), dataset.size)
                nothing = trivial_scenes(true, light)
                found.append({**errors(seen, true), "light": seen.light, "rotation": seen.rotation})
                blank.append({**errors(nothing, true), "rotation": nothing.rotation, "true": true.rotation})
                copied.append(errors(replace(nothing, albedo=images / 255), true))
                if picture is None:
                    picture = truth_sheet(images[:SHOWN], true.first(SHOWN), seen.first(SHOWN))
        values, without, copy = (_joined(blocks) for blocks in (found, blank, copied))
        true_rotation = without.pop("true")
        for scored in (values, without):
            offset = canonical_offset(scored["rotation"], true_rotation)
            scored["view_aligned_deg"] = rotation_angles(scored["rotation"], true_rotation @ offset)
        missed = int(np.isnan(values["side_percent"]).sum())
        if missed == len(frames):
            raise BenchError(f"{dataset.label}: no predicted scene covers its object: see what the training came to")
        known = {name: values[name][~np.isnan(values[name])] for name in METRICS}
        trivial = {name: {TRIVIAL[name]: float(np.nanmean(without[name]))} for name in METRICS}
        trivial["albedo_rmse"]["input"] = float(np.nanmean(copy["albedo_rmse"]))
        return Scores(
            {name: float(errors_.mean()) for name, errors_ in known.items()},
            intervals={name: mean_interval(known[name], generator(seed, "bootstrap", name)) for name in METRICS},
            predictions={**values, "frame": frames},
            pictures={} if picture is None else {"scenes": picture},
            details={"trivial": trivial, "scenes": {"covered": float(values["covered"].mean()), "missed": missed}},
        )


def _joined(blocks: Sequence[dict[str, np.ndarray]]) -> dict[str, Shaped[np.ndarray, "n *shape"]]:
    """The images' values block after block, by name."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
