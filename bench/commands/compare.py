"""`bench compare`: two runs, row by row, or two methods, task by task."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from bench import escaping
from bench.escaping import markdown
from bench.results.crossed import LEVEL, holm
from bench.results.paired import Change, changes
from bench.results.sides import Sides, is_run, of_methods, of_runs
from bench.streams import say
from datasets.errors import BenchError

COLUMNS = ("row", "metric", "trainings", "first", "second", "difference", "low", "high", "paired", "verdict")

Line = tuple[str, str, Change]


def compare_command(first: str, second: str, form: str, store: Path, runs: Sequence[str] = ()) -> None:
    """Print how the metrics of a second run differ from the first's, or those of a second method, as Markdown or CSV;
    `runs` are where methods' records are taken from (`bench.results.sides.of_methods`)."""
    if form not in ("md", "csv"):
        raise BenchError(f"unknown format {form!r}: expected md or csv")
    named = [name for name in (first, second) if is_run(name, store)]
    if len(named) == 1 or (named and runs):
        raise BenchError(f"{named[0]} is a run: expected two runs, or two methods, whose runs --run names")
    sides = of_runs(first, second, store) if named else of_methods(first, second, runs, store)
    lines = [
        (name, metric, change)
        for name, before in sides.before.items()
        if name in sides.after
        for metric, change in changes(before, sides.after[name]).items()
    ]
    shown = list(zip(lines, verdicts([change for *_, change in lines]), strict=True))
    say(_csv(shown) if form == "csv" else _markdown(shown, sides), end="")
    for label, here, there in (("first", sides.before, sides.after), ("second", sides.after, sides.before)):
        if lacking := [name for name in here if name not in there]:
            say(f"only in the {label}: {', '.join(lacking)}", error=True)
    for text in sides.settings:
        say(f"set otherwise: {text}", error=True)


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


def _markdown(shown: Sequence[tuple[Line, str]], sides: Sides) -> str:
    first, second = markdown(sides.first), markdown(sides.second)
    lines = [
        f"| row | metric | trainings | {first} | {second} | difference | 95 % | verdict |",
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
