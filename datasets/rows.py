"""Arrays that grow row by row: in memory, or as `.npy` files that may be larger than memory.

A file is written by ordinary writes, not through a memory map: on a full disk a write raises an error, where a memory
map would have the process killed.
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from datasets.base import Rows


class MemoryRows:
    """Rows kept in memory."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self._blocks = [np.empty((0, *shape), dtype)]

    def append(self, rows: np.ndarray) -> None:
        """Add `rows`, (k, *shape)."""
        self._blocks.append(_checked(rows, self._blocks[0]))

    def array(self) -> np.ndarray:
        """Everything appended, in one array."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return self._blocks[0]


def in_memory(name: str, shape: tuple[int, ...], dtype: Any) -> Rows:
    """An `OpenRows` that keeps every array in memory."""
    return MemoryRows(shape, dtype)


class FileRows:
    """Rows appended to an `.npy` file, whose header is completed when the array is asked for."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any) -> None:
        self.path = path
        self._like = np.empty((0, *shape), dtype)
        self._count = 0
        self._file: BinaryIO | None = path.open("wb")
        self._write_header()

    def append(self, rows: np.ndarray) -> None:
        """Add `rows`, (k, *shape); raises OSError where the disk is full."""
        assert self._file is not None, f"{self.path.name} is complete: nothing can be appended"
        rows = _checked(rows, self._like)
        self._file.write(np.ascontiguousarray(rows).data)
        self._count += len(rows)

    def array(self) -> np.ndarray:
        """A read-only memory map of everything appended."""
        if self._file is not None:
            self._file.seek(0)
            self._write_header()
            self.close()
        found: np.ndarray = np.load(self.path, mmap_mode="r" if self._count else None, allow_pickle=False)
        return found

    def close(self) -> None:
        """Close the file, complete or not."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_header(self) -> None:
        """Write the header. numpy pads it so that any number of rows fits in the same length."""
        assert self._file is not None
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(self._like.dtype),
                "fortran_order": False,
                "shape": (self._count, *self._like.shape[1:]),
            },
        )


class FolderOfRows:
    """An `OpenRows` that keeps every array as `folder/<name>.npy`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, FileRows] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> Rows:
        """Open the file of an array; each name once."""
        assert name not in self._opened, f"the array {name} is opened twice"
        self._opened[name] = FileRows(self._folder / f"{name}.npy", shape, dtype)
        return self._opened[name]

    def holds(self, name: str, array: np.ndarray) -> bool:
        """Whether `array` is what was appended under `name`, so that it need not be written again."""
        opened = self._opened.get(name)
        return (
            opened is not None
            and isinstance(array, np.memmap)
            and array.filename is not None
            and Path(array.filename) == opened.path.resolve()
            and len(array) == opened._count
        )

    def close(self) -> None:
        """Close every file, complete or not."""
        for rows in self._opened.values():
            rows.close()


def _checked(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`rows`, if they fit below those of `like`."""
    if rows.shape[1:] != like.shape[1:] or rows.dtype != like.dtype:
        raise ValueError(f"rows {rows.shape[1:]} {rows.dtype} do not fit an array of {like.shape[1:]} {like.dtype}")
    return rows
