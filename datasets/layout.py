"""Finding a dataset's files below the data root, and saying what was looked for where when they are not there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from datasets.errors import BenchError, DatasetMissing

# The classes of the label kind `split`, where a dataset has an official one.
SPLITS = ("train", "val", "test")


def find(name: str, root: Path, wanted: Sequence[str], places: Sequence[str]) -> Path:
    """The first of `places` (folders below `root`) that holds all of `wanted` (files or folders).

    Raises
    ------
    DatasetMissing
        When none does. The text names the first wanted thing that is missing in the place that holds most of them
        (or in the first place), and says that a stand-in exists.
    """
    if not root.is_dir():
        raise DatasetMissing(f"{name}: the data root {root} is not a folder{_advice()}")
    best, best_count = root / places[0], 0
    for place in places:
        folder = root / place
        count = sum((folder / item).exists() for item in wanted)
        if count == len(wanted):
            return folder
        if count > best_count:
            best, best_count = folder, count
    missing = next(item for item in wanted if not (best / item).exists())
    elsewhere = "" if best_count or len(places) == 1 else f" (nor in {', '.join(places[1:])} below {root})"
    raise DatasetMissing(f"{name}: no {missing} in {best}{elsewhere}{_advice()}")


def read_lines(name: str, path: Path) -> list[str]:
    """The lines of a label file, without line ends (CRLF or LF), blank ones kept; a BenchError if unreadable."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BenchError(f"{name}: cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BenchError(f"{name}: {path} is not a text file (byte {error.start})") from error


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
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise BenchError(f"{name}: line {line} of {path} has {text!r}, expected a whole number from {low} to {high}")
    return value


def _advice() -> str:
    return "; give the folder that holds the dataset with --data-root, or use its stand-in with --data synthetic"
