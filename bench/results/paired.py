"""Differences between two records of one task, by a paired bootstrap over the items that both scored.

Two methods that err on the same items differ more surely than their intervals, each for itself, tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.errors import BenchError, suggestion
from datasets.streams import generator
from tasks.metrics.paired import STATISTICS


@dataclass(frozen=True)
class Difference:
    """`value` = second - first, with its 95 % interval; `paired` by resampled items, else by the records' intervals
    taken as independent."""

    value: float
    low: float
    high: float
    paired: bool

    @property
    def significant(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def differences(first: Record, second: Record, store: Store, other: Store | None = None) -> dict[str, Difference]:
    """The difference of each metric that both records have.

    `other` is the second record's store where it is another one. Records whose arrays are of the same items
    (`Record.per_item`) are compared item by item; metrics that those say nothing of, and other records, by their
    intervals; a metric without those is left out.

    Raises BenchError where a record names a statistic that `tasks.metrics.paired` does not have.
    """
    names = [name for name in first.metrics if name in second.metrics]
    drawn = _resampled(first, second, names, store, other or store)
    found = {}
    for name in names:
        value = second.metrics[name] - first.metrics[name]
        if name in drawn:
            low, high = np.percentile(drawn[name], [2.5, 97.5])
            found[name] = Difference(value, float(low), float(high), paired=True)
        elif name in first.intervals and name in second.intervals:
            half = np.hypot(_half(first, name), _half(second, name))
            found[name] = Difference(value, float(value - half), float(value + half), paired=False)
    return found


def _half(record: Record, name: str) -> float:
    return (record.intervals[name].high - record.intervals[name].low) / 2


def _resampled(
    first: Record, second: Record, names: Sequence[str], store: Store, other: Store
) -> dict[str, np.ndarray]:
    """Differences over resamples by metric, where both records hold the same items."""
    for record in (first, second):
        if record.per_item.statistic not in STATISTICS:
            hint = suggestion(record.per_item.statistic, STATISTICS, "name one of those")
            raise BenchError(
                f"{record.name}: unknown per-item statistic {record.per_item.statistic!r}; "
                f"known: {', '.join(STATISTICS)}; {hint}"
            )
    same = [(record.per_item.statistic, record.per_item.identity) for record in (first, second)]
    if same[0] != same[1]:
        return {}
    (statistic, identity), before, after = same[0], predictions_of(first, store), predictions_of(second, other)
    if identity not in before or identity not in after or not np.array_equal(before[identity], after[identity]):
        return {}
    return STATISTICS[statistic](before, after, names, generator(0, "paired", first.task))
