"""Inverse rendering against ground truth: depth, normals, light, view and albedo of drawn faces, in two worlds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Shaped

from datasets.blocks import blocks
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task
from tasks.metrics.bootstrap import mean_interval
from tasks.metrics.scenes import canonical_offset, rotation_angles
from tasks.results import Caption, Metric, Picture, Scores
from tasks.truth.pictures import scene_picture
from tasks.truth.scenes import errors, predicted_scenes, trivial_scenes, true_scenes, truth_of

BATCH = 32
# Images on the picture.
SHOWN = 8


def _angle(name: str, *cites: str) -> Metric:
    return Metric(name, higher_is_better=False, unit="degrees", high=180.0, cites=cites)


DECLARED = (
    Metric("side_percent", higher_is_better=False, unit="%", high=None, cites=("wu2020unsup3d",)),
    _angle("normal_deg", "wu2020unsup3d"),
    _angle("light_deg"),
    _angle("view_deg"),
    _angle("view_aligned_deg"),
    Metric("albedo_rmse", higher_is_better=False),
)
METRICS = tuple(metric.name for metric in DECLARED)
# What each metric is of where nothing is known of the image; see `tasks.truth.scenes.trivial_scenes`.
TRIVIAL = dict(zip(METRICS, ("plane", "plane", "mean light", "frontal", "mean view", "grey"), strict=True))


class Truth(Task):
    """How far the scenes that a method takes images apart into are from those that the images were drawn from.

    Scored are the pixels that object and prediction both cover with all their neighbours (Unsup3D, section 4.1, and
    its released code). Each metric is a mean over images; less is better:

    True normals are those of the true camera, predicted ones those of Unsup3D's, which PDR supposes.

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

    requires: ClassVar[frozenset[str]] = frozenset({"derender"})
    dataset = "faces_truth"
    metrics = DECLARED
    # What a table says of how this dataset is scored.
    told: ClassVar[tuple[Caption, ...]] = ()

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
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
        dataset, frames = inputs.dataset, inputs.frames
        truth = truth_of(dataset)
        method, light = inputs.model(), truth["light"][frames, 2:].astype(np.float64).mean(axis=0)
        found, blank, copied = (list[dict[str, np.ndarray]]() for _ in range(3))
        pictures: dict[str, Picture] = {}
        what = f"{dataset.label}: scenes"
        shown = blocks(dataset.images, frames, BATCH, device=inputs.device, progress=inputs.progress, what=what)
        with torch.inference_mode():
            for chosen, given in shown:
                images = np.asarray(dataset.images[chosen])
                true = true_scenes({name: np.asarray(values[chosen]) for name, values in truth.items()})
                seen = predicted_scenes(method.derender(given), len(images), dataset.size)
                nothing = trivial_scenes(true, light)
                found.append({**errors(seen, true), "light": seen.light, "rotation": seen.rotation})
                blank.append({**errors(nothing, true), "rotation": nothing.rotation, "true": true.rotation})
                copied.append(errors(replace(nothing, albedo=images / 255), true))
                if not pictures:
                    pictures["scenes"] = scene_picture(
                        images[:SHOWN], true.first(SHOWN), seen.first(SHOWN), chosen[:SHOWN].tolist()
                    )
        values, without, copy = (_joined(parts) for parts in (found, blank, copied))
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
        covered = float(values["covered"].mean())
        return Scores(
            {name: float(errors_.mean()) for name, errors_ in known.items()},
            intervals={name: mean_interval(known[name], generator(inputs.seed, "bootstrap", name)) for name in METRICS},
            captions=[*self.told, _trivial_caption(trivial)],
            notes=_notes(covered, missed),
            predictions={**values, "frame": frames},
            pictures=pictures,
            details={"trivial": trivial, "scenes": {"covered": covered, "missed": missed}},
        )


class TruthUnmatched(Truth):
    """`Truth` on the same faces drawn with what PDR does not model (`datasets.synthetic.faces.beyond`)."""

    dataset = "faces_truth_unmatched"
    told = (
        Caption(
            "True normals are those of the dataset's camera, predicted ones those of PDR's; the light is the first "
            "alone."
        ),
    )


def _trivial_caption(trivial: Mapping[str, Mapping[str, float]]) -> Caption:
    """What each metric comes to without any model, by what is given in place of a prediction."""
    texts: list[str] = []
    shown: dict[str, float] = {}
    for metric, by_name in sorted(trivial.items()):
        keys = {name: f"{metric}_{name.replace(' ', '_')}" for name in by_name}
        texts.append(f"{metric} {', '.join(f'{{{key}:.3f}} ({name})' for name, key in keys.items())}")
        shown |= {key: by_name[name] for name, key in keys.items()}
    return Caption(f"Without a model: {'; '.join(texts)}.", shown)


def _notes(covered: float, missed: int) -> list[str]:
    """Where the scenes that a method takes images apart into are not scored."""
    notes = [f"its scenes cover {100 * covered:.0f} % of the objects, where alone their maps are scored"]
    if missed:
        notes.append(f"maps of {missed} images cover nothing of the object and are left out")
    return notes


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, Shaped[np.ndarray, "n *shape"]]:
    """The images' values block after block, by name."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
