"""The groups that features have by nature, of many images; and their columns made comparable."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from datasets.base import Dataset, Progress
from methods.learning import to_float

# Images encoded at once.
BATCH = 256


def grouped_features(
    encode: Callable[[Tensor], Mapping[str, Tensor]],
    dataset: Dataset,
    frames: Int[np.ndarray, " m"],
    device: str,
    progress: Progress,
) -> dict[str, Shaped[np.ndarray, "m _"]]:
    """A method's `feature_groups` of the images `frames`, by name: float32, or uint8 where all are 0 or 1.

    Raises NotApplicable where `encode` does.
    """
    blocks = dict[str, list[np.ndarray]]()
    starts = range(0, len(frames), BATCH)
    with torch.inference_mode():
        for start in progress.track(starts, total=len(starts), what=f"{dataset.label}: groups of features"):
            images = to_float(dataset.images[frames[start : start + BATCH]], device)
            for name, values in encode(images).items():
                blocks.setdefault(name, []).append(compact(values.float().cpu().numpy()))
    return {name: np.concatenate(parts) for name, parts in blocks.items()}


def compact(values: Float[np.ndarray, "b d"]) -> Shaped[np.ndarray, "b d"]:
    """Zeros and ones in a byte each, anything else as it is."""
    return values.astype(np.uint8) if ((values == 0) | (values == 1)).all() else values


def changing(values: Shaped[np.ndarray, "n d"]) -> Bool[np.ndarray, " d"]:
    """Which columns are not the same in every row."""
    return (values != values[:1]).any(axis=0)


def standardised(values: Shaped[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Columns less their means over their standard deviations, in float64; zeros for a column that never changes."""
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(np.square(centred).mean(axis=0))
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=changing(values))
