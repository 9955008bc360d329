"""Which rows of a column can be told from the best one, and from `random_init`: the one rule behind everything bold.

Rows of fewer than three trainings are left out, and nothing is said where that leaves one row alone. A difference is
taken in pairs, of trainings of one seed and over the same units of the test set (`bench.results.trainings.difference`),
and its probabilities are corrected by Holm's procedure (1979) over the rows.

Which row is the best, the same data say: it may be any, so what is corrected for are all pairs of rows. Corrected for
the other rows alone, of nine that are alike in truth one or more would lose its mark far more often than it says. As it
is, that happens in 1 to 5 of 100 tables at three trainings, whichever of trainings and units vary more, and in 1 to 4
at five and eight. The price is power: of three trainings, a row must be far better for others to lose their marks.
`random_init` is known beforehand, so there it is the other rows alone. Both are simulated in
tests/bench/results/test_compared.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from bench.results.crossed import LEVEL, holm
from bench.results.table.model import Row, Score, Standing
from bench.results.trainings import Trainings, difference
from tasks.results import Metric

# The row that a learned method has to beat.
BASELINE = "random_init"


def compared(rows: Sequence[Row], metrics: Sequence[Metric], scored: Sequence[Sequence[Trainings | None]]) -> list[Row]:
    """The rows with their scores' `best`, `p_best` and `standing`; `scored` has what is behind each row's scores."""
    columns = [
        _column([row.scores[column] for row in rows], [own[column] for own in scored], metric, [r.method for r in rows])
        for column, metric in enumerate(metrics)
    ]
    return [replace(row, scores=tuple(column[place] for column in columns)) for place, row in enumerate(rows)]


def _column(
    scores: Sequence[Score], scored: Sequence[Trainings | None], metric: Metric, methods: Sequence[str]
) -> list[Score]:
    """One metric of all rows."""
    found = list(scores)
    chosen = {place: own for place, own in enumerate(scored) if own is not None and own.compared}
    if metric.higher_is_better is None or not metric.ranked or len(chosen) < 2:
        return found  # one row alone is the best of nothing
    sign = 1 if metric.higher_is_better else -1
    best = max(chosen, key=lambda place: sign * chosen[place].mean)
    chances = {pair: _chance(chosen, *pair) for pair in combinations(chosen, 2)}
    for place, p in _of_row(best, _corrected(chances)).items():
        found[place] = replace(found[place], best=p > LEVEL, p_best=p)
    found[best] = replace(found[best], best=True)
    baseline = next((place for place in chosen if methods[place] == BASELINE), None)
    if baseline is not None:
        own = {pair: p for pair, p in chances.items() if baseline in pair}
        for place, p in _of_row(baseline, _corrected(own)).items():
            gain = sign * (chosen[place].mean - chosen[baseline].mean)
            standing: Standing = "not told apart" if p > LEVEL else "better" if gain > 0 else "worse"
            found[place] = replace(found[place], standing=standing)
    return found


Pair = tuple[int, int]


def _chance(chosen: Mapping[int, Trainings], one: int, other: int) -> float:
    """How probable a difference as large as that of two rows is where there is none."""
    return difference(chosen[one], chosen[other]).estimate.p


def _corrected(chances: Mapping[Pair, float]) -> dict[Pair, float]:
    return dict(zip(chances, holm(list(chances.values())), strict=True))


def _of_row(place: int, chances: Mapping[Pair, float]) -> dict[int, float]:
    """Every other row's chance beside one of them."""
    return {one if other == place else other: p for (one, other), p in chances.items() if place in (one, other)}
