"""What code finds in a process where other people's code ran before: the usual settings, chance of its own, the folder
that the command was given in. What it changes of these is put back."""

import random
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager

import numpy as np
import torch


@contextmanager
def undisturbed(seed: int) -> Iterator[None]:
    """Begin with torch's and numpy's own settings and with global generators seeded by `seed`; on leaving, the caller
    has settings, generators and working folder back as they were."""
    with chdir("."), usual_settings(), own_chance(seed):
        yield


@contextmanager
def usual_settings() -> Iterator[None]:
    """The settings that a fresh process has, of those that numbers or errors depend on."""
    cudnn = torch.backends.cudnn
    before = (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.benchmark,
        cudnn.deterministic,
        sys.getrecursionlimit(),
    )
    _settle(torch.float32, torch.device("cpu"), False, False, False, False, before[-1])
    torch.set_flush_denormal(False)  # what it was before, torch does not tell
    try:
        with torch.enable_grad(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield
    finally:
        _settle(*before)
        torch.set_flush_denormal(False)


def _settle(
    dtype: torch.dtype,
    device: torch.device,
    deterministic: bool,
    warn_only: bool,
    benchmark: bool,
    repeatable: bool,
    recursion: int,
) -> None:
    torch.set_default_dtype(dtype)
    if torch.get_default_device() != device:  # a default that is set, be it the CPU, slows every call down
        torch.set_default_device(None if device.type == "cpu" else device)
    torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = benchmark, repeatable
    sys.setrecursionlimit(recursion)


@contextmanager
def own_chance(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, numpy and torch; the caller's state comes back afterwards."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 (whatever may draw from it)
    with torch.random.fork_rng(devices=devices):
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
