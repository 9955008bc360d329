"""Euclidean distances of all pairs of rows, and each row's nearest others, a block of rows at a time.

Euclidean, as Ward's method clusters by them, so that what is read off these differs from the clusters by the clusterer
alone. Of rows of length 1 they are in the order of the angles.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from tasks.units import Units

# Neighbours that vote: few, so that a class of a dozen items can win, and odd, so that two classes cannot tie.
NEIGHBOURS = 5
# Memory of a block of distances.
BLOCK_BYTES = 32 * 2**20
# Squared distances are multiples of this share of the largest squared length, which is above the products' rounding
# errors: equal distances are equal, in whatever order threads add up.
GRID = 2.0**-40


def squared_distance_blocks(rows: Float[np.ndarray, "n m"]) -> Iterator[tuple[int, Float[np.ndarray, "b n"]]]:
    """The squared distances of a few rows at a time to all, with the number of the first of them."""
    # Less their mean, a few columns at a time: a second matrix of all rows would be as large as they are.
    means = rows.mean(axis=0, dtype=np.float64)
    columns = max(1, BLOCK_BYTES // (8 * len(rows)))
    parts = [slice(first, first + columns) for first in range(0, rows.shape[1], columns)]
    squares = np.zeros(len(rows))
    for part in parts:
        centred = rows[:, part] - means[part]
        squares += np.vecdot(centred, centred)
    grid = GRID * max(float(squares.max()), np.finfo(float).tiny / GRID)
    step = max(1, BLOCK_BYTES // (8 * len(rows)))
    for start in range(0, len(rows), step):
        block = np.zeros((min(step, len(rows) - start), len(rows)))
        for part in parts:
            centred = rows[:, part] - means[part]
            block += centred[start : start + step] @ centred.T
        block *= -2
        block += squares
        block += squares[start : start + step, None]
        np.maximum(block, 0, out=block)
        block /= grid
        yield start, np.rint(block, out=block)


def nearest(
    rows: Float[np.ndarray, "n m"], units: Units | None = None, count: int = NEIGHBOURS
) -> Int[np.ndarray, "n k"]:
    """The `count` nearest other rows of each row, nearest first and of equally near ones the first; none of the same
    person where `units` says who is on them. -1 where there are no more."""
    number = np.arange(len(rows)) if units is None else units.number
    found = np.full((len(rows), count), -1, dtype=np.int64)
    taken = min(count, len(rows))
    for start, block in squared_distance_blocks(rows):
        block[number[start : start + len(block), None] == number] = np.inf
        bound = np.partition(block, taken - 1, axis=1)[:, taken - 1]
        for place, distances in enumerate(block):
            near = np.flatnonzero(distances <= min(bound[place], np.finfo(float).max))
            near = near[np.argsort(distances[near], kind="stable")][:count]
            found[start + place, : len(near)] = near
    return found


def voted_labels(neighbours: Int[np.ndarray, "n k"], labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The most frequent label among each row's neighbours (k-nearest-neighbour rule, Cover and Hart, 1967); of equally
    frequent ones the nearest's, and -1 without a neighbour."""
    votes = np.where(neighbours >= 0, labels[neighbours], -1)
    alike = ((votes[:, :, None] == votes[:, None, :]) & (votes >= 0)[:, :, None]).sum(axis=2)
    best = alike.argmax(axis=1)  # the first of equals, which is the nearest
    return np.asarray(votes[np.arange(len(votes)), best])


def voted_shares(neighbours: Int[np.ndarray, "n k"], values: Int[np.ndarray, "n a"]) -> Float[np.ndarray, "n a"]:
    """Of each row's neighbours of which an attribute is known (0 or 1, not -1), the share that has it; one half where
    it is known of none."""
    votes = np.where(neighbours[..., None] >= 0, values[neighbours], -1)
    known = (votes >= 0).sum(axis=1)
    return np.where(known > 0, (votes == 1).sum(axis=1) / np.maximum(known, 1), 0.5)
