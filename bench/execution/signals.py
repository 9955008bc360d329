"""Ending a run from outside: SIGTERM, which clusters send, and SIGHUP, of a closed terminal, end it like Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Signals that end a run like Ctrl-C does.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def ending_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block like Ctrl-C: by a KeyboardInterrupt, here with the signal's number. A second
    one finds the first already at work and changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: object) -> None:
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    before = {number: signal.signal(number, interrupt) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
