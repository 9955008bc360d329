"""How far groups of features say the same: the mean absolute Pearson correlation between them (PDR, section 5)."""

from collections.abc import Callable
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field

from datasets.base import Dataset, Progress
from methods.learning import Trainer, to_float
from tasks.base import Model, Scores, TaskConfig, TrainingTask

BATCH = 256


class CorrelationConfig(TaskConfig):
    """On which images."""

    dataset: str = Field(description="registry name of the dataset")


class Correlation(TrainingTask):
    """Pearson correlation between every unit of one group and every unit of another, over a dataset's images; its
    absolute value, averaged over the pairs of units. Less is more disentangled.

    Methods whose features have no groups of their own are not applicable.
    """

    Config: ClassVar[type[TaskConfig]] = CorrelationConfig
    encodes: ClassVar[bool] = False
    metrics = ("mean_pcc",)

    def __init__(self, config: CorrelationConfig) -> None:
        super().__init__(config)
        self.dataset = config.dataset

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
        """Scores `mean_pcc`, the mean over the pairs of groups; `details["pcc"]` has `mean` and each of the `pairs`.

        Units that never change (a unit that is off, say) correlate with nothing: they are left out and counted in
        `constant`.
        """
        encoder, blocks = model(), dict[str, list[np.ndarray]]()
        starts = range(0, len(frames), BATCH)
        with torch.inference_mode():
            for start in progress.track(starts, total=len(starts), what=f"{dataset.label}: groups of features"):
                images = to_float(dataset.images[frames[start : start + BATCH]], device)
                for name, values in encoder.feature_groups(images).items():
                    blocks.setdefault(name, []).append(values.float().cpu().numpy())
        groups = {name: np.concatenate(parts) for name, parts in blocks.items()}
        pairs = {
            f"{one}-{other}": mean_absolute_correlation(groups[one], groups[other])
            for one, other in combinations(groups, 2)
        }
        mean = float(np.mean(list(pairs.values())))
        constant = {name: int((values.std(axis=0) == 0).sum()) for name, values in groups.items()}
        return Scores({"mean_pcc": mean}, details={"pcc": {"mean": mean, "pairs": pairs, "constant": constant}})


def mean_absolute_correlation(one: Float[np.ndarray, "n d"], other: Float[np.ndarray, "n e"]) -> float:
    """Mean of |Pearson correlation| over all pairs of a column of `one` and a column of `other` that change."""
    scaled = [standardised(values) for values in (one, other)]
    return float(np.abs(scaled[0].T @ scaled[1]).mean() / len(one))


def standardised(values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
    """Columns less their means over their standard deviations, in float64, without those that never change."""
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(np.square(centred).mean(axis=0))
    changing = values.std(axis=0) > 0
    return centred[:, changing] / deviation[changing]
