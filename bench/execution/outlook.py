"""What is still to do of a plan, and what that will cost: seconds, memory, disk; as far as it is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.execution.costs import Costs
from bench.execution.measure import Measured, measured
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.status import CellStatus, Step
from datasets.base import Dataset, Progress
from datasets.files import size_of


@dataclass
class Outlook:
    """What the stages that are to do will cost, one after the other.

    Attributes
    ----------
    seconds: by stage, of those that are known.
    unknown: by stage, how many are not.
    trainings: how many are to do.
    timed: how many of them were timed here, since no record tells.
    cells: seconds of each cell that waits, by name; of one that trains for others its training too.
    guessed: names of the cells of which something is unknown.
    longest: seconds of the longest training, which no number of processes makes shorter.
    bytes: what they will leave in the store; only some of it where `sized` is false.
    memory_mb: the largest peak of one process, MiB; None where none is known.
    """

    seconds: dict[Step, float] = field(default_factory=dict)
    unknown: dict[Step, int] = field(default_factory=dict)
    trainings: int = 0
    timed: int = 0
    cells: dict[str, float] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)
    longest: float = 0.0
    bytes: int = 0
    sized: bool = True
    memory_mb: float | None = None

    @property
    def total(self) -> float:
        """Seconds of all that is known."""
        return sum(self.seconds.values())

    def side_by_side(self, workers: int) -> float:
        """Seconds that so many processes take."""
        return max(self.total / workers, self.longest)

    def add(self, cell: str, stage: Step, seconds: float | None, memory_mb: float | None, size: int | None) -> None:
        """One stage that is to do; None of what is not known."""
        self.cells[cell] = self.cells.get(cell, 0.0) + (seconds or 0.0)
        if seconds is None:
            self.unknown[stage] = self.unknown.get(stage, 0) + 1
            self.guessed.add(cell)
        else:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
            self.longest = max(self.longest, seconds)
        if memory_mb is not None:
            self.memory_mb = max(self.memory_mb or 0.0, memory_mb)
        self.bytes += size or 0
        self.sized = self.sized and size is not None


def outlook(plan: Sequence[CellStatus], context: Context, progress: Progress | None = None) -> Outlook:
    """What is to do of cells that were looked at.

    With `progress`, trainings of which no record tells are timed by a few steps; they stay unknown without.
    """
    costs, found = Costs.of(context), Outlook()
    done: set[str] = set()
    known: dict[str, Measured | None] = {}

    def clocked(cell: Cell, training: Dataset | None) -> Measured | None:
        """The training by some steps of it, once for all seeds."""
        name = str(cell.method.trained.identity(encoding=False))
        if name not in known:
            known[name] = measured(cell, training, context)
        return known[name]

    waiting = [status for status in plan if status.cell.not_applicable is None and status.missing is None]
    shown = waiting if progress is None else progress.track(waiting, total=len(waiting), what="plan")
    for status in shown:
        cell = status.cell
        for stage, state in status.states.items():
            if state == "cached" or (stage == "fit" and cell.unit in done) or stage == "data":
                continue
            cost = costs.get(cell, stage)
            if cost is not None:
                place = _folder(context, stage, cost.key)
                size = size_of(place) if place.is_dir() else None
                found.add(cell.name, stage, cost.seconds, cost.peak_memory_mb, size)
            elif stage == "fit" and progress is not None and (one := clocked(cell, status.training)) is not None:
                found.add(cell.name, stage, one.seconds, one.memory_mb, one.weights_bytes)
                found.timed += 1
            else:
                found.add(cell.name, stage, None, None, None)
            if stage == "fit":
                done.add(cell.unit)
                found.trainings += 1
    unprepared = [status.cell for status in waiting if status.states.get("data") == "to do"]
    unready = {entry.name for cell in unprepared for entry in cell.datasets}
    if unready:
        found.unknown["data"], found.sized = len(unready), False
    return found


def _folder(context: Context, stage: Step, key: str) -> Path:
    store = context.store
    places = {"fit": store.checkpoint, "derive": store.derived, "encode": store.features, "evaluate": store.predictions}
    return places[stage](key)
