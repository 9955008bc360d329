"""One clustering against many yes-no attributes at once."""

import numpy as np
from jaxtyping import Float, Int, Num

from tasks.metrics.bootstrap import RESAMPLES
from tasks.metrics.clustering import clustering_metrics
from tasks.results import Interval

# Resamples weighed at once.
BLOCK = 100


def tables_of(clusters: Int[np.ndarray, " n"], values: Int[np.ndarray, "n a"]) -> Int[np.ndarray, "a k 2"]:
    """How many items of each cluster have each attribute absent (0) and present (1); unknown (-1) ones do not count."""
    indicators = _indicators(clusters, values)
    return _tables(indicators.sum(axis=0, dtype=np.int64), values.shape[1])


def attribute_metrics(
    tables: Int[np.ndarray, "*batch a k 2"], fitted: Int[np.ndarray, "a k 2"]
) -> dict[str, Float[np.ndarray, "*batch a"]]:
    """`clustering_metrics` of each attribute; what clusters stand for is read off the attribute's table in `fitted`.

    NaN where a table is empty, since the attribute is known of none of its items.
    """
    filled = tables.sum(axis=(-2, -1)) > 0
    found: dict[str, list[np.ndarray]] = {}
    for attribute, own in enumerate(fitted):
        full = np.where(filled[..., attribute, None, None], tables[..., attribute, :, :], own)
        for name, scores in clustering_metrics(full, own).items():
            found.setdefault(name, []).append(np.where(filled[..., attribute], scores, np.nan))
    return {name: np.stack(columns, axis=-1) for name, columns in found.items()}


def mean_intervals(
    clusters: Int[np.ndarray, " n"],
    values: Int[np.ndarray, "n a"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """95 % intervals of the means over attributes, over resampled items (percentile bootstrap, Efron, 1979).

    An item is drawn with all its attributes, which are not independent of each other. As in `bootstrap_intervals`, the
    clustering and what its clusters stand for are kept, and NMI is shifted by its mean excess in resamples. An
    attribute that is known of no item of a resample is left out of that resample's mean.

    Parameters
    ----------
    clusters: of each item.
    values: 0, 1, or -1 for unknown; every attribute has both 0 and 1.
    rng: the stream to draw from; the same stream gives the same bits.
    resamples: number of resamples.
    """
    items, attributes = values.shape
    indicators = _indicators(clusters, values)
    blocks = []
    for start in range(0, resamples, BLOCK):
        drawn = rng.integers(0, items, (min(BLOCK, resamples - start), items))
        weights = np.stack([np.bincount(row, minlength=items) for row in drawn]).astype(np.float32)
        # Whole numbers, exact in single precision: in whatever order threads add them up, the bits are the same.
        blocks.append(_tables((weights @ indicators).astype(np.int64), attributes))
    fitted = _tables(indicators.sum(axis=0, dtype=np.int64), attributes)
    tables = np.concatenate(blocks)
    tables = tables[tables.any(axis=(1, 2, 3))]
    means = {name: np.nanmean(scores, axis=-1) for name, scores in attribute_metrics(tables, fitted).items()}
    nmi = attribute_metrics(fitted, fitted)["nmi"].mean()
    means["nmi"] = np.clip(means["nmi"] - means["nmi"].mean() + nmi, 0, 1)
    bounds = {name: np.percentile(found, [2.5, 97.5]) for name, found in means.items()}
    return {name: Interval(float(low), float(high), "items") for name, (low, high) in bounds.items()}


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
