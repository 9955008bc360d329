"""`bench compare`: two runs, cell by cell."""

import csv
import io
from pathlib import Path

import typer

from bench.execution.invocations import Invocation, invocations, path_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.paired import Difference, differences
from datasets.errors import BenchError

COLUMNS = ("cell", "metric", "first", "second", "difference", "low", "high", "paired", "verdict")


def compare_command(first: str, second: str, form: str, store: Path) -> None:
    """Print how the second run's metrics differ from the first's, as Markdown or CSV."""
    if form not in ("md", "csv"):
        raise BenchError(f"unknown format {form!r}: expected md or csv")
    before, after = _records(first, store), _records(second, store)
    rows = [
        (name, metric, before[name][0].metrics[metric], after[name][0].metrics[metric], difference)
        for name in before
        if name in after
        for metric, difference in _differences(before[name], after[name]).items()
    ]
    typer.echo(_csv(rows) if form == "csv" else _markdown(rows), nl=False)
    for label, here, there in (("first", before, after), ("second", after, before)):
        if lacking := [name for name in here if name not in there]:
            typer.echo(f"only in the {label}: {', '.join(lacking)}", err=True)


Row = tuple[str, str, float, float, Difference]
Cells = dict[str, tuple[Record, Store]]


def _records(run: str, store: Path) -> Cells:
    """The finished records of a run, by cell: of an identity, a manifest's file, or a store's latest run."""
    path = Path(run)
    if path.suffix == ".json" and path.is_file():
        place, invocation = Store(path.parents[1]), Invocation.read(path)
    elif (path / "invocations").is_dir():
        place = Store(path)
        known = [found for found in invocations(place.root) if found.cells]
        if not known:
            raise BenchError(f"no run in the store {run}")
        invocation = known[-1]
    else:
        place = Store(store)
        invocation = Invocation.read(path_of(place.root, run))
    return {record.name: (record, place) for record in invocation.records(place.root) if record.status == "ok"}


def _differences(before: tuple[Record, Store], after: tuple[Record, Store]) -> dict[str, Difference]:
    return differences(before[0], after[0], before[1], after[1])


def verdict(difference: Difference) -> str:
    """`same`, or whether the difference is more than noise."""
    if difference.value == 0 and difference.low == difference.high == 0:
        return "same"
    if not difference.significant:
        return "within noise"
    return "higher" if difference.value > 0 else "lower"


def _markdown(rows: list[Row]) -> str:
    lines = ["| cell | metric | first | second | difference | 95 % | verdict |", "|---|---|---:|---:|---:|---:|---|"]
    lines += [
        f"| {cell} | {metric} | {one:.3f} | {other:.3f} | {found.value:+.3f} | {found.low:+.3f} to {found.high:+.3f}"
        f"{'' if found.paired else ' (unpaired)'} | {verdict(found)} |"
        for cell, metric, one, other, found in rows
    ]
    return "\n".join(lines) + "\n"


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell, metric, one, other, found in rows:
        paired = "true" if found.paired else "false"
        writer.writerow([cell, metric, one, other, found.value, found.low, found.high, paired, verdict(found)])
    return out.getvalue()
