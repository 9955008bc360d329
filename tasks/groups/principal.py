"""Principal components of a few images' features, however many features there are."""

import numpy as np
from jaxtyping import Float, Shaped

from datasets.packed import Matrix

# Memory of a block of columns in double precision.
BLOCK_BYTES = 64 * 2**20
# Directions with a smaller share of the features' energy are single precision's rounding.
ROUNDING = 1e-12


def coordinates(features: Shaped[Matrix, "n d"]) -> Float[np.ndarray, "n r"]:
    """Features less their mean, in the axes of their principal components: all r of them, most variance first.

    Distances and inner products stay those of the centred features, so that whatever knows nothing else of its inputs
    (ridge regression, say) gives the same. By the eigenvectors of the n x n matrix of inner products: columns are
    read in blocks. The sign of a component is that of its coordinate of largest magnitude, made positive.
    """
    count, width = features.shape
    inner, energy = np.zeros((count, count)), 0.0
    step = max(1, BLOCK_BYTES // (8 * max(count, 1)))
    for start in range(0, width, step):
        block = np.asarray(features[:, start : start + step]).astype(np.float64)
        energy += float(np.square(block).sum())
        block -= block.mean(axis=0)
        inner += block @ block.T
    values, vectors = np.linalg.eigh(inner)
    kept = np.flatnonzero(values > ROUNDING * energy)[::-1]
    found = vectors[:, kept] * np.sqrt(values[kept])
    if not len(kept):
        return np.asarray(found)
    largest = np.abs(found).argmax(axis=0)
    return np.asarray(found * np.sign(found[largest, np.arange(len(kept))]))


def codes(features: Shaped[Matrix, "n d"], axes: Float[np.ndarray, "n r"], count: int) -> Float[np.ndarray, "n c"]:
    """At most `count` numbers per row, each with mean 0 and variance 1.

    The features that change themselves, where all d are no more than `count`, so that what has an axis of its own keeps
    it; else the first of their principal components `axes`, as of `coordinates`.
    """
    if features.shape[1] > count:
        chosen = axes[:, :count]
    else:
        values = np.asarray(features[:]).astype(np.float64)
        centred = values - values.mean(axis=0)
        chosen = centred[:, np.square(centred).sum(axis=0) > ROUNDING * np.square(values).sum(axis=0)]
    return np.asarray(chosen / np.sqrt(np.square(chosen).mean(axis=0)))
