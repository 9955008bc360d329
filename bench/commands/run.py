"""`bench run`: a grid, or with `--dry-run` what it would do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import timing
from bench.execution.durations import fit_seconds
from bench.grid.request import Options
from bench.pipeline.cell import Cell, cells
from bench.pipeline.context import Context
from bench.pipeline.status import STEPS
from bench.pipeline.store import Store
from bench.pipeline.walk import look
from bench.run import Run
from bench.terminal import Terminal


def run_command(*, dry_run: bool, suite: str, mirror: bool, store: Path, **options: Any) -> int:
    """Run a grid; returns the exit code: 0, 1 where a cell failed or lacks its data, 130 after Ctrl-C."""
    console = Terminal()
    request = Options(**options).request()
    opened = Store(store)
    plan = cells(request, opened)
    if dry_run:
        show_plan(plan, Context.of(request, opened), console)
        return 0
    run = Run(request, opened, plan, console, suite, mirror)
    code = run.go()
    if request.profile_time:
        console.print(time_table(run.spent, run.seconds))
    return code


def time_table(spent: Mapping[str, float], wall: float) -> Table:
    """Where the time went, by part, in seconds and as a share of what was counted."""
    table = Table(title=f"time by part, summed over all processes; the run took {wall:.1f} s", title_justify="left")
    table.add_column("part")
    table.add_column("seconds", justify="right")
    table.add_column("share", justify="right")
    table.add_column("what")
    total = sum(spent.values())
    for part, what in timing.PARTS.items():
        seconds = spent.get(part, 0.0)
        table.add_row(part, f"{seconds:.1f}", f"{seconds / total:.1%}" if total else "-", what)
    return table


def show_plan(plan: list[Cell], context: Context, console: Console) -> None:
    """What a run would do: per cell what is cached, what is to do or missing, and an estimate of the time."""
    grid = Table(title=f"{len(plan)} cells, profile {plan[0].profile}", title_justify="left")
    for column in ("cell", *STEPS):
        grid.add_column(column)
    missing: dict[str, None] = {}
    fits: dict[str, float] = {}
    seconds = fit_seconds(context.store)
    for cell in plan:
        if cell.not_applicable is not None:
            grid.add_row(cell.name, "not applicable")
            continue
        status = look(cell, context)
        if status.missing is not None:
            missing[status.missing] = None
            grid.add_row(cell.name, "missing")
            continue
        grid.add_row(cell.name, *(status.states.get(step, "-") for step in STEPS))
        if status.trains:
            fits[cell.unit] = seconds.get(cell.method.trained.name, 0.0)
    console.print(grid)
    for text in missing:
        console.print(f"missing: {text}", soft_wrap=True)
    console.print(estimate(fits), soft_wrap=True)


def estimate(fits: dict[str, float]) -> str:
    """One line on the time that the trainings take; encoding and evaluation are small beside them."""
    if not fits:
        return "nothing to train"
    known = [seconds for seconds in fits.values() if seconds]
    unknown = len(fits) - len(known)
    text = f"to train: {len(fits)} models"
    if known:
        text += f", about {sum(known) / 60:.0f} minutes of training one after the other"
    return text + (f" ({unknown} of them never timed)" if unknown else "")
