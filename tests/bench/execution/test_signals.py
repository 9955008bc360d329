"""Signals that end a block, and one that a user has told a run to ignore."""

import os
import signal

import pytest

from bench.execution.signals import ENDING, ending_like_ctrl_c


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_block_with_its_number_and_handlers_come_back(number: signal.Signals) -> None:
    before = {other: signal.getsignal(other) for other in ENDING}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt) as caught, ending_like_ctrl_c():
            os.kill(os.getpid(), number)
        assert caught.value.args == (number,)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        for other, handler in before.items():
            signal.signal(other, handler)


def test_a_run_under_nohup_goes_on_after_its_terminal_is_gone() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_like_ctrl_c():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
