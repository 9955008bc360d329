"""`bench run`: a grid, or with `--dry-run` what it would do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from bench import timing
from bench.grid.request import Options


def run_command(*, dry_run: bool, suite: str, mirror: bool, store: Path, **options: Any) -> int:
    """Run a grid; returns the exit code: 0, 1 where a cell failed or lacks its data, 130 after Ctrl-C."""
    request = Options(**options).request()
    # Not before: a name that is mistyped is told without waiting for torch.
    from bench.pipeline.cell import cells
    from bench.pipeline.context import Context
    from bench.pipeline.store import Store
    from bench.run import Run
    from bench.terminal import Terminal

    console = Terminal()
    opened = Store(store)
    plan = cells(request, opened)
    if dry_run:
        from bench.commands.plan import show_plan

        show_plan(plan, request, Context.of(request, opened), console)
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
