"""Records of one task on the same resamples of its units, from the arrays of predictions that they keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from jaxtyping import Float, Shaped

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.errors import BenchError, suggestion
from datasets.streams import generator
from tasks.metrics.paired import STATISTICS, Scorer, resamples

# Enough for variances: a standard error has a relative error of 2 %.
RESAMPLES = 1000
# Resamples scored at once: their weights are held in memory.
BLOCK = 200


@dataclass(frozen=True)
class Drawn:
    """A record's metrics on resamples of units.

    Attributes
    ----------
    universe: what was resampled; two records' values of one universe are of the same draws.
    units: how many units that universe has.
    values: metric -> its value in each resample; without metrics that the arrays say nothing of.
    """

    universe: str
    units: int
    values: dict[str, Float[np.ndarray, " r"]]


@dataclass(frozen=True)
class _Kept:
    """A record whose arrays can be resampled: the unit that each item belongs to, and what scores weighted items."""

    place: int
    universe: str
    unit: Shaped[np.ndarray, " n"]
    score: Scorer


def resampled(kept: Sequence[tuple[Record, Store]]) -> list[Drawn | None]:
    """Each record's metrics on resamples, None where it keeps no arrays that say how its scores follow.

    Units are what `PerItem.groups` names, whole, and single items where it names nothing. Records that name the same
    units share their draws, whichever of them each was scored on: the test images that two seeds choose may differ.

    Parameters
    ----------
    kept: finished records of one task, each with the store that holds its arrays.

    Raises BenchError where a record names a statistic that `tasks.metrics.paired` does not have.
    """
    found: dict[str, list[_Kept]] = {}
    for place, (record, store) in enumerate(kept):
        one = _kept(place, record, store)
        if one is not None:
            found.setdefault(one.universe, []).append(one)
    drawn: list[Drawn | None] = [None] * len(kept)
    for universe, members in found.items():
        units, task = np.unique(np.concatenate([one.unit for one in members])), kept[members[0].place][0].task
        if len(units) < 2:
            continue
        numbers = [np.searchsorted(units, one.unit) for one in members]
        rng, blocks = generator(0, "units", task), [list[dict[str, np.ndarray]]() for _ in members]
        for _ in range(RESAMPLES // BLOCK):
            weights = resamples(len(units), BLOCK, rng).astype(float)
            for one, number, values in zip(members, numbers, blocks, strict=True):
                values.append(one.score(weights[:, number]))
        for one, values in zip(members, blocks, strict=True):
            joined = {name: np.concatenate([block[name] for block in values]) for name in values[0]}
            drawn[one.place] = Drawn(universe, len(units), joined)
    return drawn


def _kept(place: int, record: Record, store: Store) -> _Kept | None:
    """A record whose arrays are there, as it is resampled."""
    about = record.per_item
    if about.statistic not in STATISTICS:
        hint = suggestion(about.statistic, STATISTICS, "name one of those")
        raise BenchError(
            f"{record.name}: unknown per-item statistic {about.statistic!r}; known: {', '.join(STATISTICS)}; {hint}"
        )
    predictions = predictions_of(record, store)
    named = about.groups or about.identity
    if named not in predictions:
        return None
    score = STATISTICS[about.statistic](predictions, [*record.metrics, *record.secondary])
    if score is None:
        return None
    unit = np.asarray(predictions[named])
    universe = f"{about.statistic} by {named}"
    if not about.groups and len(np.unique(unit)) < len(unit):
        # Not names of items, but what they have in a fixed order: they are the same items where all of that is equal.
        universe += f" {sha256(np.ascontiguousarray(unit).tobytes()).hexdigest()}"
        unit = np.arange(len(unit))
    return _Kept(place, universe, unit, score)
