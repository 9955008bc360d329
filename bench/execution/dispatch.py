"""Which cells a free worker gets next, and what becomes of those of a worker that dies."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bench.execution.base import Unit
from bench.pipeline.run import FitFailure

# How often a cell is given to another worker after one has died with it.
RETRIES = 1


@dataclass(frozen=True)
class Order:
    """A cell to run, and what is known of its training where another cell has met it already."""

    index: int
    fit_failure: FitFailure | None = None


class Dispatch:
    """Hands out cells: of every unit first the one that computes the checkpoint, and the others once it is there, to
    whoever is free. So no worker waits for another's training.

    Parameters
    ----------
    units: in the order in which their trainings are handed out: the longest first.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self._ready = deque(Order(unit.cells[0]) for unit in units)
        self._after = {unit.cells[0]: unit.cells[1:] for unit in units}
        self._working: dict[str, Order] = {}
        self._deaths: dict[int, int] = {}

    def next(self, worker: str) -> Order | None:
        """A cell for `worker`, or None while there is none."""
        if not self._ready:
            return None
        order = self._ready.popleft()
        self._working[worker] = order
        return order

    def done(self, worker: str, fit_failure: FitFailure | None) -> None:
        """Note that a worker finished its cell; those that waited for it are ready now, with the reason where it could
        not train."""
        order = self._working.pop(worker)
        self._ready.extend(Order(other, fit_failure) for other in self._after.pop(order.index, ()))

    def lost(self, worker: str) -> list[int]:
        """Note that a worker died. Its cell goes to another one, once; returns the cells that are given up: that one
        if it was its second death, and those that waited for its training."""
        order = self._working.pop(worker, None)
        if order is None:
            return []
        self._deaths[order.index] = self._deaths.get(order.index, 0) + 1
        if self._deaths[order.index] <= RETRIES:
            self._ready.appendleft(order)
            return []
        return [order.index, *self._after.pop(order.index, ())]

    @property
    def pending(self) -> bool:
        """Whether cells wait to be handed out, or may come to."""
        return bool(self._ready or self._working)
