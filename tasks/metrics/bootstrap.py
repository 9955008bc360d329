"""Bootstrap intervals of clustering metrics, and of means, over items or over the people behind them."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from jaxtyping import Float, Int, Num

from tasks.metrics.clustering import BIASED, Fitted
from tasks.results import Interval
from tasks.units import OVER, Units

RESAMPLES = 2000
# Numbers that are held at once of all resamples, 32 MB.
BLOCK = 2**22


def blocks(resamples: int, width: int) -> Iterator[slice]:
    """All resamples, as many at a time as hold `BLOCK` numbers where each holds `width`."""
    step = max(1, BLOCK // max(width, 1))
    for start in range(0, resamples, step):
        yield slice(start, min(start + step, resamples))


def bootstrap_intervals(
    counts: Int[np.ndarray, "k c"],
    over: str,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """95 % intervals of the clustering metrics over resampled items (percentile bootstrap, Efron, 1979).

    n items drawn with replacement, each with its cluster and its label, have multinomial counts in the table's
    cells; drawing those is the same experiment at a cost that does not depend on n. The clustering and the class
    that each cluster stands for are kept: the intervals cover the choice of items that are scored, not that of
    items that are clustered.

    Parameters
    ----------
    counts: items per cluster and class.
    over: what an item is (`tracks`, `items`), for the reader.
    rng: the stream to draw from; the same stream gives the same bits.
    resamples: number of resamples.
    """
    total = int(counts.sum())
    # An empty cell takes nothing from the stream, but for the last, which gets what is left over.
    cells = np.union1d(np.flatnonzero(counts), [counts.size - 1])
    chances = counts.ravel()[cells] / total
    fitted = Fitted(counts)
    taken = blocks(resamples, fitted.held(len(cells)))
    drawn = (rng.multinomial(total, chances, size=block.stop - block.start) for block in taken)
    return percentiles(drawn_metrics(fitted, cells, drawn), over)


def unit_weights(units: int, rng: np.random.Generator, resamples: int = RESAMPLES) -> Int[np.ndarray, "r u"]:
    """How often each of `units` people is drawn, with replacement as many as there are, in every resample."""
    return rng.multinomial(units, np.full(units, 1 / units), size=resamples)


def weight_blocks(units: int, rng: np.random.Generator) -> Iterator[Int[np.ndarray, "b u"]]:
    """`unit_weights`, a few resamples at a time."""
    for block in blocks(RESAMPLES, units):
        yield unit_weights(units, rng, block.stop - block.start)


class ItemCells:
    """The cells of a table (clusters, classes) that its items are in, and which is in which.

    Attributes
    ----------
    cells: those cells, ascending numbers in the flat table.
    """

    def __init__(self, clusters: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], shape: tuple[int, int]) -> None:
        own = np.ravel_multi_index((clusters, labels), shape)
        self._order = np.argsort(own, kind="stable")
        self.cells, self._starts = np.unique(own[self._order], return_index=True)

    def counts(self, weights: Num[np.ndarray, "r n"]) -> Int[np.ndarray, "r m"]:
        """How many items are in each of the cells where every item counts as often as `weights` (whole numbers) say."""
        return np.add.reduceat(weights[:, self._order], self._starts, axis=1).astype(np.int64)


def unit_metrics(
    clusters: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    units: Units,
    counts: Int[np.ndarray, "k c"],
    weights: Int[np.ndarray, "r u"],
) -> dict[str, Float[np.ndarray, " r"]]:
    """The clustering metrics of resampled people, each with all their items, as of `drawn_metrics`.

    Parameters
    ----------
    counts: the table of clusters and labels.
    weights: how often each person is drawn in every resample.
    """
    fitted, items = Fitted(counts), ItemCells(clusters, labels, (counts.shape[0], counts.shape[1]))
    taken = blocks(len(weights), max(len(clusters), fitted.held(len(items.cells))))
    return drawn_metrics(fitted, items.cells, (items.counts(weights[block][:, units.number]) for block in taken))


def drawn_metrics(
    fitted: Fitted, cells: Int[np.ndarray, " m"], drawn: Iterable[Int[np.ndarray, "b m"]]
) -> dict[str, Float[np.ndarray, " r"]]:
    """The clustering metrics of resamples of the items behind a table.

    NMI, AMI and ARI are larger in a resample than in the sample whatever the features (their bias grows as n shrinks,
    and a resample has fewer distinct items), so they are shifted by that mean excess. NaN for a resample that holds
    nobody.

    Parameters
    ----------
    fitted: says what clusters stand for.
    cells: those of the flat table that hold an item, ascending.
    drawn: blocks of resamples, by how many items are in each of the cells.
    """
    own = fitted.table.ravel()[cells]
    found: dict[str, list[np.ndarray]] = {}
    for block in drawn:
        filled = np.asarray(block.any(axis=1))
        for name, values in fitted.cell_metrics(np.where(filled[:, None], block, own), cells).items():
            found.setdefault(name, []).append(np.where(filled, values, np.nan))
    scores = fitted.metrics(fitted.table)
    return {name: unbiased(name, np.concatenate(parts), float(scores[name])) for name, parts in found.items()}


def unbiased(name: str, values: Float[np.ndarray, " r"], own: float) -> Float[np.ndarray, " r"]:
    """A metric's values in resamples, shifted to its `own` value in the sample where resampling favours it."""
    if name not in BIASED:
        return values
    return np.asarray(np.clip(values - np.nanmean(values) + own, 0 if name == "nmi" else None, 1))


def percentiles(found: Mapping[str, Float[np.ndarray, " r"]], over: str) -> dict[str, Interval]:
    """The 95 % interval of each metric from its values in resamples."""
    bounds = {name: np.nanpercentile(values, [2.5, 97.5]) for name, values in found.items()}
    return {name: Interval(float(low), float(high), over) for name, (low, high) in bounds.items()}


def mean_interval(
    values: Num[np.ndarray, " n"], rng: np.random.Generator, units: Units | None = None, over: str = "items"
) -> Interval:
    """95 % interval of the mean over resampled items, or over resampled people with all their items (percentile
    bootstrap, Efron, 1979); `over` is what items are, for the reader."""
    if units is not None:
        sums, sizes = units.sums(values.astype(np.float64)), np.bincount(units.number, minlength=units.count)
        found = [own @ sums / np.maximum(own @ sizes, 1) for own in weight_blocks(units.count, rng)]
        return percentiles({"mean": np.concatenate(found)}, OVER)["mean"]
    found = [(own * values).sum(axis=1) / len(values) for own in weight_blocks(len(values), rng)]
    return percentiles({"mean": np.concatenate(found)}, over)["mean"]
