"""Keeps the C library from handing memory back to the system at every training step."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> bool:
    """Let glibc reuse freed blocks of up to 1 GiB; returns whether the system has such a setting.

    By default glibc maps large tensors anew each time, and the kernel clears their pages again at each step. Measured
    on a PDR step with LOOCC (16 images, one thread): 5,000 page faults a step became 30, and the step 15 % shorter.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(M_MMAP_THRESHOLD, 2**30) and library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
