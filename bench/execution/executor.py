"""Runs a grid: in this process, or spread over worker processes that share nothing but the store.

Cells that share a checkpoint are a group. With several workers a group's first cell, which trains, is handed out
first, the longest training before the others, and its other cells as soon as that one is done; so no worker waits for
another's training. Artifacts are locked in the store, so the outcome is the same as in one process. On a CPU, two
single-threaded trainings side by side finish sooner than one after the other on two threads.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

from bench import timing
from bench.execution.durations import fit_seconds
from bench.grid.request import Request
from bench.pipeline.cell import CellRunner
from bench.pipeline.plan import Cell
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.base import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """A cell that ended; `spent` is what a worker counted for it (`bench.timing`)."""

    index: int
    path: Path
    cached: bool
    spent: dict[str, float] = field(default_factory=dict)


def groups_of(plan: list[Cell]) -> list[list[int]]:
    """Indices of the cells that share a checkpoint, in the plan's order."""
    groups: dict[str, list[int]] = {}
    for index, cell in enumerate(plan):
        groups.setdefault(cell.checkpoint_group, []).append(index)
    return list(groups.values())


class Dispatch:
    """Which cells a free worker gets next.

    Parameters
    ----------
    groups: the cells that share a checkpoint, in the order in which their first cells are handed out.
    """

    def __init__(self, groups: list[list[int]]) -> None:
        self._ready = deque([group[0]] for group in groups)
        self._after = {group[0]: group[1:] for group in groups}
        self._own: dict[str, list[int]] = {}
        self.working: dict[str, list[int]] = {}

    def next(self, worker: str) -> list[int] | None:
        """Cells for `worker`, or None while there are none."""
        own = self._own.pop(worker, None)
        cells = own if own else self._ready.popleft() if self._ready else None
        if cells is not None:
            self.working[worker] = list(cells)
        return cells

    def done(self, worker: str, index: int, *, trained: bool) -> bool:
        """Note that a worker finished a cell; returns whether it is free.

        Where a group's first cell could not train, its worker gets the rest of the group: it knows the reason
        already, and any other would try again.
        """
        left = self.working[worker]
        left.remove(index)
        rest = self._after.pop(index, [])
        if trained:
            self._ready.extend([other] for other in rest)
        elif rest:
            self._own[worker] = rest
        return not left

    def lost(self, worker: str) -> bool:
        """Forget what a dead worker had, and what waited for its training; returns whether there was anything."""
        cells = [*self.working.pop(worker, []), *self._own.pop(worker, [])]
        for index in cells:
            self._after.pop(index, None)
        return bool(cells)

    @property
    def pending(self) -> bool:
        """Whether cells wait to be handed out, or may come to."""
        return bool(self._ready or self._own or any(self._after.values()))


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


def _work(request: Request, root: Path, orders: Any, events: Any, name: str, threads: int) -> None:
    """A worker's life: take cells until there are none left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    _end_with_parent()
    import torch

    from bench.pipeline.plan import cells

    torch.set_num_threads(threads)
    if request.profile_time:
        timing.start()
    progress = QueueProgress(events, name)
    store = Store(root)
    runner = CellRunner(request, store, progress)
    plan = cells(request, store)
    while (chosen := orders.get()) is not None:
        for index in chosen:
            progress.cell = plan[index].method.name
            _, path, cached = runner.run(plan[index])
            events.put(("done", name, Done(index, path, cached, timing.take())))


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

    `draw` is the parent's progress display (`bench.execution.progress.RichProgress`). On KeyboardInterrupt the
    workers are ended; what they had finished, and each training's last epoch, stays in the store.
    """
    context = multiprocessing.get_context("spawn")
    events = context.Queue()
    seconds = fit_seconds(store)
    dispatch = Dispatch(
        sorted(groups_of(plan), key=lambda group: -seconds.get(plan[group[0]].method.trained.name, 0.0))
    )
    threads = max(1, (os.cpu_count() or 1) // jobs)
    worker_request = replace(request, jobs=1)
    orders = {f"w{n}": context.Queue() for n in range(jobs)}
    workers = {
        name: context.Process(
            target=_work, args=(worker_request, store.root, queue, events, name, threads), daemon=True
        )
        for name, queue in orders.items()
    }
    idle: set[str] = set()
    finished: set[int] = set()

    def end_if_over() -> None:
        """Send idle workers home once nothing can come to be handed out any more."""
        if not dispatch.pending:
            while idle:
                orders[idle.pop()].put(None)

    def hand_out(free: str) -> None:
        """Give cells to a worker that has none, and to those that waited for this one's training."""
        idle.add(free)
        for worker in sorted(idle, key=lambda name: (name != free, name)):
            if (chosen := dispatch.next(worker)) is not None:
                idle.discard(worker)
                orders[worker].put(chosen)
        end_if_over()

    def take(event: tuple[Any, ...]) -> None:
        if event[0] != "done":
            draw.event(event)
            return
        _, worker, done = event
        finished.add(done.index)
        record = Record.read(done.path)
        on_done(done, record)
        if dispatch.done(worker, done.index, trained=record.status != "failed" or "fit" in record.phases):
            hand_out(worker)

    for worker in workers.values():
        worker.start()
    for name in workers:
        hand_out(name)
    try:
        while True:
            try:
                take(events.get(timeout=0.5))
            except Empty:
                dead = [name for name, worker in workers.items() if not worker.is_alive()]
                if len(dead) == len(workers):
                    break
                if any([dispatch.lost(name) for name in dead]):
                    end_if_over()
    finally:
        for worker in workers.values():
            worker.terminate()
            worker.join()
    return [index for index in range(len(plan)) if index not in finished]
