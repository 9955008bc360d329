"""The records of one method on one task as trainings of it: how many, their mean, and how it differs from another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev

import numpy as np
from jaxtyping import Float

from bench.grid.seeds import Seeds, varied
from bench.pipeline.records import Record
from bench.results.crossed import Estimate, Part, interaction, of_interval, of_trainings, of_units
from bench.results.resampled import Drawn

# From how many trainings on something is said of a method.
ENOUGH = 3

# What tells one training of a row from another: the seed of `fit`, or all seeds where that is one and the same.
Level = int | Seeds


@dataclass(frozen=True)
class Trainings:
    """The finished records of one method on one task that have a metric, one per seed.

    Attributes
    ----------
    drawn: of each record, its metrics on resamples of the units that all rows share, or None.
    """

    metric: str
    records: tuple[Record, ...]
    drawn: tuple[Drawn | None, ...]

    @cached_property
    def number(self) -> int:
        """How many different trainings stand behind the records; 0 for a row without any of its own.

        Weights that are the same whatever the seed are one training. Where a task trains a head on a method without
        weights, the heads are the trainings.
        """
        return len({_training(record) for record in self.records if record.varies_with_seed})

    @property
    def compared(self) -> bool:
        """Whether the row may be ranked and judged: of enough trainings, or without any of its own."""
        return self.number == 0 or self.number >= ENOUGH

    @property
    def over(self) -> str:
        """Which seeds vary among the records: `seeds` where all vary together, else their names."""
        return varied([record.all_seeds for record in self.records])

    @cached_property
    def levels(self) -> dict[Level, list[int]]:
        """Training -> places of its records, which differ in what the task drew."""
        fits = {record.all_seeds.fit for record in self.records}
        found: dict[Level, list[int]] = {}
        for place, record in enumerate(self.records):
            found.setdefault(record.all_seeds.fit if len(fits) > 1 else record.all_seeds, []).append(place)
        return found

    @cached_property
    def values(self) -> dict[Level, float]:
        """Training -> its score, the mean over its records."""
        return {
            level: fmean(score(self.records[place], self.metric) for place in places)
            for level, places in self.levels.items()
        }

    @property
    def mean(self) -> float:
        """Over trainings."""
        return fmean(self.values.values())

    @property
    def sd(self) -> float | None:
        """Standard deviation over trainings; None for less than three, and for a row without any."""
        return stdev(self.values.values()) if min(self.number, len(self.values)) >= ENOUGH else None

    @cached_property
    def estimate(self) -> Estimate:
        """The mean with what it varies by: over trainings from three on, and over the test set's units."""
        if not self.several:
            return Estimate(self.mean, self.units)
        return Estimate(self.mean, (of_trainings(list(self.values.values())), *self.units_alone))

    @property
    def several(self) -> bool:
        """Whether there are enough scores, and different ones, to say how they vary."""
        return len(self.values) >= ENOUGH and len(set(self.values.values())) > 1

    @property
    def units(self) -> tuple[Part, ...]:
        """What the mean varies by over the test set's units; nothing where that is not known.

        From resamples where all records keep their arrays, else from their own intervals, as if all trainings erred on
        the same units.
        """
        if (known := self.resampled(list(self.levels))) is not None:
            return (of_units(known[0].mean(axis=0), known[1]),)
        own = [record.intervals.get(self.metric) for record in self.records]
        found = [of_interval(interval.low, interval.high) for interval in own if interval is not None]
        return (Part(fmean(part.variance for part in found), found[0].freedom),) if found else ()

    @property
    def units_alone(self) -> tuple[Part, ...]:
        """`units` beside the trainings' own part: without the interaction of training and unit, which that part holds;
        with it where resamples do not tell."""
        if (known := self.resampled(list(self.levels))) is not None:
            return (of_units(known[0].mean(axis=0), known[1], interaction(known[0], known[1])),)
        return self.units

    @property
    def unit(self) -> str | None:
        """What the units are (`tracks`, `items`, `people`), as the records' intervals say, of the metric or, since a
        record's are all over the same units, of another; None without any."""
        own = [record.intervals[self.metric] for record in self.records if self.metric in record.intervals]
        intervals = own or [interval for record in self.records for interval in record.intervals.values()]
        return intervals[0].over if intervals else None

    def resampled(self, levels: Sequence[Level]) -> tuple[Float[np.ndarray, "s r"], int, str] | None:
        """The score of some trainings on each resample, the number of units and their universe; None where a record has
        no arrays for the metric, or records were scored on units of different kinds."""
        own = [[self.drawn[place] for place in self.levels[level]] for level in levels]
        flat = [drawn for drawns in own for drawn in drawns]
        if any(drawn is None or self.metric not in drawn.values for drawn in flat):
            return None
        known = [drawn for drawn in flat if drawn is not None]
        if len({drawn.universe for drawn in known}) > 1:
            return None
        means = [
            np.mean([drawn.values[self.metric] for drawn in drawns if drawn is not None], axis=0) for drawns in own
        ]
        return np.stack(means), known[0].units, known[0].universe


@dataclass(frozen=True)
class Difference:
    """Second less first.

    Attributes
    ----------
    estimate: with what it varies by.
    paired: whether over the same units, drawn together; else by both rows' own variation over units, as independent.
    """

    estimate: Estimate
    paired: bool

    @property
    def value(self) -> float:
        """Second less first."""
        return self.estimate.value

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.estimate.half

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.estimate.half


def difference(first: Trainings, second: Trainings) -> Difference:
    """How much more the second scores than the first.

    Trainings of the same seed are subtracted from each other where there are at least three such pairs; else all of
    both count, as independent. Over units likewise: the resamples of both are of the same draws where they can be.
    """
    common = [level for level in first.levels if level in second.levels]
    pairs = len(common) >= ENOUGH
    gains = [second.values[level] - first.values[level] for level in common]
    if pairs:
        value = fmean(gains)
        several = (len(set(gains)) > 1,) * 2
        parts = [of_trainings(gains)] if several[0] else []
    else:
        value = second.mean - first.mean
        several = (first.several, second.several)
        parts = [of_trainings(list(own.values.values())) for own in (first, second) if own.several]
    one, other = (common, common) if pairs else (list(first.levels), list(second.levels))
    before, after = first.resampled(one), second.resampled(other)
    paired = before is not None and after is not None and before[2] == after[2]
    if before is not None and after is not None and paired:
        units = before[1]
        # Each is as many trainings as its part is of.
        apart = (after[0] - before[0],) if pairs else (before[0], after[0])
        held = sum(interaction(drawn, units) for drawn, counted in zip(apart, several, strict=False) if counted)
        parts.append(of_units(after[0].mean(axis=0) - before[0].mean(axis=0), units, held))
    else:
        for own, counted in zip((first, second), several, strict=True):
            parts += own.units_alone if counted else own.units
    return Difference(Estimate(value, tuple(parts)), paired)


def score(record: Record, metric: str) -> float:
    """A record's score, of its metrics or of its secondary ones."""
    return record.metrics[metric] if metric in record.metrics else record.secondary[metric]


def _training(record: Record) -> tuple[object, ...]:
    """Equal for records of one training."""
    if record.weights_sha256 is not None:
        return (record.weights_sha256,)
    if record.training_dataset is not None or record.training:
        return (record.all_seeds.fit,)
    return ("head", record.all_seeds.evaluate)
