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
class Remote:
    """A bar that belongs to a worker process."""

    label: str
    total: int
    bar: TaskID | None
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    shown: float = field(default_factory=time.monotonic)


def _left(label: str, done: int, total: int, seconds: float) -> str:
    return f"{label}: {done}/{total}, about {seconds / done * (total - done):.0f} s left"


class RichProgress:
    """A `datasets.base.Progress` drawn by rich; a context manager around a run."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self.cell = ""
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
            remote.shown = now

    def say(self, text: str) -> None:
        """One line above the bars."""
        line = Text.assemble((self.cell, "dim"), " ", text) if self.cell else Text(text)
        self.console.print(line, highlight=False)
