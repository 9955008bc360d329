"""Packed bits index like the array that they stand for."""

import re
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import packed
from datasets.packed import PackedBits, columns
from datasets.streams import generator


def bits(rows: int, width: int) -> np.ndarray:
    return (generator(0, "bits").random((rows, width)) < 0.3).astype(np.float32)


def pack(dense: np.ndarray) -> PackedBits:
    return PackedBits(np.packbits(dense.astype(bool), axis=1), dense.shape[1])


MASK = np.array([True, False, True, True, False, False, True, False, True])
KEYS: list[Any] = [
    slice(None),
    slice(2, 7),
    slice(None, None, -2),
    4,
    -1,
    np.int64(3),
    [5, 0, 5],
    np.array([2, -1]),
    MASK,
    np.array([], dtype=np.int64),
    (slice(None), slice(3, 20)),
    (slice(None), slice(8, 16)),
    (slice(None), slice(5, 5)),
    (slice(None), slice(9, 2)),
    (slice(None), slice(40, 500)),
    (slice(None), slice(None, None, 7)),
    (slice(None), slice(None, None, -1)),
    (slice(None), 17),
    (slice(None), -1),
    (slice(None), np.array([0, 44, -45, 8])),
    (slice(None), np.arange(45) % 3 == 0),
    (2, slice(1, 3)),
    (2, 31),
    (2, np.array([7, 8])),
    (MASK, slice(10, 30)),
    (np.array([1, 8, 3]), slice(0, 9)),
    (np.array([1, 8, 3]), np.array([4, 5, 44])),
    (slice(1, 8, 3), [3, 1]),
    np.ix_([0, 8, 2], [44, 0]),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpys(key: Any) -> None:
    dense = bits(9, 45)
    found, expected = pack(dense)[key], dense[key]
    np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 64])
def test_looks_like_the_array(width: int) -> None:
    dense = bits(5, width)
    packed = pack(dense)
    assert (packed.shape, packed.dtype, packed.ndim, len(packed)) == (dense.shape, dense.dtype, 2, 5)
    np.testing.assert_array_equal(np.asarray(packed), dense, strict=True)
    np.testing.assert_array_equal(np.array(packed, dtype=np.float64), dense.astype(np.float64), strict=True)
    np.testing.assert_array_equal(np.stack(list(packed)), dense)


@pytest.mark.parametrize("key", [9, (slice(None), 45), (slice(None), np.array([-46])), (0, 45)], ids=str)
def test_what_is_not_there(key: Any) -> None:
    with pytest.raises(IndexError):
        pack(bits(9, 45))[key]


def test_no_view_of_what_is_packed() -> None:
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(pack(bits(2, 8)), copy=False)


def test_bytes_and_width_must_agree() -> None:
    with pytest.raises(ValueError, match="rows of 2 bytes do not hold 17 bits"):
        PackedBits(np.zeros((3, 2), dtype=np.uint8), 17)


def test_only_what_is_asked_for_is_unpacked(tmp_path: Path) -> None:
    dense = bits(50, 40_000)
    np.save(tmp_path / "packed.npy", np.packbits(dense.astype(bool), axis=1))
    packed = PackedBits(np.load(tmp_path / "packed.npy", mmap_mode="r"), dense.shape[1])
    tracemalloc.start()
    np.testing.assert_array_equal(packed[:, 20_001:20_101], dense[:, 20_001:20_101])
    np.testing.assert_array_equal(packed[7], dense[7])
    np.testing.assert_array_equal(packed[:, 11], dense[:, 11])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < dense.nbytes / 8


@pytest.mark.parametrize(("start", "stop"), [(0, 45), (7, 16), (40, 500), (3, 3)])
@pytest.mark.parametrize("packing", [False, True])
def test_columns_of_a_memory_map_are_those_of_the_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: bool, start: int, stop: int
) -> None:
    monkeypatch.setattr(packed, "READ_BYTES", 1000)  # several reads
    dense = bits(50, 45)
    np.save(tmp_path / "rows.npy", np.packbits(dense.astype(bool), axis=1) if packing else dense)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    for matrix in (PackedBits(rows, 45) if packing else rows, dense):
        np.testing.assert_array_equal(columns(matrix, start, stop), dense[:, start:stop], strict=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads from Linux's /proc what is in memory")
def test_columns_leave_no_page_of_a_memory_map_in_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", bits(200, 20_000))
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")

    def kilobytes() -> int:
        maps = Path("/proc/self/smaps").read_text()
        return int(re.search(r"rows\.npy\nSize:.*\n(?:.*\n)*?Rss: +(\d+) kB", maps)[1])  # type: ignore[index]

    rows[:, 9_000:9_100].sum()
    assert kilobytes() > 200 * 4, "the test would show nothing"
    columns(rows, 9_000, 9_100)
    assert kilobytes() == 0
