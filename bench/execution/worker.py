"""The life of a worker process. Light to import: it watches its parent before anything heavy is loaded, so that a run
that is killed while its workers start leaves nothing behind."""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Any

from bench import streams

PR_SET_PDEATHSIG = 1


def main(parent: int, pipe: Any, name: str) -> None:
    """Run cells until the parent ends this process.

    Parameters
    ----------
    parent: process id of the parent.
    pipe: from and to the parent. The first message is the `bench.execution.base.Job`, then come cells.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    end_with(parent)
    streams.prepare()  # for what a user's own method prints
    from bench.execution.processes import work

    work(pipe.recv(), pipe, name)


def end_with(parent: int) -> None:
    """End this process when `parent` dies: at once where the system can tell (Linux), else within a second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
