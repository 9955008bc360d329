"""Differences between two records of one task, by a paired bootstrap over the items that both scored.

Two methods that err on the same items differ more surely than their intervals, each for itself, tell. A resample
draws items; both methods are scored on the same ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int, Shaped

from bench.pipeline.cell import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.streams import generator
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.metrics.segmentation import segmentation_metrics

RESAMPLES = 2000
# Resamples scored at once: their weights are held in memory.
BLOCK = 200


@dataclass(frozen=True)
class Difference:
    """`value` = second - first, with its 95 % interval; `paired` by resampled items, else by the records' intervals
    taken as independent."""

    value: float
    low: float
    high: float
    paired: bool

    @property
    def significant(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def differences(first: Record, second: Record, store: Store, other: Store | None = None) -> dict[str, Difference]:
    """The difference of each metric that both records have.

    `other` is the second record's store where it is another one. A metric without per-item predictions on the same
    items is compared by its intervals; without those it is left out.
    """
    names = [name for name in first.metrics if name in second.metrics]
    before, after = predictions_of(first, store), predictions_of(second, other or store)
    drawn = _resampled(before, after, first.task, names)
    found = {}
    for name in names:
        value = second.metrics[name] - first.metrics[name]
        if name in drawn:
            low, high = np.percentile(drawn[name], [2.5, 97.5])
            found[name] = Difference(value, float(low), float(high), paired=True)
        elif name in first.intervals and name in second.intervals:
            half = np.hypot(_half(first, name), _half(second, name))
            found[name] = Difference(value, float(value - half), float(value + half), paired=False)
    return found


def _half(record: Record, name: str) -> float:
    return (record.intervals[name].high - record.intervals[name].low) / 2


def _resampled(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], task: str, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Differences over resamples by metric, where both records hold the same items."""
    rng = generator(0, "paired", task)
    if {"cluster", "label"} <= set(before) & set(after) and np.array_equal(before["label"], after["label"]):
        return _clusterings(before["cluster"], after["cluster"], before["label"], rng)
    same = "frame" in before and "frame" in after and np.array_equal(before["frame"], after["frame"])
    if same and "attributes" in before and "cluster" not in before:
        return _answers(before, after, rng)
    if same and "confusion" in before and "confusion" in after:
        return _masks(before["confusion"], after["confusion"], rng)
    return _means(before, after, names, rng) if same else {}


def _clusterings(
    first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """n items drawn with replacement have multinomial counts over (cluster, cluster, label), whose margins are the
    two methods' tables."""
    known = (first >= 0) & (second >= 0) & (labels >= 0)
    first, second, labels = (np.asarray(values)[known] for values in (first, second, labels))
    shape = (int(first.max()) + 1, int(second.max()) + 1, int(labels.max()) + 1)
    joint = np.bincount(np.ravel_multi_index((first, second, labels), shape), minlength=int(np.prod(shape)))
    drawn = rng.multinomial(len(labels), joint / len(labels), size=RESAMPLES).reshape(RESAMPLES, *shape)
    one = clustering_metrics(drawn.sum(axis=2), contingency(first, labels, (shape[0], shape[2])))
    other = clustering_metrics(drawn.sum(axis=1), contingency(second, labels, (shape[1], shape[2])))
    return {name: other[name] - one[name] for name in one}


def _answers(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Share of right answers over the attributes that are known, of images drawn with replacement."""
    truth = np.asarray(before["attributes"])
    known = truth >= 0
    found = {}
    for name in before:
        if name in ("attributes", "frame") or name not in after:
            continue
        gain = ((after[name] == truth) & known).sum(axis=1) - ((before[name] == truth) & known).sum(axis=1)
        found[name] = _drawn(len(truth), rng, partial(_share, gain, known.sum(axis=1)))
    return found


def _share(
    part: Shaped[np.ndarray, " n"], whole: Shaped[np.ndarray, " n"], weights: Float[np.ndarray, "r n"]
) -> Float[np.ndarray, " r"]:
    """Of the items drawn so often, all parts over all wholes."""
    return np.asarray(weights @ part / (weights @ whole))


def _masks(
    before: Int[np.ndarray, "n c c"], after: Int[np.ndarray, "n c c"], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Scores of confusion matrices summed over images drawn with replacement."""
    names = list(segmentation_metrics(before.sum(axis=0)))

    def gains(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, "r m"]:
        one, other = (
            segmentation_metrics(np.tensordot(weights, counts, axes=1), counts.sum(axis=0))
            for counts in (before, after)
        )
        return np.stack([other[name] - one[name] for name in names], axis=-1)

    return dict(zip(names, _drawn(len(before), rng, gains).T, strict=True))


def _means(
    before: dict[str, np.ndarray], after: dict[str, np.ndarray], names: Sequence[str], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Metrics that are means of one number per image, kept under the metric's own name, over images drawn with
    replacement; none that an image lacks (NaN)."""
    found = {}
    for name in names:
        gain = np.asarray(after[name]) - before[name] if name in before and name in after else np.array([np.nan])
        if gain.ndim == 1 and np.isfinite(gain).all():
            found[name] = _drawn(len(gain), rng, partial(_share, gain, np.ones(len(gain))))
    return found


def _drawn(items: int, rng: np.random.Generator, score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`score` of resamples, given as how often each item was drawn, block by block."""
    share = np.full(items, 1 / items)
    return np.concatenate(
        [np.asarray(score(rng.multinomial(items, share, size=BLOCK).astype(float))) for _ in range(RESAMPLES // BLOCK)]
    )
