"""Commands in processes of their own."""

import os
import signal
import subprocess
import sys
from typing import Any


def command(*arguments: str) -> list[str]:
    """`python -m bench` with arguments."""
    return [sys.executable, "-m", "bench", *arguments]


def environment() -> dict[str, str]:
    """What a command needs to import what the tests import."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def hearing() -> None:
    """Be ended by signals that the tests' own process may have been told to ignore (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """A command under way, whose output and errors are one text."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment()},
        preexec_fn=hearing,
        **options,
    )
