"""Files that say what they should hold: JSON that bears its own SHA-256, and the digests of the files beside it.

A flipped bit, a torn write or a number edited by hand is found before anything is computed from it: whoever reads an
artifact checks it, and a damaged one is computed again. The seal is the first line of the JSON object, and its digest
is that of the file's bytes without that line.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from datasets.errors import BenchError, first_line
from datasets.files import json_text, write_with

_OPENING = b"{\n"
_said: set[str] = set()
_SEAL = re.compile(rb'\{\n  "seal": "([0-9a-f]{64})",\n')


class Damaged(BenchError):
    """A file of the project's own that is not what was written; it is computed again, or left out, never used."""

    @classmethod
    def of(cls, path: Path, reason: str, *, what: str = "is damaged") -> "Damaged":
        """The error that names a file, and why it is none."""
        return cls(f"{path} {what} ({reason})")


def write_sealed(target: Path, value: Mapping[str, Any]) -> None:
    """Write an object as indented JSON with sorted keys and its seal, atomically."""
    body = json_text(value).encode()
    assert value, "an object without members has no place for a seal"
    assert "seal" not in value, "the seal is not the caller's"
    seal = b'  "seal": "' + hashlib.sha256(body).hexdigest().encode() + b'",\n'
    write_with(target, lambda path: path.write_bytes(_OPENING + seal + body.removeprefix(_OPENING)))


def sealed_text(path: Path) -> bytes | None:
    """The JSON of a sealed file without its seal, in UTF-8; None where the file bears no seal.

    Raises
    ------
    Damaged
        Where the seal does not fit, or the file cannot be read.
    FileNotFoundError
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged.of(path, error.strerror or str(error)) from error
    found = _SEAL.match(text)
    if found is None:
        return None
    body = _OPENING + text[found.end() :]
    if hashlib.sha256(body).hexdigest().encode() != found[1]:
        raise Damaged.of(path, "its text does not fit its seal")
    return body


def read_sealed(path: Path) -> dict[str, Any]:
    """The object of a sealed file; raises Damaged, and FileNotFoundError."""
    body = sealed_text(path)
    if body is None:
        raise Damaged.of(path, "it bears no seal")
    value: dict[str, Any] = json.loads(body)
    return value


def find_sealed(path: Path) -> dict[str, Any] | None:
    """The object of a sealed file, or None where there is none; raises Damaged."""
    try:
        return read_sealed(path)
    except FileNotFoundError:
        return None


@contextmanager
def leaving_out_damaged() -> Iterator[None]:
    """Go on without what turns out to be damaged inside the block; each such file is said once per process."""
    try:
        yield
    except Damaged as damage:
        if (text := str(damage)) not in _said:
            _said.add(text)
            print(f"warning: {text} and is left out: the run that wrote it makes it anew", file=sys.stderr)


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """File name -> SHA-256 of its bytes."""
    return {path.name: file_digest(path) for path in sorted(paths)}


def check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Compare files of `folder` with their digests; raises Damaged, naming the first that is another or is not there.

    A file that did not change since this process looked at it is not read again.
    """
    for name, digest in expected.items():
        path = folder / name
        try:
            found = file_digest(path)
        except OSError as error:
            raise Damaged.of(path, error.strerror or str(error)) from error
        if found != digest:
            raise Damaged.of(path, "its content is not what was written")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises OSError."""
    found = path.stat()
    return _digest(path, found.st_ino, found.st_size, found.st_mtime_ns)


@cache
def _digest(path: Path, inode: int, size: int, changed: int) -> str:
    """Weights and features may be gigabytes, and a grid asks for them in every cell."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_array(path: Path) -> np.ndarray:
    """A `.npy` file behind a read-only memory map; raises Damaged. Nothing is unpickled."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, TokenError, MemoryError, OverflowError, SyntaxError) as error:
        # What numpy raises on an empty file, on a torn header, and on a shape that cannot be.
        raise Damaged.of(path, first_line(error) or type(error).__name__) from error
    return array
