"""Bootstrap intervals of clustering metrics, and of means, over items or over the people behind them."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, Num

from tasks.metrics.clustering import BIASED, clustering_metrics
from tasks.results import Interval
from tasks.units import OVER, Units

RESAMPLES = 2000


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
    drawn = rng.multinomial(total, counts.ravel() / total, size=resamples).reshape(resamples, *counts.shape)
    return percentiles(drawn_metrics(drawn, counts), over)


def unit_weights(units: int, rng: np.random.Generator, resamples: int = RESAMPLES) -> Int[np.ndarray, "r u"]:
    """How often each of `units` people is drawn, with replacement as many as there are, in every resample."""
    return rng.multinomial(units, np.full(units, 1 / units), size=resamples)


def unit_tables(
    clusters: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], units: Units, shape: tuple[int, int]
) -> Int[np.ndarray, "u k c"]:
    """How many of each person's items are in each cluster and of each class; `shape` = (clusters, classes)."""
    cells = np.ravel_multi_index((units.number, clusters, labels), (units.count, *shape))
    return np.bincount(cells, minlength=units.count * shape[0] * shape[1]).reshape(units.count, *shape)


def drawn_tables(tables: Int[np.ndarray, "u k c"], weights: Int[np.ndarray, "r u"]) -> Int[np.ndarray, "r k c"]:
    """The table of every resample of people."""
    # Whole numbers, exact in double precision: in whatever order threads add them up, the bits are the same.
    cells = weights.astype(np.float64) @ tables.reshape(len(tables), -1).astype(np.float64)
    return cells.astype(np.int64).reshape(len(weights), *tables.shape[1:])


def drawn_metrics(
    drawn: Int[np.ndarray, "r k c"], counts: Int[np.ndarray, "k c"]
) -> dict[str, Float[np.ndarray, " r"]]:
    """The clustering metrics of resampled tables of `counts`, which says what clusters stand for.

    NMI, AMI and ARI are larger in a resample than in the sample whatever the features (their bias grows as n shrinks,
    and a resample has fewer distinct items), so they are shifted by that mean excess. NaN for a resample that holds
    nobody.
    """
    filled = np.asarray(drawn.any(axis=(1, 2)))
    found = clustering_metrics(np.where(filled[:, None, None], drawn, counts), counts)
    own = clustering_metrics(counts)
    return {name: unbiased(name, np.where(filled, values, np.nan), float(own[name])) for name, values in found.items()}


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
        weights = unit_weights(units.count, rng)
        sizes = np.bincount(units.number, minlength=units.count)
        found = weights @ units.sums(values.astype(np.float64)) / np.maximum(weights @ sizes, 1)
        return percentiles({"mean": found}, OVER)["mean"]
    drawn = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=RESAMPLES)
    return percentiles({"mean": (drawn * values).sum(axis=1) / len(values)}, over)["mean"]
