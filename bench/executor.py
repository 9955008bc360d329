"""Runs a grid: in this process, or spread over worker processes that share nothing but the store.

Cells are grouped by (method, seed), since those share a checkpoint. With several workers each takes the next group;
artifacts are locked in the store, so the outcome is the same as in one process. On a CPU, two single-threaded
trainings side by side finish sooner than one after the other on two threads.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

from bench.cell import CellRunner
from bench.estimates import fit_seconds
from bench.plan import Cell
from bench.records import Record
from bench.request import Request
from bench.store import Store
from datasets.base import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """A cell that ended."""

    index: int
    path: Path
    cached: bool


def groups_of(plan: list[Cell]) -> list[list[int]]:
    """Indices of the cells that share a checkpoint, in the plan's order."""
    groups: dict[tuple[str, int], list[int]] = {}
    for index, cell in enumerate(plan):
        groups.setdefault((cell.method.name, cell.seed), []).append(index)
    return list(groups.values())


def run_here(
    plan: list[Cell],
    request: Request,
    store: Store,
    progress: Progress,
    on_done: Callable[[Done, Record], None],
) -> None:
    """Run every cell in this process, in order."""
    runner = CellRunner(request, store, progress)
    for index, cell in enumerate(plan):
        if hasattr(progress, "cell"):
            progress.cell = cell.method.name
        record, path, cached = runner.run(cell)
        on_done(Done(index, path, cached), record)


class QueueProgress:
    """A `Progress` in a worker: sends what it would draw to the parent."""

    def __init__(self, events: Any, name: str) -> None:
        self.events, self.name, self.cell = events, name, ""
        self._bars = 0

    def track(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """Iterate, reporting at most ten times a second."""
        self._bars += 1
        bar = f"{self.name}:{self._bars}"
        self.events.put(("bar", bar, f"{self.cell} {what}".strip(), total))
        sent, unsent = time.monotonic(), 0
        try:
            for item in items:
                yield item
                unsent += 1
                if time.monotonic() - sent > 0.1:
                    self.events.put(("advance", bar, unsent))
                    sent, unsent = time.monotonic(), 0
        finally:
            self.events.put(("end", bar))

    def say(self, text: str) -> None:
        """Send one line."""
        self.events.put(("say", f"{self.cell} {text}".strip()))


def _work(request: Request, root: Path, plan_groups: Any, events: Any, name: str, threads: int) -> None:
    """A worker's life: take groups of cells until there are none left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    _end_with_parent()
    import torch

    from bench.plan import cells

    torch.set_num_threads(threads)
    progress = QueueProgress(events, name)
    store = Store(root)
    runner = CellRunner(request, store, progress)
    plan = cells(request, store)
    while (group := plan_groups.get()) is not None:
        for index in group:
            progress.cell = plan[index].method.name
            _, path, cached = runner.run(plan[index])
            events.put(("done", Done(index, path, cached)))


def _end_with_parent() -> None:
    """End this process when its parent dies, so that a killed run leaves nothing running."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_workers(
    plan: list[Cell],
    request: Request,
    store: Store,
    jobs: int,
    draw: Any,
    on_done: Callable[[Done, Record], None],
) -> list[int]:
    """Run the cells on `jobs` processes; returns the cells that a dying worker left unfinished.

    `draw` is the parent's progress display (`bench.progress.RichProgress`). On KeyboardInterrupt the workers are
    ended; what they had finished, and each training's last epoch, stays in the store.
    """
    context = multiprocessing.get_context("spawn")
    queue, events = context.Queue(), context.Queue()
    # The longest first, so that the workers end together.
    seconds = fit_seconds(store)
    for group in sorted(groups_of(plan), key=lambda group: -seconds.get(plan[group[0]].method.name, 0.0)):
        queue.put(group)
    for _ in range(jobs):
        queue.put(None)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    worker_request = replace(request, jobs=1)
    workers = {
        f"w{n}": context.Process(
            target=_work, args=(worker_request, store.root, queue, events, f"w{n}", threads), daemon=True
        )
        for n in range(jobs)
    }
    for worker in workers.values():
        worker.start()
    finished: set[int] = set()

    def take(event: tuple[Any, ...]) -> None:
        if event[0] == "done":
            finished.add(event[1].index)
            on_done(event[1], Record.read(event[1].path))
        else:
            draw.event(event)

    try:
        while True:
            try:
                take(events.get(timeout=0.5))
            except Empty:
                if not any(worker.is_alive() for worker in workers.values()):
                    break
    finally:
        for worker in workers.values():
            worker.terminate()
            worker.join()
    return [index for index in range(len(plan)) if index not in finished]
