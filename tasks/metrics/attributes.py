"""Answers to yes-no attributes, scored so that rare ones count: by attribute, over the items where it is known.

NaN for an attribute that is the same on all items where it is known: there is nothing to be told apart.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8


def balanced_accuracy(
    predicted: UInt8[np.ndarray, "n a"] | Bool[np.ndarray, "n a"], truth: Int[np.ndarray, "n a"]
) -> Float[np.ndarray, " a"]:
    """The mean of the shares of present and of absent attributes that are answered right; 0.5 for an answer that is the
    same for all (Brodersen et al., 2010). `truth` is 0, 1, or -1 unknown."""
    from sklearn.metrics import balanced_accuracy_score

    return np.array(
        [np.nan if both is None else balanced_accuracy_score(*both) for both in _known(truth, predicted)], dtype=float
    )


def average_precision(scores: Float[np.ndarray, "n a"], truth: Int[np.ndarray, "n a"]) -> Float[np.ndarray, " a"]:
    """The mean of the precision over recall as scores fall, as scikit-learn's; the share of present ones for scores
    that tell nothing. `truth` is 0, 1, or -1 unknown."""
    from sklearn.metrics import average_precision_score

    return np.array(
        [np.nan if both is None else average_precision_score(*both) for both in _known(truth, scores)], dtype=float
    )


def _known(
    truth: Int[np.ndarray, "n a"], given: Shaped[np.ndarray, "n a"]
) -> Iterator[tuple[np.ndarray, np.ndarray] | None]:
    """Of each attribute the truth and what is given, where the truth is known; None where that is all the same."""
    for own, column in zip(truth.T, given.T, strict=True):
        known = own >= 0
        values = own[known]
        yield None if len(np.unique(values)) < 2 else (values, column[known])
