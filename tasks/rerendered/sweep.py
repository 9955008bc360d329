"""What a method renders of scenes at every angle about one axis, beside the truth."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from datasets.blocks import blocks, to_float
from datasets.errors import BenchError
from tasks.base import EvaluationInputs, Model
from tasks.contact_sheet import as_bytes
from tasks.metrics.likeness import likeness
from tasks.rerendered.targets import Axis, targets

BATCH = 32
# How far beyond [0, 1] a rendered value may be by rounding.
ROUNDING = 1e-4


@dataclass(frozen=True)
class Sweep:
    """n scenes at a angles about one axis.

    Attributes
    ----------
    angles: ascending; at 0 the scene is rendered as it was.
    true, rendered: the images.
    likeness: by measure (`tasks.metrics.likeness`), of each scene at each angle.
    """

    axis: Axis
    angles: Float[np.ndarray, " a"]
    true: UInt8[np.ndarray, "n a s s 3"]
    rendered: UInt8[np.ndarray, "n a s s 3"]
    likeness: dict[str, Float[np.ndarray, "n a"]]

    @property
    def new(self) -> Bool[np.ndarray, " a"]:
        """Which angles move anything."""
        return np.asarray(self.angles != 0)


def swept(method: Model, inputs: EvaluationInputs, starts: Int[np.ndarray, " n"], axis: Axis) -> Sweep:
    """Have a method render the scenes that `starts` show at every angle of the dataset.

    Raises BenchError where the dataset has no such truth (`targets`) or an empty silhouette, or the method gives no
    images.
    """
    dataset = inputs.dataset
    rows = targets(dataset, starts, axis)
    shape = (len(starts), len(rows), *dataset.images.shape[1:])
    true, rendered = (np.empty(shape, dtype=np.uint8) for _ in range(2))
    found: list[dict[str, np.ndarray]] = []
    what, done = f"{dataset.label}: {axis}", 0
    with torch.inference_mode():
        for chosen, given in blocks(
            dataset.images, starts, BATCH, device=inputs.device, progress=inputs.progress, what=what
        ):
            part = slice(done, done + len(chosen))
            scored: list[dict[str, np.ndarray]] = []
            for place, (angle, images) in enumerate(rows.items()):
                mask = np.asarray(dataset.truth["silhouette"][images[part]]).astype(bool)
                if not mask.any(axis=(1, 2)).all():
                    raise BenchError(f"{dataset.label}: a silhouette with {axis} moved by {angle:g} is empty")
                made = _checked(method.rerender(given, **{axis: angle}), given)
                true[part, place] = dataset.images[images[part]]
                rendered[part, place] = as_bytes(made.permute(0, 2, 3, 1).numpy())
                scored.append(likeness(made, to_float(true[part, place]), mask))
            found.append({name: np.stack([one[name] for one in scored], axis=1) for name in scored[0]})
            done += len(chosen)
    values = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    return Sweep(axis, np.array(list(rows)), true, rendered, values)


def _checked(made: object, given: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 s s"]:
    """What `rerender` gave of images, on the CPU and within [0, 1]; a BenchError where it is no image of each."""
    if not isinstance(made, Tensor) or made.shape != given.shape:
        shown = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
        raise BenchError(f"rerender gave {shown}: expected a tensor {tuple(given.shape)}")
    images = made.detach().float().cpu()
    if not bool(((images >= -ROUNDING) & (images <= 1 + ROUNDING)).all()):
        raise BenchError("rerender gave values that are no numbers in [0, 1]: expected images as it was given")
    return images.clamp(0, 1)
