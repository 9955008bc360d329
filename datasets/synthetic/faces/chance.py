"""Draws from a stream as plain numbers, without numpy's cost per call."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform between `low` and `high`."""
    return low + (high - low) * rng.random()


def clipped(rng: np.random.Generator, mean: float, deviation: float, low: float, high: float) -> float:
    """Normal, moved to the nearer bound where it falls outside."""
    return min(max(mean + deviation * rng.standard_normal(), low), high)


def happens(rng: np.random.Generator, probability: float) -> bool:
    """True with that probability."""
    return rng.random() < probability


def one_of(rng: np.random.Generator, items: Sequence[T]) -> T:
    """Each item with equal probability."""
    return items[min(int(len(items) * rng.random()), len(items) - 1)]


def picked(rng: np.random.Generator, odds: Sequence[float]) -> int:
    """An index with the probability that `odds` gives it; they sum to 1."""
    place = rng.random()
    for index, share in enumerate(odds):
        place -= share
        if place < 0.0:
            return index
    return len(odds) - 1
