"""How far groups of features say the same: the mean absolute Pearson correlation between them (PDR, section 5)."""

from collections.abc import Callable
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int, Shaped
from pydantic import Field

from datasets.base import Dataset, Progress
from datasets.errors import NotApplicable
from methods.learning import Trainer
from tasks.base import Model, Scores, TaskConfig, TrainingTask
from tasks.groups.features import changing, grouped_features, standardised

# Memory of a block of standardised columns.
BLOCK_BYTES = 64 * 2**20


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
    less_is_better: ClassVar[frozenset[str]] = frozenset({"mean_pcc"})
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
        """Scores `mean_pcc`, the mean over the pairs of groups; `details["pcc"]` has `mean`, the names of the `groups`,
        and each of the `pairs`, as `geometry-albedo`.

        Units that never change (a unit that is off, say) correlate with nothing: they are left out and counted in
        `constant`, and so is a pair with a group of nothing else.

        Raises NotApplicable where less than two groups change.
        """
        groups = grouped_features(model().feature_groups, dataset, frames, device, progress)
        constant = {name: values.shape[1] - int(changing(values).sum()) for name, values in groups.items()}
        pairs = {
            f"{one}-{other}": mean_absolute_correlation(groups[one], groups[other])
            for one, other in combinations([name for name in groups if constant[name] < groups[name].shape[1]], 2)
        }
        if not pairs:
            raise NotApplicable(f"less than two groups of features change on {dataset.label}")
        mean = float(np.mean(list(pairs.values())))
        details = {"mean": mean, "groups": list(groups), "pairs": pairs, "constant": constant}
        return Scores({"mean_pcc": mean}, details={"pcc": details})


def mean_absolute_correlation(one: Shaped[np.ndarray, "n d"], other: Shaped[np.ndarray, "n e"]) -> float:
    """Mean of |Pearson correlation| over all pairs of a column of `one` and a column of `other` that change; NaN where
    there is none."""
    width = max(1, BLOCK_BYTES // (8 * len(one)))
    rows, columns = np.flatnonzero(changing(one)), np.flatnonzero(changing(other))
    total = 0.0
    for start in range(0, len(rows), width):
        block = standardised(one[:, rows[start : start + width]])
        for first in range(0, len(columns), width):
            total += float(np.abs(block.T @ standardised(other[:, columns[first : first + width]])).sum())
    return total / (len(one) * len(rows) * len(columns)) if len(rows) and len(columns) else float("nan")
