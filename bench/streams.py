"""Standard output and standard error: what is written there can be written, and does nothing to a terminal."""

import io
import os
import sys
from typing import TextIO

from bench.escaping import lines


def prepare() -> None:
    """Replace what the encoding of a terminal or a file lacks (a tick, a letter of a name), in place of ending with a
    traceback; for whoever writes, rich and help pages too."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def abandon(stream: TextIO) -> None:
    """Write no more to a stream that may have failed: at its end the interpreter would try again, and complain."""
    try:
        stream.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(text: object, *, error: bool = False, end: str = "\n") -> None:
    """Write text to standard output, or to standard error, with control characters as escapes."""
    print(lines(str(text)), file=sys.stderr if error else sys.stdout, end=end)
