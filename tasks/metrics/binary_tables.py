"""One clustering against many yes-no attributes at once."""

import numpy as np
from jaxtyping import Float, Int, Num

from tasks.metrics.bootstrap import RESAMPLES, percentiles, unbiased
from tasks.metrics.clustering import clustering_metrics
from tasks.results import Interval
from tasks.units import OVER, Units

# Resamples weighed at once.
BLOCK = 100


def tables_of(clusters: Int[np.ndarray, " n"], values: Int[np.ndarray, "n a"]) -> Int[np.ndarray, "a k 2"]:
    """How many items of each cluster have each attribute absent (0) and present (1); unknown (-1) ones do not count."""
    indicators = _indicators(clusters, values)
    return _tables(indicators.sum(axis=0, dtype=np.int64), values.shape[1])


def attribute_metrics(
    tables: Int[np.ndarray, "*batch a k 2"], fitted: Int[np.ndarray, "a k 2"]
) -> dict[str, Float[np.ndarray, "*batch a"]]:
    """`clustering_metrics` of each attribute, and of the answers that clusters give `balanced_accuracy` (the mean of
    the shares of present and of absent ones that are right; Brodersen et al., 2010) and `average_precision`, by the
    share of a cluster's items that have it.

    What clusters stand for is read off the attribute's table in `fitted`. NaN where a table is empty, since the
    attribute is known of none of its items; and of the last two where it is the same on all of them.
    """
    filled = tables.sum(axis=(-2, -1)) > 0
    found: dict[str, list[np.ndarray]] = {}
    for attribute, own in enumerate(fitted):
        full = np.where(filled[..., attribute, None, None], tables[..., attribute, :, :], own)
        for name, scores in {**clustering_metrics(full, own), **_answers(full, own)}.items():
            found.setdefault(name, []).append(np.where(filled[..., attribute], scores, np.nan))
    return {name: np.stack(columns, axis=-1) for name, columns in found.items()}


def _answers(counts: Int[np.ndarray, "*batch k 2"], fitted: Int[np.ndarray, "k 2"]) -> dict[str, np.ndarray]:
    """Balanced accuracy and average precision of the answers by cluster."""
    totals = counts.sum(axis=-2)
    both = (totals > 0).all(axis=-1)
    safe = np.maximum(totals, 1)
    majority = fitted.argmax(axis=-1)
    right = [counts[..., majority == value, value].sum(axis=-1) / safe[..., value] for value in (0, 1)]
    shares = fitted[:, 1] / np.maximum(fitted.sum(axis=-1), 1)
    _, rank = np.unique(-shares, return_inverse=True)  # clusters of equal shares cannot be told apart
    ranked = np.stack([counts[..., rank == place, :].sum(axis=-2) for place in range(int(rank.max()) + 1)], axis=-2)
    precision = ranked[..., 1].cumsum(axis=-1) / np.maximum(ranked.sum(axis=-1).cumsum(axis=-1), 1)
    average = (precision * ranked[..., 1]).sum(axis=-1) / safe[..., 1]
    return {
        "balanced_accuracy": np.where(both, (right[0] + right[1]) / 2, np.nan),
        "average_precision": np.where(both, average, np.nan),
    }


def mean_intervals(
    clusters: Int[np.ndarray, " n"],
    values: Int[np.ndarray, "n a"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    units: Units | None = None,
) -> dict[str, Interval]:
    """95 % intervals of the means over attributes, over resampled items (percentile bootstrap, Efron, 1979), or over
    resampled people with all their items.

    An item is drawn with all its attributes, which are not independent of each other. As in `bootstrap_intervals`, the
    clustering and what its clusters stand for are kept, and NMI, AMI and ARI are shifted by their mean excess in
    resamples. An attribute that is known of no item of a resample is left out of that resample's mean.

    Parameters
    ----------
    clusters: of each item.
    values: 0, 1, or -1 for unknown; every attribute has both 0 and 1.
    rng: the stream to draw from; the same stream gives the same bits.
    resamples: number of resamples.
    units: who is on each item, where people are resampled.
    """
    attributes = values.shape[1]
    indicators = _indicators(clusters, values)
    if units is not None:
        indicators = units.sums(indicators)
    items = len(indicators)
    blocks = []
    for start in range(0, resamples, BLOCK):
        drawn = rng.integers(0, items, (min(BLOCK, resamples - start), items))
        weights = np.stack([np.bincount(row, minlength=items) for row in drawn]).astype(np.float32)
        # Whole numbers, exact in single precision: in whatever order threads add them up, the bits are the same.
        blocks.append(_tables((weights @ indicators).astype(np.int64), attributes))
    fitted = _tables(indicators.sum(axis=0, dtype=np.int64), attributes)
    tables = np.concatenate(blocks)
    tables = tables[tables.any(axis=(1, 2, 3))]
    means = {name: _mean(scores) for name, scores in attribute_metrics(tables, fitted).items()}
    own = {name: float(np.nanmean(scores)) for name, scores in attribute_metrics(fitted, fitted).items()}
    found = {name: unbiased(name, scores, own[name]) for name, scores in means.items()}
    return percentiles(found, "items" if units is None else OVER)


def _mean(scores: Float[np.ndarray, "r a"]) -> Float[np.ndarray, " r"]:
    """The mean over the attributes that have a score; NaN without any."""
    scored = np.count_nonzero(np.isfinite(scores), axis=-1)
    return np.where(scored > 0, np.nansum(scores, axis=-1) / np.maximum(scored, 1), np.nan)


def _indicators(clusters: Int[np.ndarray, " n"], values: Int[np.ndarray, "n a"]) -> Float[np.ndarray, "n cells"]:
    """1 in the cell (attribute, cluster, value) of each item's each known attribute, float32."""
    items, attributes = values.shape
    cells = np.zeros((items, attributes, int(clusters.max()) + 1, 2), dtype=np.float32)
    rows, columns = np.nonzero(values >= 0)
    cells[rows, columns, clusters[rows], values[rows, columns]] = 1
    return cells.reshape(items, -1)


def _tables(counts: Num[np.ndarray, "*batch cells"], attributes: int) -> Int[np.ndarray, "*batch a k 2"]:
    """Counts of the cells as one table per attribute."""
    return counts.reshape(*counts.shape[:-1], attributes, -1, 2)
