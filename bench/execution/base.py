"""What runs a grid's cells: the seam behind which one process, several, or a cluster do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.grid.request import Request
from bench.pipeline.cell import Cell, cells
from bench.pipeline.context import Context
from bench.pipeline.run import Done
from bench.pipeline.store import Store
from datasets.base import Progress

# Called with a cell's place in the grid, once it has ended.
OnDone = Callable[[int, Done], None]


@dataclass(frozen=True)
class Unit:
    """Cells that share a checkpoint, by their places in the grid; the first one computes it."""

    cells: tuple[int, ...]


@dataclass(frozen=True)
class Job:
    """All that a process needs to run any cell of a request; small, and the same on every machine.

    Attributes
    ----------
    store: the folder of the store, which every process sees.
    run: identity of the invocation.
    """

    request: Request
    store: Path
    run: str

    def cells(self) -> list[Cell]:
        """Every cell, in the grid's order."""
        return cells(self.request, Store(self.store))

    def context(self, progress: Progress) -> Context:
        """What the cells share in this process."""
        return Context.of(self.request, Store(self.store), progress, run=self.run)


class Executor(ABC):
    """Runs units of cells. Cells are pure functions of their specification and the store, so where they run changes
    nothing of what they give. Nor does how many run side by side: each computes on one thread."""

    @abstractmethod
    def run(self, units: Sequence[Unit], on_done: OnDone) -> None:
        """Run every cell of `units` and call `on_done` as each ends, in this thread.

        A training that failed is not tried again for the unit's other cells. On KeyboardInterrupt nothing is left
        running, and what had ended is in the store.
        """


def units_of(plan: Sequence[Cell]) -> list[Unit]:
    """The cells that share a checkpoint, in the plan's order; cells that need none, since they are not applicable, do
    not come first."""
    found: dict[str, list[int]] = {}
    for index, cell in enumerate(plan):
        found.setdefault(cell.unit, []).append(index)
    return [
        Unit(tuple(sorted(indices, key=lambda index: plan[index].not_applicable is not None)))
        for indices in found.values()
    ]
