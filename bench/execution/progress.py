"""Progress on a terminal: a live bar where there is one, a line now and then where there is none (a log, CI)."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

T = TypeVar("T")
QUIET_SECONDS = 20.0


@dataclass
class Whole:
    """How far a whole run is.

    Attributes
    ----------
    cells: how many there are; `done` of them have ended.
    workers: processes side by side.
    seconds: what cells that wait will take, by name, as far as it is known.
    guessed: names of those of which something is not known.
    """

    cells: int
    workers: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def ended(self, cell: str) -> None:
        """One more cell is done."""
        self.done += 1
        self.seconds.pop(cell, None)
        self.guessed.discard(cell)

    def line(self) -> str:
        """`run: 12 of 40 cells, 3 min so far, about 6 min left`."""
        left = sum(self.seconds.values()) / self.workers
        known = f"{'at least' if self.guessed else 'about'} {duration(left)} left" if left else "the rest unknown"
        return f"run: {self.done} of {self.cells} cells, {duration(time.monotonic() - self.started)} so far, {known}"


@dataclass
class Remote:
    """A bar that belongs to a worker process."""

    label: str
    total: int
    bar: TaskID | None
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)


def duration(seconds: float) -> str:
    """A time for a person: `40 s`, `12 min`, `3.5 h`, `4 days`."""
    for unit, size, upto in (("s", 1, 90), ("min", 60, 90 * 60), ("h", 3600, 72 * 3600)):
        if seconds < upto:
            return f"{seconds / size:.{int(unit == 'h')}f} {unit}"
    return f"{seconds / 86400:.0f} days"


def gigabytes(size: float) -> str:
    """A size for a person: `12 kB`, `3 MB`, `1.2 GB`."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _left(label: str, done: int, total: int, seconds: float) -> str:
    return f"{label}: {done}/{total}, about {duration(seconds / done * (total - done))} left"


class RichProgress:
    """A `datasets.base.Progress` drawn by rich; a context manager around a run.

    Attributes
    ----------
    cell: whose work is shown.
    whole: how far the run is that this is part of, if it is one (`follow`).
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self.cell = ""
        self.whole: Whole | None = None
        self._run: TaskID | None = None
        self._told = time.monotonic()
        self._remote: dict[str, Remote] = {}
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> "RichProgress":
        if self.live:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self._bars.stop()

    def follow(self, whole: Whole) -> None:
        """Show how far a run is: a bar of its own, or off a terminal a line now and then."""
        self.whole = whole
        if self.live:
            self._run = self._bars.add_task("run", total=whole.cells)

    def ended(self, cell: str) -> None:
        """A cell of the run that is followed has ended."""
        if self.whole is not None:
            self.whole.ended(cell)
            self._tell_whole()

    def _tell_whole(self) -> None:
        if self.whole is None:
            return
        if self._run is not None:
            self._bars.update(self._run, completed=self.whole.done, description=self.whole.line())
        elif (now := time.monotonic()) - self._told > QUIET_SECONDS and self.whole.done < self.whole.cells:
            self._told = now
            self.console.print(self.whole.line(), highlight=False, soft_wrap=True)

    def track(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """Iterate with a bar, or with a line every 20 seconds off a terminal."""
        label = f"{self.cell} {what}".strip()
        if not self.live:
            yield from self._log(items, total, label)
            return
        bar = self._bars.add_task(label, total=total)
        try:
            for item in items:
                yield item
                self._bars.advance(bar)
        finally:
            self._bars.remove_task(bar)

    def _log(self, items: Iterable[T], total: int, label: str) -> Iterator[T]:
        started = shown = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            if now - shown > QUIET_SECONDS:
                self.say(_left(label, done, total, now - started))
                self._tell_whole()
                shown = now

    def event(self, event: tuple[Any, ...]) -> None:
        """Draw what a worker process reports (`bench.execution.processes.WorkerProgress`)."""
        kind, *rest = event
        if kind == "say":
            self.say(rest[0])
        elif kind == "bar":
            name, label, total = rest
            self._remote[name] = Remote(label, total, self._bars.add_task(label, total=total) if self.live else None)
        elif kind == "advance":
            name, count = rest
            self._advance(self._remote[name], count)
        elif kind == "end" and (remote := self._remote.pop(rest[0], None)) and remote.bar is not None:
            self._bars.remove_task(remote.bar)

    def _advance(self, remote: "Remote", count: int) -> None:
        remote.done += count
        if remote.bar is not None:
            self._bars.advance(remote.bar, count)
        elif (now := time.monotonic()) - remote.shown > QUIET_SECONDS:
            self.say(_left(remote.label, remote.done, remote.total, now - remote.started))
            self._tell_whole()
            remote.shown = now

    def say(self, text: str) -> None:
        """One line above the bars."""
        line = Text.assemble((self.cell, "dim"), " ", text) if self.cell else Text(text)
        self.console.print(line, highlight=False)
