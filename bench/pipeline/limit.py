"""A part of a test set: `--limit 20` tests on 20 of its items, so that a grid can be tried before it is run."""

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset
from datasets.streams import generator
from tasks.base import Task


def limited(task: Task, dataset: Dataset, frames: Int[np.ndarray, " m"], seed: int) -> Int[np.ndarray, " k"]:
    """Those of `frames` that only train, and those of as many items of the test set as the task's `limit` says.

    `seed` is the stream that items are drawn from.
    """
    if task.config.limit is None:
        return frames
    items = task.tested(dataset, frames)
    drawn = generator(seed, "limit").permutation(np.unique(items[items >= 0]))[: task.config.limit]
    return np.asarray(frames[(items < 0) | np.isin(items, drawn)])


def part_tested(task: Task, dataset: Dataset, frames: Int[np.ndarray, " m"], whole: Int[np.ndarray, " n"]) -> list[str]:
    """What a table says of a part of a test set: on how many items of those of `whole`; nothing of all of them."""
    if len(frames) == len(whole):
        return []
    tested, there = (len(np.unique(items[items >= 0])) for items in (task.tested(dataset, f) for f in (frames, whole)))
    return [f"tested on {tested:,} of {there:,} {'tracks' if task.reduce == 'track_mean' else 'images'} (limit)"]
