"""Files that are either whole or absent: written under a temporary name beside the target, flushed, then renamed.

What a killed process leaves of them is removed by `datasets.leftovers`.
"""

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets.errors import BenchError
from datasets.leftovers import temporary_name

_KINDS = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISSOCK, "socket"),
)


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; on success it is flushed and renamed onto `target`.

    On any error the temporary file is removed and `target` is what it was before.

    Raises
    ------
    BenchError
        Where the disk is full or the folder cannot be written; the text says which file.
    """
    temporary = target.with_name(temporary_name(target.name))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    except OSError as error:
        raise BenchError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Like `atomic_path` for a folder; an existing `target` is kept (the first writer wins)."""
    temporary = target.with_name(temporary_name(target.name))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with path.open("rb") as handle:
                    os.fsync(handle.fileno())
        if not target.exists():
            temporary.replace(target)
    except OSError as error:
        raise BenchError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove(path: Path, *, but: tuple[str, ...] = ()) -> None:
    """Remove a file or a folder that may be there or not; of a folder, all `but` what has one of these names.

    Raises BenchError where the system does not allow it.
    """
    try:
        if not path.is_dir():
            path.unlink(missing_ok=True)
        elif but:
            for entry in path.iterdir():
                if entry.name not in but:
                    remove(entry)
        else:
            shutil.rmtree(path)
    except OSError as error:
        raise BenchError(f"cannot remove {path}: {error.strerror or error}") from error


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files if file.is_file())


def new_array(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> np.memmap:
    """A new `.npy` file of zeros behind a memory map, its space on the disk taken first.

    Without that a disk that fills up while the map is written would kill the process instead of raising OSError.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate") and array.nbytes:
        with path.open("r+b") as handle:
            os.posix_fallocate(handle.fileno(), 0, path.stat().st_size)
    return array


def write_json(target: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    with atomic_path(target) as path:
        path.write_text(json_text(value), encoding="utf-8")


def json_text(value: Any) -> str:
    """`value` as indented JSON with sorted keys, which can be read again whatever names stand in it."""
    return json.dumps(_encodable(value), indent=2, sort_keys=True, allow_nan=False) + "\n"


def _encodable(value: Any) -> Any:
    """`value` with halves of surrogate pairs as escapes: JSON that holds one cannot be read again."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(part) for key, part in value.items()}
    return [_encodable(part) for part in value] if isinstance(value, list | tuple) else value


def read_json(path: Path) -> Any:
    """Read a JSON file; a damaged one is a `BenchError` that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # another encoding, numbers of thousands of digits, deep nesting
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BenchError(f"{path} is not valid JSON{where}: delete it and run again") from error


def regular_size(path: Path) -> int:
    """Size in bytes of a regular file, to be asked before a file of somebody else's is opened.

    Raises
    ------
    OSError
        When there is none, and for anything but a regular file: a FIFO or a device may never give an end.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise OSError(errno.ENOENT, "a link whose target is not there") from error
        raise
    for is_kind, kind in _KINDS:
        if is_kind(status.st_mode):
            raise OSError(errno.EINVAL, f"a {kind}, expected a regular file")
    return status.st_size


def write_with(target: Path, write: Callable[[Path], object]) -> None:
    """Call `write(path)` on a temporary path and rename the result onto `target`."""
    with atomic_path(target) as path:
        write(path)


def write_text(target: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; what is no text, as in names of other encodings, as escapes."""
    write_with(target, lambda path: path.write_text(text, encoding="utf-8", errors="backslashreplace"))
