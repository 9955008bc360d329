"""`bench explain`: which groups of features a head goes by to tell an attribute, and where on the image they look."""

import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.predictions import pictures_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.run import Run
from bench.terminal import Terminal
from datasets.errors import BenchError, suggestion
from datasets.files import write_with
from datasets.synthetic.faces.attributes import NAMES

# The task whose heads there are to explain, and the one that does.
EXPLAINED, EXPLAINS = "celeba_linear", "attribution"


def explain_command(
    *, method: str, task: str, attribute: str, out: Path | None, suite: str, mirror: bool, store: Path, **options: Any
) -> int:
    """Run the attribution as any other cell, and print its percentages; returns the run's exit code."""
    if task != EXPLAINED:
        raise BenchError(f"--task {task!r}: only heads of attributes can be explained, expected {EXPLAINED}")
    if out is not None and out.suffix.lower() != ".png":
        raise BenchError(f"--out {out}: expected a name that ends in .png")
    console = Terminal()
    request = Options(methods=method, tasks=f"{EXPLAINS}:{known(attribute)}", baselines=False, **options).request()
    opened = Store(store)
    run = Run(request, opened, cells(request, opened), console, suite, mirror)
    code = run.go()
    for record in run.records:
        if record.status == "ok":
            console.print(percentages(record))
            show(record, opened, out, console)
    return code


def known(attribute: str) -> str:
    """The attribute as CelebA spells it; an unknown one suggests the nearest."""
    spelled = {name.lower(): name for name in NAMES}
    if attribute.lower() in spelled:
        return spelled[attribute.lower()]
    hint = suggestion(attribute.capitalize(), NAMES, f"CelebA has {', '.join(NAMES)}")
    raise BenchError(f"unknown attribute {attribute!r}: {hint}")


def percentages(record: Record) -> Table:
    """Percent by group, with 95 % intervals over test images."""
    found = record.details["attribution"]
    table = Table(
        title=f"{found['attribute']} by {record.method}: integrated gradients, complete to {found['error']:.1g}",
        title_justify="left",
    )
    table.add_column("group of features")
    table.add_column("percent", justify="right")
    table.add_column("95 %", justify="right")
    for name in found["groups"]:
        interval = record.intervals[f"share_{name}"]
        span = f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"
        table.add_row(name, f"{found['percent'][name]:.1f}", span)
    table.add_section()
    table.add_row("sum", f"{sum(found['percent'].values()):.1f}")
    return table


def show(record: Record, store: Store, out: Path | None, console: Console) -> None:
    """Say where the picture is, or why there is none; copy it to `out`."""
    pictures = pictures_of(record, store)
    if not pictures:
        console.print(f"no Grad-CAM: {record.details['attribution']['grad_cam']}")
        return
    if out is not None:
        write_with(out, lambda path: shutil.copyfile(pictures[0][0], path))
    console.print(f"Grad-CAM: {out or pictures[0][0]}", soft_wrap=True)
