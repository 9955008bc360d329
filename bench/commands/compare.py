"""`bench compare`: two runs, row by row."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from bench import escaping
from bench.escaping import markdown
from bench.execution.invocations import Invocation, invocations, path_of
from bench.pipeline.store import Store
from bench.results.crossed import LEVEL, holm
from bench.results.paired import Change, Kept, changes
from bench.streams import say
from datasets.errors import BenchError

COLUMNS = ("row", "metric", "trainings", "first", "second", "difference", "low", "high", "paired", "verdict")

Line = tuple[str, str, Change]


def compare_command(first: str, second: str, form: str, store: Path) -> None:
    """Print how the second run's metrics differ from the first's, as Markdown or CSV."""
    if form not in ("md", "csv"):
        raise BenchError(f"unknown format {form!r}: expected md or csv")
    before, after = _rows(first, store), _rows(second, store)
    lines = [
        (name, metric, change)
        for name in before
        if name in after
        for metric, change in changes(before[name], after[name]).items()
    ]
    shown = list(zip(lines, verdicts([change for *_, change in lines]), strict=True))
    say(_csv(shown) if form == "csv" else _markdown(shown), end="")
    for label, here, there in (("first", before, after), ("second", after, before)):
        if lacking := [name for name in here if name not in there]:
            say(f"only in the {label}: {', '.join(lacking)}", error=True)


def _rows(run: str, store: Path) -> dict[str, list[Kept]]:
    """The finished records of a run, by method and task: of an identity, a manifest's file, or a store's latest run."""
    path = Path(run)
    if path.suffix == ".json" and os.path.isfile(path):
        place, invocation = Store(path.parents[1]), Invocation.read(path)
    elif os.path.isdir(path / "invocations"):
        place = Store(path)
        known = [found for found in invocations(place.root) if found.cells]
        if not known:
            raise BenchError(f"no run in the store {run}")
        invocation = known[-1]
    else:
        place = Store(store)
        invocation = Invocation.read(path_of(place.root, run))
    rows: dict[str, list[Kept]] = {}
    for record in invocation.records(place.root):
        if record.status == "ok":
            rows.setdefault(f"{record.method}/{record.task}", []).append((record, place))
    return rows


def verdicts(found: Sequence[Change]) -> list[str]:
    """What is said of each change: `same`, `too few trainings`, or whether it is more than noise, by probabilities that
    are corrected for the number of changes judged (Holm, 1979)."""
    judged = [place for place, change in enumerate(found) if change.judged]
    corrected = dict(zip(judged, holm([found[place].difference.estimate.p for place in judged]), strict=True))
    texts = []
    for place, change in enumerate(found):
        gain = change.difference
        if gain.value == gain.low == gain.high == 0:
            texts.append("same")
        elif place not in corrected:
            texts.append("too few trainings")
        elif corrected[place] > LEVEL:
            texts.append("within noise")
        else:
            texts.append("higher" if gain.value > 0 else "lower")
    return texts


def _markdown(shown: Sequence[tuple[Line, str]]) -> str:
    lines = [
        "| row | metric | trainings | first | second | difference | 95 % | verdict |",
        "|---|---|---|---:|---:|---:|---:|---|",
    ]
    for (name, metric, change), verdict in shown:
        gain = change.difference
        span = f"{gain.low:+.3f} to {gain.high:+.3f}" + ("" if gain.paired else " (unpaired)")
        values = f"{change.before.mean:.3f} | {change.after.mean:.3f} | {gain.value:+.3f} | {span}"
        lines.append(f"| {markdown(name)} | {markdown(metric)} | {_trainings(change)} | {values} | {verdict} |")
    return "\n".join(lines) + "\n"


def _csv(shown: Sequence[tuple[Line, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (name, metric, change), verdict in shown:
        gain = change.difference
        values = [change.before.mean, change.after.mean, gain.value, gain.low, gain.high]
        writer.writerow(
            [
                escaping.csv(name),
                escaping.csv(metric),
                _trainings(change),
                *values,
                "true" if gain.paired else "false",
                verdict,
            ]
        )
    return out.getvalue()


def _trainings(change: Change) -> str:
    """How many trainings stand behind each run's row: `3 and 5`; one number where they are as many."""
    return " and ".join(dict.fromkeys(str(row.number or "none") for row in (change.before, change.after)))
