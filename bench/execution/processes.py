"""Runs a grid on worker processes of this machine, which share nothing but the store.

On a CPU, two single-threaded trainings side by side finish sooner than one after the other on two threads. Artifacts
are locked in the store, and every stage computes on as many threads here as anywhere (`bench.pipeline.computing`), so
the outcome is the same as in one process.

Every worker has a pipe of its own. A queue that they share has a lock that they share, and one that is killed while it
writes takes that lock with it: nothing would ever be heard of the others.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
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


@dataclass(frozen=True)
class Worker:
    """A process, and the pipe on which it gets orders and answers."""

    process: BaseProcess
    pipe: "Connection[Any, Any]"


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
        self._pool: dict[str, Worker] = {}
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
                for name in sorted(idle):
                    if (order := dispatch.next(name)) is not None:
                        idle.discard(name)
                        _send(self._pool[name].pipe, order)
                for name, event in self._news():
                    if event is None:
                        idle.discard(name)
                        self._bury(name, dispatch, idle, on_done)
                    elif event[0] == "done":
                        _, index, done = event
                        dispatch.done(name, done.fit_failure)
                        idle.add(name)
                        on_done(index, done)
                    else:
                        self.display.event(event)
        finally:
            for worker in self._pool.values():
                worker.process.terminate()
                worker.process.join()
                worker.pipe.close()
            self._pool.clear()

    def _start(self) -> str:
        """Start a worker; returns its name."""
        name = f"w{self._started}"
        self._started += 1
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=main, args=(os.getpid(), theirs, name), daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends with the worker
        self._pool[name] = Worker(process, ours)
        # Not an argument of the process: reading the job imports torch, and the parent is to be watched before that.
        _send(ours, self.job)
        return name

    def _news(self) -> list[tuple[str, tuple[Any, ...] | None]]:
        """Wait until a worker reports or ends; what is new, by worker, with None for its end."""
        of = {what: name for name, worker in self._pool.items() for what in (worker.pipe, worker.process.sentinel)}
        ready = dict.fromkeys(of[what] for what in wait(list(of)))  # type: ignore[index]
        return [(name, event) for name in ready for event in _received(self._pool[name])]

    def _bury(self, name: str, dispatch: Dispatch, idle: set[str], on_done: OnDone) -> None:
        """Give a dead worker's cell to another one, or give it up; start a new worker while there is work."""
        worker = self._pool.pop(name)
        worker.process.join()
        worker.pipe.close()
        given_up = dispatch.lost(name)
        context = self.job.context(Silent())
        for index in given_up:
            on_done(index, died(self.plan[index], context))
        if dispatch.pending and len(self._pool) < self.workers:
            idle.add(self._start())


def _send(pipe: "Connection[Any, Any]", what: object) -> None:
    """Send to a worker; where it has died meanwhile, its end is the next news."""
    with suppress(OSError):
        pipe.send(what)


def _received(worker: Worker) -> list[tuple[Any, ...] | None]:
    """The next that a worker has sent; where it has ended, all that is left of it, and None behind that."""
    ended = not worker.process.is_alive()  # asked first: what it sent before it ended is all there then
    events: list[tuple[Any, ...] | None] = []
    try:
        while worker.pipe.poll() and (ended or not events):
            events.append(worker.pipe.recv())
    except (EOFError, OSError):  # it has ended, perhaps in the middle of a message
        worker.process.kill()
        ended = True
    return [*events, None] if ended else events


class WorkerProgress:
    """A `Progress` in a worker: sends what it would draw to the parent."""

    def __init__(self, parent: "Parent", name: str) -> None:
        self.parent, self.name, self.cell = parent, name, ""
        self._bars = 0

    def track(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """Iterate, reporting at most ten times a second."""
        self._bars += 1
        bar = f"{self.name}:{self._bars}"
        self.parent.tell(("bar", bar, f"{self.cell} {what}".strip(), total))
        sent, unsent = time.monotonic(), 0
        try:
            for item in items:
                yield item
                unsent += 1
                if time.monotonic() - sent > 0.1:
                    self.parent.tell(("advance", bar, unsent))
                    sent, unsent = time.monotonic(), 0
        finally:
            self.parent.tell(("end", bar))

    def say(self, text: str) -> None:
        """Send one line."""
        self.parent.tell(("say", f"{self.cell} {text}".strip()))


class Parent:
    """The parent, as a worker sees it. Any thread may tell it something."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self.pipe = pipe
        self._one_at_a_time = threading.Lock()

    def tell(self, event: tuple[Any, ...]) -> None:
        """Send one event; where there is nobody to send it to any more, this process ends."""
        with self._one_at_a_time:
            try:
                self.pipe.send(event)
            except OSError:
                os._exit(1)


def work(job: Job, pipe: "Connection[Any, Any]", name: str) -> None:
    """Run the cells that come through `pipe` and report there, until the parent ends this process."""
    if job.request.profile_time:
        timing.start()
    parent = Parent(pipe)
    progress = WorkerProgress(parent, name)
    plan, context = job.cells(), job.context(progress)
    while True:
        order: Order = pipe.recv()
        progress.cell = plan[order.index].method.name
        done = run_cell(plan[order.index], context, order.fit_failure)
        parent.tell(("done", order.index, replace(done, spent=timing.take())))
