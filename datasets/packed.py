"""Matrices of zeros and ones at one bit per value."""

from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int, UInt8


class PackedBits:
    """A float32 matrix (n, d) of zeros and ones whose rows are packed by `numpy.packbits`, perhaps in a memory map.

    Indexing and slicing are numpy's on both axes, and unpack nothing but what is asked for, into a new array;
    `numpy.asarray` unpacks it all. For anything else take blocks of rows or columns first.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, packed: UInt8[np.ndarray, "n bytes"], width: int) -> None:
        if packed.shape[1] != -(-width // 8):
            raise ValueError(f"rows of {packed.shape[1]} bytes do not hold {width} bits")
        self.packed = packed
        self.width = width

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return len(self.packed), self.width

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, key: Any) -> Any:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(columns, slice):
            start, stop, step = columns.indices(self.width)
            if step == 1:
                return self._between(rows, start, max(start, stop))
        return self._at(rows, np.arange(self.width)[columns])

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("packed bits cannot be unpacked without a copy")
        return np.asarray(self[:], dtype=dtype)

    def _between(self, rows: Any, start: int, stop: int) -> Float[np.ndarray, "*rows columns"]:
        """Columns `start` to `stop` of `rows`, by whole bytes."""
        first = start // 8
        bits = np.unpackbits(self.packed[rows, first : -(-stop // 8)], axis=-1)
        return bits[..., start - 8 * first : stop - 8 * first].astype(self.dtype)

    def _at(self, rows: Any, columns: Int[np.ndarray, "*shape"] | np.integer) -> Any:
        """Single columns, paired with `rows` as numpy pairs them."""
        bits = self.packed[rows, columns >> 3] >> (7 - (columns & 7)).astype(np.uint8) & 1
        return bits.astype(self.dtype)


# What tasks get as features: an array, or one that is as good as one to index. `Float[Matrix, "n d"]` in signatures.
Matrix = np.ndarray | PackedBits
