"""The groups that features have by nature, of many images; and their columns made comparable."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from datasets.blocks import blocks
from datasets.features import as_features
from tasks.base import EvaluationInputs

# Images encoded at once.
BATCH = 256


def grouped_features(
    encode: Callable[[Tensor], Mapping[str, Tensor]], inputs: EvaluationInputs
) -> dict[str, Shaped[np.ndarray, "m _"]]:
    """A method's `feature_groups`, which `encode` is, of the m images `inputs.frames`, by name: float32, or uint8 where
    all are 0 or 1.

    Raises NotApplicable where `encode` does.
    """
    found = dict[str, list[np.ndarray]]()
    what = f"{inputs.dataset.label}: groups of features"
    images = blocks(
        inputs.dataset.images, inputs.frames, BATCH, device=inputs.device, progress=inputs.progress, what=what
    )
    with torch.inference_mode():
        for _, block in images:
            for name, values in encode(block).items():
                found.setdefault(name, []).append(compact(as_features(values, len(block), f"the group {name}")))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def compact(values: Float[np.ndarray, "b d"]) -> Shaped[np.ndarray, "b d"]:
    """Zeros and ones in a byte each, anything else as it is."""
    return values.astype(np.uint8) if ((values == 0) | (values == 1)).all() else values


def changing(values: Shaped[np.ndarray, "n d"]) -> Bool[np.ndarray, " d"]:
    """Which columns are not the same in every row."""
    return np.asarray((values != values[:1]).any(axis=0))


def standardised(values: Shaped[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Columns less their means over their standard deviations, in float64; zeros for a column that never changes."""
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(np.square(centred).mean(axis=0))
    return np.asarray(np.divide(centred, deviation, out=np.zeros_like(centred), where=changing(values)))
