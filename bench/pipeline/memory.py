"""Peak memory of one stage, in a process that runs many."""

import threading

import psutil

# The system keeps one peak for a process's whole life, so a stage's own is sampled.
INTERVAL_SECONDS = 0.05


class PeakMemory:
    """Watches the resident memory of this process while a block runs (on a GPU run, that of the host).

    Attributes
    ----------
    mb: the largest value seen so far, MiB.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)
        self.mb = 0.0

    def __enter__(self) -> "PeakMemory":
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self.mb = max(self.mb, round(self._process.memory_info().rss / 2**20, 1))
