"""The fixed 80/10/10 split of a training set that has no official one."""

import numpy as np
from jaxtyping import Int

from datasets.streams import generator


def split(n: int, seed: int) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"], Int[np.ndarray, " c"]]:
    """Indices of the training, validation and test images among `n`, each ascending.

    Validation and test images are a tenth each, rounded down (so none of fewer than 10 images); the rest trains.
    The order is drawn from the stream `split` of `seed`: the same for every method that trains on the same images.
    """
    order = generator(seed, "split").permutation(n).astype(np.int64)
    tenth = n // 10
    parts = order[2 * tenth :], order[:tenth], order[tenth : 2 * tenth]
    train, validation, test = (np.sort(part) for part in parts)
    return train, validation, test
