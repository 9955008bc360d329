"""Whether two items show the same person, decided by their distance: no clusters, so no number of them.

The pairs of one person are few and are held; those of two people, nearly all, are counted between them block by block,
so that memory does not grow with the number of pairs. Nothing is approximated.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tasks.metrics.bootstrap import percentiles, weight_blocks
from tasks.metrics.distances import squared_distance_blocks
from tasks.results import Interval
from tasks.units import OVER, Units

# The false acceptance rate at which true ones are given.
FAR = 0.01
# Parts of a block of distances.
STRIPS = 8


@dataclass(frozen=True)
class Verification:
    """How well distances tell pairs of one person from pairs of two.

    Attributes
    ----------
    auc: area under the ROC curve; 0.5 for distances that tell nothing.
    eer: the error rate where as many pairs of one person are refused as of two are accepted.
    tar_at_far1: share of the pairs of one person that are accepted where at most 1 % of the others are.
    influence: by how much `auc` changes per added weight of an item, in the first order; sums to 0.
    """

    auc: float
    eer: float
    tar_at_far1: float
    influence: Float[np.ndarray, " n"]

    @property
    def per_item(self) -> Float[np.ndarray, " n"]:
        """A number per item whose mean is `auc`, and whose mean over items that count more or less is, in the first
        order, what `auc` becomes: the pseudo-values of the infinitesimal jackknife (Jaeckel, 1972)."""
        return np.asarray(self.auc + len(self.influence) * self.influence)

    def interval(self, rng: np.random.Generator, over: str, units: Units | None = None) -> Interval:
        """95 % interval of `auc` over resampled items, or people with all their items.

        A bootstrap (Efron, 1979) of its first-order expansion: an item that is drawn twice makes no pair with itself.
        """
        influence = self.influence if units is None else units.sums(self.influence)
        found = [self.auc + (own - 1) @ influence for own in weight_blocks(len(influence), rng)]
        return percentiles({"auc": np.clip(np.concatenate(found), 0, 1)}, over if units is None else OVER)["auc"]


def verification(rows: Float[np.ndarray, "n m"], labels: Int[np.ndarray, " n"]) -> Verification | None:
    """Of all pairs of rows by their Euclidean distance; None where there is no pair of one person or of two."""
    same = np.concatenate(
        [
            block[(labels[start : start + len(block), None] == labels) & _later(start, block)]
            for start, block in _strips(rows)
        ]
    )
    pairs = len(rows) * (len(rows) - 1) // 2
    if not 0 < len(same) < pairs:
        return None
    same.sort()
    # By how many distances of one person are below (not above) them: how many pairs of two people.
    below, up_to = np.zeros(len(same) + 1, dtype=np.int64), np.zeros(len(same) + 1, dtype=np.int64)
    closer = np.zeros(len(rows))
    for start, block in _strips(rows):
        other = labels[start : start + len(block), None] != labels
        left, right = (np.searchsorted(same, block[other], side=side) for side in ("left", "right"))
        below += np.bincount(left, minlength=len(below))
        up_to += np.bincount(right, minlength=len(up_to))
        placed = np.zeros(block.shape)
        placed[other] = (left + right) / (2 * len(same))
        closer[start : start + len(block)] = placed.sum(axis=1)
    below, up_to = below // 2, up_to // 2  # each pair was seen from both of its items
    others = pairs - len(same)
    # Of each distance of one person: how many of it and below there are of one person, and above and at it of two.
    accepted = np.searchsorted(same, same, side="right")
    above = (others - np.concatenate([[0], np.cumsum(below)]))[accepted]
    at_least = (others - np.concatenate([[0], np.cumsum(up_to)]))[accepted]
    auc = float((above + at_least).sum() / (2 * others * len(same)))
    true, false, false_before = accepted / len(same), 1 - above / others, 1 - at_least / others
    allowed = true[false <= FAR]
    return Verification(
        auc,
        _equal_error(true, false, false_before),
        float(allowed.max()) if len(allowed) else 0.0,
        _influence(rows, labels, same, (above + at_least) / (2 * others), closer, auc),
    )


def _strips(rows: Float[np.ndarray, "n m"]) -> Iterator[tuple[int, Float[np.ndarray, "b n"]]]:
    """`squared_distance_blocks` in parts, since what is made of each is several times its size."""
    for start, block in squared_distance_blocks(rows):
        step = -(-len(block) // STRIPS)
        for part in range(0, len(block), step):
            yield start + part, block[part : part + step]


def _later(start: int, block: Float[np.ndarray, "b n"]) -> np.ndarray:
    """Which entries of a block are pairs of a row with a later one."""
    return np.asarray(np.arange(block.shape[1]) > np.arange(start, start + len(block))[:, None])


def _equal_error(
    true: Float[np.ndarray, " p"], false: Float[np.ndarray, " p"], false_before: Float[np.ndarray, " p"]
) -> float:
    """Where the ROC curve meets the line of equal errors: from each threshold to just before the next, false
    acceptances grow alone."""
    _, first = np.unique(true, return_index=True)  # equal distances are one threshold
    true, false, false_before = true[first], false[first], false_before[first]
    before = np.concatenate([[0.0], true[:-1]])
    x = np.concatenate([[0.0], np.stack([false_before, false], axis=1).ravel(), [1.0]])
    y = np.concatenate([[0.0], np.stack([before, true], axis=1).ravel(), [1.0]])
    balance = x - (1 - y)
    return float(np.interp(0.0, balance, x))


def _influence(
    rows: Float[np.ndarray, "n m"],
    labels: Int[np.ndarray, " n"],
    same: Float[np.ndarray, " p"],
    farther: Float[np.ndarray, " p"],
    closer: Float[np.ndarray, " n"],
    auc: float,
) -> Float[np.ndarray, " n"]:
    """The derivative of the AUC by each item's weight, where a pair weighs what its items weigh, multiplied.

    `farther`: of each sorted distance of one person the share of the others that is farther; `closer`: of each item the
    sum over its pairs with others of the share of the pairs of one person that is closer.
    """
    others = len(rows) * (len(rows) - 1) // 2 - len(same)
    own = np.zeros(len(rows))
    alike = np.zeros(len(rows))
    for start, block in _strips(rows):
        mask = labels[start : start + len(block), None] == labels
        mask[np.arange(len(block)), start + np.arange(len(block))] = False
        placed = np.zeros(block.shape)
        placed[mask] = farther[np.searchsorted(same, block[mask])]
        own[start : start + len(block)] = placed.sum(axis=1)
        alike[start : start + len(block)] = mask.sum(axis=1)
    unlike = len(rows) - 1 - alike
    return np.asarray((own - auc * alike) / len(same) + (closer - auc * unlike) / others)
