"""Temporary names that say who writes, so that what a killed process left can be told from what is being written.

    .<target's name>.<machine>-<process>-<its start>.<number>.tmp

The machine is told by its start and by the space in which its processes are numbered: two containers may share a
folder, and both have a process 12. Of another machine's processes nothing is known here, so what they left is
somebody's until a day has passed without a change to it.
"""

import hashlib
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

# Seconds without any change after which what another machine left is surely nobody's: what is written at all is
# written to every few minutes.
UNTOUCHED = 24 * 3600
_NAME = re.compile(r"\..*\.([0-9a-f]{8})-(\d+)-(\d+)\.[0-9a-f]{8}\.tmp")
# Letters of the target's name that are kept: the whole name must not be longer than file systems allow.
_KEPT = 50


def temporary_name(target: str) -> str:
    """A new temporary name beside a target, of this process."""
    pid = os.getpid()
    return f".{target[:_KEPT]}.{_machine()}-{pid}-{_start(pid)}.{uuid.uuid4().hex[:8]}.tmp"


def sweep(folders: Iterable[Path]) -> int:
    """Remove the temporary files and folders right inside `folders` that are surely nobody's; returns how many."""
    swept = 0
    for folder in folders:
        for path in folder.glob(".*.tmp"):
            with suppress(OSError):  # another user's, or gone meanwhile
                if nobodys(path):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    swept += 1
    return swept


def nobodys(path: Path) -> bool:
    """Whether the process that wrote a temporary file or folder is surely gone."""
    found = _NAME.fullmatch(path.name)
    if found is not None and found[1] == _machine():
        return _start(int(found[2])) != int(found[3])
    newest = max(entry.lstat().st_mtime for entry in (path, *path.rglob("*")))
    return time.time() - newest > UNTOUCHED


@cache
def _machine() -> str:
    """What tells this machine, since its start, from others, and its processes' numbers from those of a container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _start(pid: int) -> int:
    """When a process started, in hundredths of a second; 0 where there is none of that number."""
    import psutil  # not needed by commands that write nothing

    try:
        return int(psutil.Process(pid).create_time() * 100)
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return -1
