"""What a run would do, what it would cost, and what to think of first: `bench run --dry-run`."""

import shutil
from collections.abc import Iterator, Sequence

import psutil
from rich.console import Console
from rich.table import Table

from bench.execution.outlook import Outlook, outlook
from bench.execution.progress import RichProgress, duration, gigabytes
from bench.execution.workers import worker_count
from bench.grid.request import Request
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.status import STEPS, CellStatus, Step
from bench.pipeline.walk import look

NAMES: dict[Step, str] = {"fit": "train", "derive": "derive", "encode": "encode", "evaluate": "evaluate"}


def show_plan(plan: Sequence[Cell], request: Request, context: Context, console: Console) -> None:
    """Per cell what is cached, what is to do or missing; then time, disk and memory.

    Trainings that no record of the store tells of are timed by a few steps.
    """
    grid = Table(title=f"{len(plan)} cells, profile {plan[0].profile}", title_justify="left")
    for column in ("cell", *STEPS):
        grid.add_column(column)
    found = [look(cell, context) for cell in plan if cell.not_applicable is None]
    by_name = {status.cell.name: status for status in found}
    for cell in plan:
        grid.add_row(cell.name, *_states(by_name.get(cell.name)))
    console.print(grid)
    for text in dict.fromkeys(status.missing for status in found if status.missing is not None):
        console.print(f"missing: {text}", soft_wrap=True)
    with RichProgress(console) as progress:
        ahead = outlook(found, context, progress)
    for line in lines(ahead, request, context):
        console.print(line, soft_wrap=True, highlight=False)


def _states(status: CellStatus | None) -> list[str]:
    if status is None:
        return ["not applicable"]
    return ["missing"] if status.missing is not None else [status.states.get(step, "-") for step in STEPS]


def lines(ahead: Outlook, request: Request, context: Context) -> Iterator[str]:
    """What a person wants to know before a run."""
    if not ahead.seconds and not ahead.unknown:
        yield "nothing to train: all of it is in the store"
        return
    if ahead.trainings:
        how = f", {ahead.timed} of them by timing a few steps" if ahead.timed else ""
        yield f"to train: {ahead.trainings} models{how}; a training may stop early, so times are what it takes at most"
    for stage, name in NAMES.items():
        unknown, seconds = ahead.unknown.get(stage, 0), ahead.seconds.get(stage)
        if unknown or seconds is not None:
            told = "unknown" if seconds is None else f"about {duration(seconds)}"
            more = f", and {unknown} of which it is unknown" if unknown and seconds is not None else ""
            yield f"  {name}: {told}{more}"
    if unready := ahead.unknown.get("data", 0):
        yield f"  prepare {unready} datasets: unknown"
    workers = worker_count(request, context.device, ahead.memory_mb)
    known = "about" if not ahead.unknown else "at least"
    beside = f"in {workers} processes side by side" if workers > 1 else "in one process"
    yield f"time: {known} {duration(ahead.side_by_side(workers))} {beside}"
    free = shutil.disk_usage(context.store.root).free
    yield f"disk: {'about' if ahead.sized else 'at least'} {gigabytes(ahead.bytes)} more, {gigabytes(free)} free"
    here = psutil.virtual_memory().available
    if ahead.memory_mb is None:
        yield f"memory: unknown, {gigabytes(here)} available"
    else:
        needed = int(ahead.memory_mb * 2**20)
        yield f"memory: about {gigabytes(needed)} in each process, {gigabytes(here)} available"
        if needed * workers > here:
            yield "warning: that is more memory than is available; take fewer --jobs, or give --memory"
    if ahead.bytes > free:
        yield "warning: that is more than the disk has room for"
    if request.profile.name == "paper" and context.device == "cpu" and ahead.trainings:
        yield "warning: the paper's profile is made for a GPU, and this is a CPU; --profile mini is made for CPUs"
