"""How far groups of features say the same: the mean absolute Pearson correlation between them (PDR, section 5)."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import ClassVar

import numpy as np
from jaxtyping import Shaped
from pydantic import Field

from datasets.errors import NotApplicable
from tasks.base import EvaluationInputs, Task, TaskConfig
from tasks.groups.features import changing, grouped_features, standardised
from tasks.results import Heatmap, Metric, Scores

# Memory of a block of standardised columns.
BLOCK_BYTES = 64 * 2**20


class CorrelationConfig(TaskConfig):
    """On which images."""

    dataset: str = Field(description="registry name of the dataset")


class Correlation(Task):
    """Pearson correlation between every unit of one group and every unit of another, over a dataset's images; its
    absolute value, averaged over the pairs of units. Less is more disentangled.

    Methods whose features have no groups of their own are not applicable.
    """

    Config: ClassVar[type[TaskConfig]] = CorrelationConfig
    requires: ClassVar[frozenset[str]] = frozenset({"groups"})
    metrics = (Metric("mean_pcc", higher_is_better=False, ranked=False, cites=("klinghoffer2022pdr",)),)

    def __init__(self, config: CorrelationConfig) -> None:
        super().__init__(config)
        self.dataset = config.dataset

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores `mean_pcc`, the mean over the pairs of groups; `details["pcc"]` has `mean`, the names of the `groups`,
        and each of the `pairs`, as `geometry-albedo`.

        Units that never change (a unit that is off, say) correlate with nothing: they are left out and counted in
        `constant`, and so is a pair with a group of nothing else.

        Raises NotApplicable where less than two groups change.
        """
        groups = grouped_features(inputs.model().feature_groups, inputs)
        constant = {name: values.shape[1] - int(changing(values).sum()) for name, values in groups.items()}
        pairs = {
            f"{one}-{other}": mean_absolute_correlation(groups[one], groups[other])
            for one, other in combinations([name for name in groups if constant[name] < groups[name].shape[1]], 2)
        }
        if not pairs:
            raise NotApplicable(f"less than two groups of features change on {inputs.dataset.label}")
        mean = float(np.mean(list(pairs.values())))
        details = {"mean": mean, "groups": list(groups), "pairs": pairs, "constant": constant}
        return Scores({"mean_pcc": mean}, charts=[_chart(list(groups), pairs)], details={"pcc": details})


def _chart(groups: Sequence[str], pairs: Mapping[str, float]) -> Heatmap:
    """The pairs as a symmetric matrix; nothing on its diagonal, or for a group that never changes."""
    values = tuple(
        tuple(pairs.get(f"{one}-{other}", pairs.get(f"{other}-{one}")) for other in groups) for one in groups
    )
    return Heatmap("mean absolute correlation between groups of features", tuple(groups), tuple(groups), values)


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
