"""Finding a dataset's files below the data root and reading its lists: the same, and as strict, for every dataset."""

import codecs
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from datasets.errors import BenchError, DatasetMissing
from datasets.files import regular_size
from datasets.names import at_home

T = TypeVar("T")

# The classes of the label kind `split`, where a dataset has an official one.
SPLITS = ("train", "val", "test")

# Bytes of the longest label file that is read; CelebA's attributes take 27 MB.
_LONGEST = 1 << 28
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def find(name: str, root: Path, wanted: Sequence[str], places: Sequence[str]) -> Path:
    """The first of `places` (folders below `root`) that holds all of `wanted` (files or folders).

    Raises
    ------
    DatasetMissing
        When none does. The text names the first wanted thing that is missing in the place that holds most of them
        (or in the first place), and says that a stand-in exists.
    """
    root = at_home(root)
    if not os.path.isdir(root):
        raise DatasetMissing(f"{name}: the data root {root} is not a folder{_advice()}")
    best, best_count = root / places[0], 0
    for place in places:
        folder = root / place
        count = sum(os.path.exists(folder / item) for item in wanted)
        if count == len(wanted):
            return folder
        if count > best_count:
            best, best_count = folder, count
    missing = next(item for item in wanted if not os.path.exists(best / item))
    elsewhere = "" if best_count or len(places) == 1 else f" (nor in {', '.join(places[1:])} below {root})"
    raise DatasetMissing(f"{name}: no {missing} in {best}{elsewhere}{_advice()}")


def read_text(name: str, path: Path) -> str:
    """The text of a label file in UTF-8, or in UTF-16 with its byte order mark.

    A BenchError where it is no regular file, cannot be read, or is of another encoding; the text names the line.
    """
    try:
        size = regular_size(path)
        if size > _LONGEST:
            raise BenchError(f"{name}: {path} has {size} bytes, expected a label file of at most {_LONGEST}")
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{name}: cannot read {path}: {error.strerror or error}") from error
    try:
        if content.startswith(_UTF16):
            return content.decode("utf-16")
        if (zero := content.find(b"\0")) >= 0:  # valid UTF-8, and a sign of UTF-16 or of no text at all
            raise UnicodeDecodeError("utf-8", content, zero, zero + 1, "a zero")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BenchError(f"{name}: {path} is not a text file in UTF-8 (line {line}): save it as UTF-8") from error


def read_lines(name: str, path: Path) -> list[str]:
    """The lines of a label file, without line ends (CRLF or LF), blank ones kept; errors as `read_text`'s."""
    return read_text(name, path).splitlines()


def read_table(name: str, path: Path, expected: str, *, start: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields of a table separated by white space, from line `start`; blank lines are passed over.

    `expected` shows a line of the format, such as `name label`; a line with another number of fields is a BenchError.
    """
    count = len(expected.split())
    for number, line in enumerate(read_lines(name, path)[start - 1 :], start=start):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != count:
            raise BenchError(f"{name}: line {number} of {path} is {line[:60]!r}, expected {expected}")
        yield number, fields


def number_in(name: str, path: Path, line: int, text: str, low: int, high: int) -> int:
    """The whole number `text` of a label file's line; a BenchError when it is none from `low` to `high`."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= (value := int(text)) <= high:
        raise BenchError(
            f"{name}: line {line} of {path} has {text[:60]!r}, expected a whole number from {low} to {high}"
        )
    return value


def put(rows: dict[str, T], key: str, value: T, where: str, verb: str, show: Callable[[T], str] = repr) -> None:
    """Add a row of a label file under `key`, once: repeated it is passed over, contradicting it is a BenchError.

    `where` is `name: line 3 of PATH`; `verb` joins it with what it says, as in `labels`.
    """
    if (earlier := rows.setdefault(key, value)) != value:
        raise BenchError(f"{where} {verb} {key[:60]} {show(value)[:60]}, an earlier line {show(earlier)[:60]}")


def _advice() -> str:
    return "; give the folder that holds the dataset with --data-root, or use its stand-in with --data synthetic"
