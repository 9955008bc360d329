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
    one finds the first already at work and changes nothing. A run under `nohup` stays deaf to SIGHUP."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: object) -> None:
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    deaf = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [number for number in ENDING if not (deaf and number == signal.SIGHUP)]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
