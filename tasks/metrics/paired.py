"""How much better one method is than another on the same items: differences over resampled items, by statistic.

A resample draws items with replacement; both methods are scored on the same ones (paired bootstrap, Efron, 1979). A
task says by `tasks.results.PerItem.statistic` how its scores follow from its arrays of predictions.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, Shaped

from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.metrics.segmentation import segmentation_metrics

RESAMPLES = 2000
# Resamples scored at once: their weights are held in memory.
BLOCK = 200

Predictions = Mapping[str, np.ndarray]
# Of two methods' arrays, which are of the same items, and the metrics that both have: by metric, what the second is
# above the first in each resample. Metrics that the arrays say nothing of are left out.
Statistic = Callable[[Predictions, Predictions, Sequence[str], np.random.Generator], dict[str, np.ndarray]]


def clustering(
    before: Predictions, after: Predictions, metrics: Sequence[str], rng: np.random.Generator
) -> dict[str, Float[np.ndarray, " r"]]:
    """Scores of clusterings, from `cluster` and `label` (n), -1 where unknown; nothing where the labels differ.

    n items drawn with replacement have multinomial counts over (cluster, cluster, label), whose margins are the two
    methods' tables.
    """
    if not _both_have(before, after, "cluster", "label") or not np.array_equal(before["label"], after["label"]):
        return {}
    first, second, labels = (np.asarray(values) for values in (before["cluster"], after["cluster"], before["label"]))
    known = (first >= 0) & (second >= 0) & (labels >= 0)
    first, second, labels = first[known], second[known], labels[known]
    shape = (int(first.max()) + 1, int(second.max()) + 1, int(labels.max()) + 1)
    joint = np.bincount(np.ravel_multi_index((first, second, labels), shape), minlength=int(np.prod(shape)))
    drawn = rng.multinomial(len(labels), joint / len(labels), size=RESAMPLES).reshape(RESAMPLES, *shape)
    one = clustering_metrics(drawn.sum(axis=2), contingency(first, labels, (shape[0], shape[2])))
    other = clustering_metrics(drawn.sum(axis=1), contingency(second, labels, (shape[1], shape[2])))
    return {name: other[name] - one[name] for name in one}


def attribute_accuracy(
    before: Predictions, after: Predictions, metrics: Sequence[str], rng: np.random.Generator
) -> dict[str, Float[np.ndarray, " r"]]:
    """Shares of right answers over the attributes that are known: `attributes` (n, a) is the truth, -1 unknown, and
    each array under a metric's name holds the answers (n, a)."""
    if not _both_have(before, after, "attributes"):
        return {}
    truth = np.asarray(before["attributes"])
    known = truth >= 0
    found = {}
    for name in before:
        if name in ("attributes", "frame") or name not in after:
            continue
        gain = ((after[name] == truth) & known).sum(axis=1) - ((before[name] == truth) & known).sum(axis=1)
        found[name] = _drawn(len(truth), rng, partial(_share, gain, known.sum(axis=1)))
    return found


def segmentation(
    before: Predictions, after: Predictions, metrics: Sequence[str], rng: np.random.Generator
) -> dict[str, Float[np.ndarray, " r"]]:
    """Scores of the confusion matrices `confusion` (n, c, c) of images, summed over the images drawn."""
    if not _both_have(before, after, "confusion"):
        return {}
    one_by_image, other_by_image = before["confusion"], after["confusion"]
    names = list(segmentation_metrics(one_by_image.sum(axis=0)))

    def gains(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, "r m"]:
        one, other = (
            segmentation_metrics(np.tensordot(weights, counts, axes=1), counts.sum(axis=0))
            for counts in (one_by_image, other_by_image)
        )
        return np.stack([other[name] - one[name] for name in names], axis=-1)

    return dict(zip(names, _drawn(len(one_by_image), rng, gains).T, strict=True))


def mean(
    before: Predictions, after: Predictions, metrics: Sequence[str], rng: np.random.Generator
) -> dict[str, Float[np.ndarray, " r"]]:
    """Metrics that are means of one number per item (n), kept under the metric's own name; none that an item lacks
    (NaN)."""
    found = {}
    for name in metrics:
        gain = np.asarray(after[name]) - before[name] if _both_have(before, after, name) else np.array([np.nan])
        if gain.ndim == 1 and np.isfinite(gain).all():
            found[name] = _drawn(len(gain), rng, partial(_share, gain, np.ones(len(gain))))
    return found


STATISTICS: dict[str, Statistic] = {
    "clustering": clustering,
    "attribute_accuracy": attribute_accuracy,
    "segmentation": segmentation,
    "mean": mean,
}


def _both_have(before: Predictions, after: Predictions, *names: str) -> bool:
    return all(name in before and name in after for name in names)


def _share(
    part: Shaped[np.ndarray, " n"], whole: Shaped[np.ndarray, " n"], weights: Float[np.ndarray, "r n"]
) -> Float[np.ndarray, " r"]:
    """Of the items drawn so often, all parts over all wholes."""
    return np.asarray(weights @ part / (weights @ whole))


def _drawn(items: int, rng: np.random.Generator, score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`score` of resamples, given as how often each item was drawn, block by block."""
    share = np.full(items, 1 / items)
    return np.concatenate(
        [np.asarray(score(rng.multinomial(items, share, size=BLOCK).astype(float))) for _ in range(RESAMPLES // BLOCK)]
    )
