"""What is independent of what: images of one person are not, so intervals and comparisons resample people."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Num

from datasets.base import Dataset

# The label that says whom an image shows, and the array of predictions that keeps whose each item is.
LABEL = "identity"
ARRAY = "person"
OVER = "people"


@dataclass(frozen=True)
class Units:
    """The people behind a task's items.

    Attributes
    ----------
    name: the dataset's own number of the person on each item, the same whichever items are chosen (n,).
    number: the same, from 0 to `count` - 1 (n,).
    count: how many people there are.
    """

    name: Int[np.ndarray, " n"]
    number: Int[np.ndarray, " n"]
    count: int

    def sums(self, values: Num[np.ndarray, "n *cells"]) -> Num[np.ndarray, "u *cells"]:
        """The sum over each person's items."""
        out = np.zeros((self.count, *values.shape[1:]), dtype=values.dtype)
        np.add.at(out, self.number, values)
        return out

    def among(self, items: Int[np.ndarray, " m"]) -> "Units":
        """Those of some of the items, of all the people."""
        return Units(self.name[items], self.number[items], self.count)

    def of(self, items: Int[np.ndarray, " m"]) -> "Units":
        """Those of some of the items: of the people that are on them."""
        return _numbered(self.name[items])


def units_of(dataset: Dataset, frames: Int[np.ndarray, " n"]) -> Units | None:
    """The people on images, where the dataset knows them; an image of an unknown person stands for itself.

    None where it knows nobody: every item is a unit of its own.
    """
    if LABEL not in dataset.labels:
        return None
    labels = np.asarray(dataset.labels[LABEL], dtype=np.int64)[frames]
    return _numbered(np.where(labels < 0, -1 - frames, labels))


def _numbered(names: Int[np.ndarray, " n"]) -> Units:
    """People by any numbers."""
    known, number = np.unique(names, return_inverse=True)
    return Units(names, number.astype(np.int64), len(known))
