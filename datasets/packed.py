"""Matrices of zeros and ones at one bit per value, and what holds for all matrices that tasks get."""

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int, UInt8

# Of a memory map, what is held at once by reading some of its columns.
READ_BYTES = 16 * 2**20


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


def columns(matrix: Matrix, start: int, stop: int) -> Float[np.ndarray, "n columns"]:
    """Columns `start` to `stop` of all rows; of a memory map a copy, and then no page of it stays in memory.

    Its rows are read a few at a time: of each one the system puts the neighbouring pages into the process's memory too,
    and so in the end a block of columns would hold the whole file.
    """
    array = matrix.packed if isinstance(matrix, PackedBits) else matrix
    if not isinstance(array.base, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED"):
        return np.asarray(matrix[:, start:stop])
    stop = min(stop, matrix.shape[1])
    block = np.empty((len(matrix), stop - start), dtype=matrix.dtype)
    step = max(1, READ_BYTES // array[0].nbytes)
    for first in range(0, len(block), step):
        block[first : first + step] = matrix[first : first + step, start:stop]
        array.base.madvise(mmap.MADV_DONTNEED)  # what was read stays in the system's cache
    return block
