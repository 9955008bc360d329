"""How two runs' rows differ: over trainings and over the units of the test set, both in pairs where they can be."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.resampled import resampled
from bench.results.trainings import Difference, Trainings, difference

Kept = tuple[Record, Store]


@dataclass(frozen=True)
class Change:
    """One metric of one method on one task, in two runs."""

    before: Trainings
    after: Trainings
    difference: Difference

    @property
    def judged(self) -> bool:
        """Whether both runs have enough trainings to say that a difference is more than chance."""
        return self.before.compared and self.after.compared


def changes(first: Sequence[Kept], second: Sequence[Kept]) -> dict[str, Change]:
    """The change of each metric that both runs have.

    Parameters
    ----------
    first, second: the finished records of one method and task, one per seed, each with its store.

    Raises BenchError where a record names a statistic that `tasks.metrics.paired` does not have.
    """
    drawn = resampled([*first, *second])
    found = {}
    for name in dict.fromkeys(name for record, _ in first for name in record.metrics):
        rows = []
        for kept, values in ((first, drawn[: len(first)]), (second, drawn[len(first) :])):
            own = [place for place, (record, _) in enumerate(kept) if name in record.metrics]
            records, places = tuple(kept[place][0] for place in own), tuple(values[place] for place in own)
            rows.append(Trainings(name, records, places))
        if all(row.records for row in rows):
            found[name] = Change(rows[0], rows[1], difference(rows[0], rows[1]))
    return found
