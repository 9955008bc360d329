"""Bootstrap intervals of clustering metrics."""

import numpy as np
from jaxtyping import Int

from tasks.base import Interval
from tasks.metrics import clustering_metrics

RESAMPLES = 2000


def bootstrap_intervals(
    counts: Int[np.ndarray, "k c"],
    over: str,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """95 % percentile intervals (Efron, 1979) of the clustering metrics over resampled items.

    n items drawn with replacement, each with its cluster and its label, have multinomial counts in the table's
    cells; drawing those is the same experiment at a cost that does not depend on n. The clustering itself is kept:
    the intervals cover the choice of items that are scored, not that of items that are clustered.

    Parameters
    ----------
    counts: items per cluster and class.
    over: what an item is (`tracks`, `items`), for the reader.
    rng: the stream to draw from; the same stream gives the same bits.
    resamples: number of resamples.
    """
    total = int(counts.sum())
    drawn = rng.multinomial(total, counts.ravel() / total, size=resamples).reshape(resamples, *counts.shape)
    intervals = {}
    for name, values in clustering_metrics(drawn).items():
        low, high = np.percentile(values, [2.5, 97.5])
        intervals[name] = Interval(float(low), float(high), over)
    return intervals
