"""Features as narrow rows: the same distances in at most as many dimensions as there are items, read once.

What looks at all pairs of items (FINCH, nearest neighbours, verification, subsamples) works on these, so that features
of 131,072 values, memory maps and packed bits are read a block of columns at a time, and once.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpstrf

from datasets.packed import Matrix, columns
from tasks.base import TaskConfig
from tasks.clustering.ward import not_finite

Normalise = Literal["none", "standardise", "l2", "pca"]

# Memory of a block of columns in float64.
BLOCK_BYTES = 32 * 2**20
# Share of the variance that `pca` keeps.
VARIANCE = 0.95
# A column whose deviation is below this share of its largest value is constant but for rounding.
CONSTANT = 1e-7

DESCRIBED: dict[Normalise, str] = {
    "none": "as they are",
    "standardise": "each value less its mean over the items, by its standard deviation",
    "l2": "each item's features by their length, so that distances are those of angles",
    "pca": f"the principal components that hold {100 * VARIANCE:.0f} % of the variance, each of variance 1",
}


class ClusteringConfig(TaskConfig):
    """What is done to features before they are clustered, and what is asked besides."""

    normalise: Normalise = Field(
        "none",
        description="; ".join(f"{name}: {text}" for name, text in DESCRIBED.items()) + "; several, with commas, are "
        "one row each",
        json_schema_extra={"rows": True},
    )
    stability: bool = Field(False, description="also score how far Ward's clusters stay the same on subsamples")


def compact(features: Float[Matrix, "n d"]) -> Float[np.ndarray, "n m"]:
    """Rows with the same inner products, and so the same distances, angles and means' distances, in m <= n dimensions.

    Features that are no wider than there are items are returned as they are (packed bits unpacked); of wider ones the
    rows are in double precision.
    """
    if features.shape[1] <= len(features):
        return np.asarray(features)
    return _rows_of(_gram(features, lambda block: block))


def normalised(features: Float[Matrix, "n d"], how: Normalise) -> Float[Matrix, "n m"]:
    """Features for clustering: themselves for `none`; else rows as of `compact`, of what `DESCRIBED` says.

    Raises BenchError where a feature is not finite, but for `none`.
    """
    if how == "none":
        return features
    items, width = features.shape
    if how == "standardise":
        rows = _standardised(np.asarray(features)) if width <= items else _rows_of(_gram(features, _standardised))
    else:
        rows = compact(features)
    if not np.isfinite(rows).all():
        raise not_finite(features)
    if how == "standardise":
        return rows
    rows = rows.astype(np.float64)
    if how == "l2":
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
    return _whitened(rows)


def _whitened(rows: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n p"]:
    """Scores on the first principal components that hold `VARIANCE` of it, each of variance 1."""
    vectors, values, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    total = float((values**2).sum())
    if total <= CONSTANT**2 * float((rows**2).sum()):  # rows that are all the same but for rounding
        return np.zeros((len(rows), 1))
    kept = int(np.searchsorted(np.cumsum(values**2) / total, VARIANCE)) + 1
    return np.asarray(vectors[:, :kept] * np.sqrt(len(rows)))


def _standardised(block: Float[np.ndarray, "n b"]) -> Float[np.ndarray, "n b"]:
    """Columns of mean 0 and variance 1; constant ones are 0, and those with a value that is not finite are not."""
    block = np.asarray(block, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        mean, deviation = block.mean(axis=0), block.std(axis=0)
        constant = deviation <= CONSTANT * np.abs(block).max(axis=0)
        return np.asarray(np.where(constant, 0.0, (block - mean) / np.where(constant, 1, deviation)))


def _blocks(features: Float[Matrix, "n d"]) -> Iterator[Float[np.ndarray, "n b"]]:
    """The columns in double precision, about `BLOCK_BYTES` at a time."""
    step = max(1, BLOCK_BYTES // (8 * len(features)))
    for start in range(0, features.shape[1], step):
        yield columns(features, start, start + step).astype(np.float64)


def _gram(features: Float[Matrix, "n d"], change: Callable[[Any], Any]) -> Float[np.ndarray, "n n"]:
    """Inner products of rows whose columns were changed block by block; only those of a row with itself and earlier
    ones."""
    gram = np.zeros((len(features), len(features)))
    for block in _blocks(features):
        # LAPACK works on columns: its upper triangle is the lower one here. In place, so that no second matrix is held.
        dsyrk(1.0, change(block).T, beta=1.0, c=gram.T, trans=1, lower=0, overwrite_c=1)
    return gram


def _rows_of(gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n r"]:
    """Rows that have these inner products (as of `_gram`), in as many dimensions as their matrix has rank; not finite
    where it is not.

    By Cholesky's decomposition with complete pivoting, in the matrix's own memory (Higham, Accuracy and Stability of
    Numerical Algorithms, 2002, section 10.3).
    """
    if not np.isfinite(gram).all():
        return np.full_like(gram, np.nan)
    _, order, rank, _ = dpstrf(gram.T, lower=0, overwrite_a=1)
    for row in range(len(gram)):
        gram[row, row + 1 :] = 0
    _put_rows(gram, order - 1)
    return gram[:, :rank] if rank else np.zeros((len(gram), 1))


def _put_rows(matrix: Float[np.ndarray, "n n"], places: Int[np.ndarray, " n"]) -> None:
    """Move row i to `places[i]`, a permutation, one cycle after the other and so without a second matrix."""
    moved = np.zeros(len(places), dtype=bool)
    for start in range(len(places)):
        held, place = matrix[start].copy(), int(places[start])
        while not moved[place]:
            moved[place] = True
            matrix[place], held = held, matrix[place].copy()
            place = int(places[place])
