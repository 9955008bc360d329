"""Faults of the machine that a command runs on: a full disk, too little memory, too few file handles."""

import errno

from datasets.errors import first_line

# What the system says where it is short of something, or does not allow it.
SHORT = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "name a folder that can be written",
    errno.EPERM: "name a folder that can be written",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.EAGAIN: "allow more processes (ulimit -u)",
    errno.EIO: "look after the disk",
    errno.ENOMEM: "free some memory, or take fewer --jobs",
}
# How a library that cannot be loaded for want of memory, a thread or an allocation says so.
WORDS = {
    "failed to map segment": "free some memory, or allow more (ulimit -v)",
    "cannot allocate memory": "free some memory, or allow more (ulimit -v)",
    "can't allocate memory": "free some memory, or allow more (ulimit -v)",
    "not enough memory": "free some memory, or take fewer --jobs",
    "can't start new thread": "allow more processes (ulimit -u)",
}


def told(error: BaseException) -> str | None:
    """What is wrong with the machine and what to do, in one line; None of an error that is not the machine's."""
    if isinstance(error, MemoryError):
        return f"out of memory ({first_line(error) or 'no more is known'}): free some, or take fewer --jobs"
    if isinstance(error, OSError) and error.errno in SHORT:
        where = "" if error.filename is None else f" ({error.filename})"
        return f"{error.strerror}{where}: {SHORT[error.errno]}"
    if isinstance(error, ImportError | RuntimeError | OSError):
        for words, advice in WORDS.items():
            if words in str(error).lower():
                return f"{first_line(error)}: {advice}"
    return None
