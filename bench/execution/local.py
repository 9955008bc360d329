"""Runs a grid in this process, one cell after the other."""

from collections.abc import Sequence

from bench.execution.base import Executor, Job, OnDone, Unit
from bench.pipeline.cell import Cell
from bench.pipeline.run import FitFailure, run_cell
from datasets.base import Progress


class Local(Executor):
    """One process: this one.

    Parameters
    ----------
    plan: the grid's cells.
    progress: draws how far each is; one that has an attribute `cell` is told whose work it shows.
    """

    def __init__(self, job: Job, plan: Sequence[Cell], progress: Progress) -> None:
        self.plan = plan
        self.progress = progress
        self.context = job.context(progress)

    def run(self, units: Sequence[Unit], on_done: OnDone) -> None:
        """Run the cells in the grid's order, so that a method's rows appear together."""
        failures: dict[int, FitFailure] = {}
        unit_of = {index: number for number, unit in enumerate(units) for index in unit.cells}
        for index in sorted(unit_of):
            if hasattr(self.progress, "cell"):
                self.progress.cell = self.plan[index].method.name
            done = run_cell(self.plan[index], self.context, failures.get(unit_of[index]))
            if done.fit_failure is not None:
                failures[unit_of[index]] = done.fit_failure
            on_done(index, done)
