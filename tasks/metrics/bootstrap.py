"""Bootstrap intervals of clustering metrics, and of means."""

import numpy as np
from jaxtyping import Float, Int

from tasks.metrics.clustering import clustering_metrics, normalised_mutual_information
from tasks.results import Interval

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
    items that are clustered. NMI is larger in a resample than in the sample whatever the features (its bias grows as
    n shrinks, and a resample has fewer distinct items), so its percentiles are shifted by that mean excess.

    Parameters
    ----------
    counts: items per cluster and class.
    over: what an item is (`tracks`, `items`), for the reader.
    rng: the stream to draw from; the same stream gives the same bits.
    resamples: number of resamples.
    """
    total = int(counts.sum())
    drawn = rng.multinomial(total, counts.ravel() / total, size=resamples).reshape(resamples, *counts.shape)
    found = clustering_metrics(drawn, counts)
    found["nmi"] = np.clip(found["nmi"] - found["nmi"].mean() + normalised_mutual_information(counts), 0, 1)
    bounds = {name: np.percentile(values, [2.5, 97.5]) for name, values in found.items()}
    return {name: Interval(float(low), float(high), over) for name, (low, high) in bounds.items()}


def mean_interval(values: Float[np.ndarray, " n"], rng: np.random.Generator) -> Interval:
    """95 % interval of the mean over resampled images (percentile bootstrap, Efron, 1979)."""
    drawn = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=RESAMPLES)
    low, high = np.percentile((drawn * values).sum(axis=1) / len(values), [2.5, 97.5])
    return Interval(float(low), float(high), "items")
