"""Faults of the machine are one line; faults of the project are not called that."""

import errno
import re

import pytest

from bench.surroundings import told


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/y"),
            r"No space left on device \(/x/y\): free some space",
        ),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files: allow more open files"),
        (MemoryError("Unable to allocate 3 GiB"), r"out of memory \(Unable to allocate 3 GiB\)"),
        (MemoryError(), "out of memory"),
        (ImportError("x.so: failed to map segment from shared object"), "failed to map segment.*: free some memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "free some memory"),
        (RuntimeError("can't start new thread"), "allow more processes"),
    ],
)
def test_what_the_machine_lacks_is_one_line(error: BaseException, line: str) -> None:
    found = told(error)
    assert found is not None
    assert re.search(line, found)
    assert "\n" not in found


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "No such file"), ImportError("no module x"), RuntimeError("shape"), KeyError("a")]
)
def test_anything_else_keeps_its_traceback(error: BaseException) -> None:
    assert told(error) is None
