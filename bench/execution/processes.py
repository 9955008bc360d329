"""Runs a grid on worker processes of this machine, which share nothing but the store.

On a CPU, two single-threaded trainings side by side finish sooner than one after the other on two threads. Artifacts
are locked in the store, and every stage computes on as many threads here as anywhere (`bench.pipeline.computing`), so
the outcome is the same as in one process.
"""

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from queue import Empty
from typing import Any, Protocol, TypeVar, runtime_checkable

from bench import timing
from bench.execution.base import Executor, Job, OnDone, Unit
from bench.execution.dispatch import Dispatch, Order
from bench.execution.durations import fit_seconds
from bench.execution.worker import main
from bench.pipeline.cell import Cell
from bench.pipeline.run import died, run_cell
from bench.pipeline.store import Store
from datasets.base import Silent

T = TypeVar("T")

# How long the parent waits for news before it looks whether its workers are alive.
LOOK_SECONDS = 0.5


@runtime_checkable
class Display(Protocol):
    """What draws the progress that workers report (`bench.execution.progress.RichProgress`)."""

    def event(self, event: tuple[Any, ...]) -> None:
        """Draw one event of a `WorkerProgress`."""


class Processes(Executor):
    """Several worker processes.

    Parameters
    ----------
    plan: the grid's cells; workers make their own of `job`.
    workers: how many processes.
    display: draws what they report.
    """

    def __init__(self, job: Job, plan: Sequence[Cell], workers: int, display: Display) -> None:
        self.job = job
        self.plan = plan
        self.workers = workers
        self.display = display
        self._context = multiprocessing.get_context("spawn")
        self._events: Any = self._context.Queue()
        self._pool: dict[str, tuple[Any, Any]] = {}
        self._started = 0

    def run(self, units: Sequence[Unit], on_done: OnDone) -> None:
        """Run the cells, the longest training first."""
        seconds = fit_seconds(Store(self.job.store))
        longest = sorted(units, key=lambda unit: -seconds.get(self.plan[unit.cells[0]].method.trained.name, 0.0))
        dispatch, idle = Dispatch(longest), set[str]()
        try:
            for _ in range(min(self.workers, len(units))):
                idle.add(self._start())
            while dispatch.pending:
                for worker in sorted(idle):
                    if (order := dispatch.next(worker)) is not None:
                        idle.discard(worker)
                        self._pool[worker][1].put(order)
                try:
                    event = self._events.get(timeout=LOOK_SECONDS)
                except Empty:
                    for worker in self._dead():
                        idle.discard(worker)
                        self._bury(worker, dispatch, idle, on_done)
                    continue
                if event[0] != "done":
                    self.display.event(event)
                    continue
                _, worker, index, done = event
                dispatch.done(worker, done.fit_failure)
                idle.add(worker)
                on_done(index, done)
        finally:
            for process, _ in self._pool.values():
                process.terminate()
                process.join()
            self._pool.clear()

    def _start(self) -> str:
        """Start a worker; returns its name."""
        name = f"w{self._started}"
        self._started += 1
        orders = self._context.Queue()
        # Not an argument of the process: reading the job imports torch, and the parent is to be watched before that.
        orders.put(self.job)
        arguments = (os.getpid(), orders, self._events, name)
        process = self._context.Process(target=main, args=arguments, daemon=True)
        process.start()
        self._pool[name] = (process, orders)
        return name

    def _dead(self) -> list[str]:
        return [name for name, (process, _) in self._pool.items() if not process.is_alive()]

    def _bury(self, worker: str, dispatch: Dispatch, idle: set[str], on_done: OnDone) -> None:
        """Give a dead worker's cell to another one, or give it up; start a new worker while there is work."""
        process, _ = self._pool.pop(worker)
        process.join()
        given_up = dispatch.lost(worker)
        context = self.job.context(Silent())
        for index in given_up:
            on_done(index, died(self.plan[index], context))
        if dispatch.pending and len(self._pool) < self.workers:
            idle.add(self._start())


class WorkerProgress:
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


def work(job: Job, orders: Any, events: Any, name: str) -> None:
    """Run the cells that come by `orders` and report on `events`, until the parent ends this process."""
    if job.request.profile_time:
        timing.start()
    progress = WorkerProgress(events, name)
    plan, context = job.cells(), job.context(progress)
    while True:
        order: Order = orders.get()
        progress.cell = plan[order.index].method.name
        done = run_cell(plan[order.index], context, order.fit_failure)
        events.put(("done", name, order.index, replace(done, spent=timing.take())))
