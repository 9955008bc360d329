"""What a method says of yaw, pitch and light azimuth, against the truth, in batches in which only one factor varies."""

from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int

from datasets.base import Dataset
from datasets.blocks import blocks
from datasets.controlled import ANGLES, FACTORS, INTRINSIC, controlled_batches
from datasets.errors import BenchError, NotApplicable
from datasets.features import as_features
from datasets.scene_factors import SceneFactors
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task
from tasks.factor_codes.scores import IN_USE, FactorCodes
from tasks.results import Caption, Curve, Metric, Scores

BATCH = 64
# Bins of the angle on the charts.
BINS = 12
NAMES = FACTORS[:INTRINSIC]


def _metrics(name: str) -> tuple[Metric, ...]:
    """Those of one factor."""
    sides = (Metric("azimuth_abs_spearman"),) if name == "azimuth" else ()
    return (
        Metric(f"{name}_spearman"),
        *sides,
        Metric(f"{name}_r2"),
        Metric(f"{name}_share", ranked=False),
        Metric(f"{name}_drift", higher_is_better=False, high=None),
    )


class FactorCodesTask(Task):
    """What a method declares for azimuth, elevation and the light's azimuth: latents, or angles that it predicts.

    Within the batches in which a factor varies:

    NAME_spearman: rank correlation of what is declared for it with the true angle, without its sign.
    azimuth_abs_spearman: the same with the angle's absolute value, for codes that do not tell the sides apart.
    NAME_r2: share of the angle's variance that a linear function of what is declared explains.
    NAME_share: variance of what is declared, as a share of that of the whole code; both within batches. Correlation
        alone does not tell a code whose factors are apart from one in which a factor moves everything.
    NAME_drift: variance of what is declared within batches in which its factor does not vary but who is shown does, as
        a share of its variance over all images: 0 where it answers to nothing else, about 1 where it knows nothing of
        its factor. A code that never changes has 0 of all others, and a drift of 1.
    in_use: numbers of the code that vary by more than 1 % of the prior's variance.
    """

    requires: ClassVar[frozenset[str]] = frozenset({"scene_factors"})
    dataset = "faces_factors_test"
    cites: ClassVar[tuple[str, ...]] = ("kulkarni2015dcign",)
    metrics = (
        *(metric for name in NAMES for metric in _metrics(name)),
        Metric("in_use", higher_is_better=None, high=None, ranked=False, cites=("burda2016iwae",)),
    )

    def tested(self, dataset: Dataset, frames: Int[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
        """Nothing of a part: what batches tell is told by all of them together."""
        raise NotApplicable("factor codes are scored on whole batches of every factor: run this task without --limit")

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores as the class says, with bootstrap intervals over batches.

        `predictions` has per image `frame`, its `batch`, `factor` (of `datasets.controlled.FACTORS`), the true `angles`
        (n, 3) in degrees, and `declared` (n, k) for the factors that `details["declared"]` names; `details["within"]`
        has the rank correlation within single batches, the median over a factor's.

        Raises BenchError where the dataset has no batches in which one factor varies, or the method's numbers are not
        what they should be.
        """
        dataset, frames = inputs.dataset, inputs.frames
        batches = controlled_batches(dataset)
        values, code = declared(inputs)
        found = FactorCodes(values, code, batches)
        metrics = found.metrics()
        return Scores(
            {**metrics, "in_use": float(found.in_use)},
            intervals=found.intervals(generator(inputs.seed, "bootstrap")),
            captions=[
                Caption(
                    "share: of the variance within batches in which a factor varies, the part of what is declared for "
                    "it; of PDR's code, its angles alone. drift: its variance within batches in which the factor does "
                    "not vary, as a share of all of its variance. in_use: numbers of the code whose variance exceeds "
                    f"{IN_USE:g}."
                )
            ],
            charts=[
                Curve(
                    f"what is declared for {name}, by the true angle",
                    f"{ANGLES[name].replace('_', ' ')} in degrees",
                    "mean, in standard deviations",
                    tuple(angles.tolist()),
                    tuple(means.tolist()),
                )
                for name, angles, means in found.curves(BINS)
            ],
            predictions={
                "frame": frames.astype(np.int64),
                "batch": np.asarray(dataset.labels["batch"], dtype=np.int64),
                "factor": batches.of_image,
                "angles": batches.angles.astype(np.float32),
                "declared": np.stack(list(values.values()), axis=1),
            },
            details={"declared": list(values), "code": code.shape[1], "within": found.within()},
        )


class FactorCodesCars(FactorCodesTask):
    """`FactorCodesTask` of drawn cars: a camera's azimuth and elevation, and the light's azimuth before it."""

    dataset = "cars_factors_test"
    domain = "cars"


def declared(inputs: EvaluationInputs) -> tuple[dict[str, Float[np.ndarray, " n"]], Float[np.ndarray, "n d"]]:
    """What the method declares of every image, by factor, and its code; float32.

    Raises BenchError where that is not one finite number per image, or of no factor.
    """
    dataset, method = inputs.dataset, inputs.model()
    parts: dict[str, list[np.ndarray]] = {}
    codes = []
    what = f"{dataset.label}: view and light"
    shown = blocks(dataset.images, inputs.frames, BATCH, device=inputs.device, progress=inputs.progress, what=what)
    with torch.inference_mode():
        for chosen, images in shown:
            found: object = method.scene_factors(images)
            if not isinstance(found, SceneFactors):
                raise BenchError(f"scene_factors gave a {type(found).__name__}: expected SceneFactors")
            if not found.values or (unknown := sorted(set(found.values) - set(NAMES))):
                given = "nothing" if not found.values else unknown[0]
                raise BenchError(f"scene_factors declares {given}: expected some of {', '.join(NAMES)}")
            for name, values in found.values.items():
                column = as_features(values.reshape(-1, 1), len(chosen), f"scene_factors, {name}")
                parts.setdefault(name, []).append(column[:, 0])
            codes.append(as_features(found.code, len(chosen), "scene_factors, the code"))
    return {name: np.concatenate(parts[name]) for name in NAMES if name in parts}, np.concatenate(codes)
