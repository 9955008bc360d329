"""Where a run's time goes (`bench run --profile-time`): seconds by part, each moment counted once.

Parts are marked where the harness hands work on, so nothing that a key depends on changes. Rendering is inside of
training, and is found by wrapping the renderer. Off, which is the default, a mark costs a comparison.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

# What is counted, and what belongs to it.
PARTS = {
    "data": "reading, drawing and decoding images",
    "network": "training and encoding, but for rendering",
    "render": "the differentiable renderer, forward and back",
    "evaluate": "clustering, scores and their intervals",
    "log": "tables, report, manifest and MLflow",
}


class Clock:
    """Seconds by part of one thread; while an inner part runs, the outer one stands still."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self.thread = threading.get_ident()
        self._now = now
        self._open: list[str] = []
        self._since = 0.0

    def enter(self, part: str) -> None:
        """Begin a part."""
        self._count()
        self._open.append(part)

    def leave(self) -> None:
        """End the innermost part."""
        self._count()
        self._open.pop()

    def take(self) -> dict[str, float]:
        """What was counted since the last time."""
        found, self.seconds = self.seconds, {}
        return found

    def _count(self) -> None:
        moment = self._now()
        if self._open:
            part = self._open[-1]
            self.seconds[part] = self.seconds.get(part, 0.0) + moment - self._since
        self._since = moment


_clock: Clock | None = None


def start() -> None:
    """Count in this process from now on."""
    global _clock
    if _clock is None:
        _clock = Clock(_synchronised)
        _wrap_renderer()


def take() -> dict[str, float]:
    """What was counted in this process since the last time; nothing before `start`."""
    return {} if _clock is None else _clock.take()


@contextmanager
def part(name: str) -> Iterator[None]:
    """Count the block under a name of `PARTS`, on the thread that started counting."""
    clock = _clock
    if clock is None or clock.thread != threading.get_ident():
        yield
        return
    clock.enter(name)
    try:
        yield
    finally:
        clock.leave()


def _synchronised() -> float:
    """The time, once a GPU has done what it was given."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    return time.perf_counter()


def _wrap_renderer() -> None:
    """Count what the renderer does: its methods, and the way back of the CPU's kernels. The backends in plain torch
    have their way back counted as the network's."""
    from torch.autograd import Function

    from methods.rendering import numba_backend
    from methods.rendering.scene import DepthRenderer

    for name in ("warp", "inverse_grid", "normals"):
        setattr(DepthRenderer, name, _counted(getattr(DepthRenderer, name)))
    for function in vars(numba_backend).values():
        if isinstance(function, type) and issubclass(function, Function):
            function.backward = staticmethod(_counted(function.backward))  # type: ignore[method-assign]


def _counted(work: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(work)
    def counted(*given: Any, **named: Any) -> Any:
        with part("render"):
            return work(*given, **named)

    return counted
