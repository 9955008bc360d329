"""Sentences under a section's table: what the task says of its records, then what the table itself knows."""

import re
from collections.abc import Collection, Sequence
from statistics import fmean

from bench.pipeline.records import Record, listed
from bench.results.published import footnotes, unattributed
from bench.results.table.model import UNLIKE, Row
from bench.results.trainings import ENOUGH
from datasets.errors import BenchError
from tasks.results import Metric

SD = "sd: standard deviation over the row's trainings"
KNOWN_SD = "; of fewer than three, that of as many earlier ones as stand in brackets"

NO_DIFFERENCE = ", so no difference to the paper is given"
# How the sentence begins that says what is bold, for what shows nothing bold.
BOLD = "Bold:"


def captions(task: str, metrics: Sequence[Metric], rows: Sequence[Row], records: Sequence[Record]) -> list[str]:
    """All sentences on a section, each once.

    Raises BenchError where a record's caption cannot be filled with its values.
    """
    good = [record for record in records if record.status == "ok"]
    shown = {metric.name for metric in metrics}
    found = [text for text in _of_task(task, good) if is_about(text, shown, good)]
    otherwise = dict.fromkeys(listed(record.task_settings) for record in good if record.task_settings)
    found += [f"{task} is set otherwise: {text}." for text in otherwise]
    if less := [metric.header for metric in metrics if metric.higher_is_better is False]:
        found.append(f"Less is better: {'every metric' if len(less) == len(metrics) else ', '.join(less)}.")
    if unranked := [metric.header for metric in metrics if not metric.ranked]:
        found.append(f"Not ranked: {', '.join(unranked)}, which means other things of other architectures.")
    found += _intervals(metrics, rows)
    found += _comparisons(rows)
    if any(record.dataset is not None and record.dataset.synthetic for record in records):
        beside = any(score.published is not None for row in rows for score in row.scores)
        found.append(f"[synthetic]: images drawn by the project{NO_DIFFERENCE * beside}.")
    found += [
        f"Drawn {record.dataset.world}." for record in records if record.dataset is not None and record.dataset.world
    ]
    found += _not_compared(rows)
    for metric in metrics:
        found += [
            f"The paper gives {metric.header} {figure.value:g} for a PDR variant that it does not name "
            f"({figure.source})."
            for figure in unattributed(task, metric.name)
        ]
    found += _footnotes(task, metrics, rows)
    data = next((record.dataset for record in good if record.dataset is not None), None)
    if data is not None and data.skipped:
        left_out = ", ".join(f"{reason} ({count})" for reason, count in sorted(data.skipped.items()))
        found.append(f"{data.images} images; left out: {left_out}.")
    return list(dict.fromkeys(found))


def is_about(text: str, shown: Collection[str], records: Sequence[Record]) -> bool:
    """Whether a task's sentence is about a section that shows some of its metrics: one that names metrics has to name
    one that is shown.

    `records`: the section's, which declare the metrics.
    """
    named = {metric.name for record in records for metric in record.declared}.intersection(re.findall(r"[\w@]+", text))
    return not named or not named.isdisjoint(shown)


def _not_compared(rows: Sequence[Row]) -> list[str]:
    """Which rows stand beside a published figure without a difference, on real data."""
    unlike = [row.method for row in rows if any(score.verdict == UNLIKE for score in row.scores)]
    return [f"Not trained or tested as in the paper, so no difference is given: {', '.join(unlike)}."] if unlike else []


def _footnotes(task: str, metrics: Sequence[Metric], rows: Sequence[Row]) -> list[str]:
    """What to know of the published figures that the section shows."""
    shown = {
        (row.method, metric.name)
        for row in rows
        for metric, score in zip(metrics, row.scores, strict=True)
        if score.published is not None
    }
    return [
        note.text
        for note in footnotes()
        if note.task == task and any(method in note.methods and metric in note.metrics for method, metric in shown)
    ]


def _of_task(task: str, records: Sequence[Record]) -> list[str]:
    """The records' captions in order of appearance, equal texts once, with the means of their values filled in."""
    found: dict[str, dict[str, list[float]]] = {}
    for caption in (caption for record in records for caption in record.captions):
        values = found.setdefault(caption.text, {})
        for name, value in caption.values.items():
            values.setdefault(name, []).append(value)
    texts = []
    for text, values in found.items():
        try:
            # A text without values is no pattern: names in it may have braces of their own.
            texts.append(text.format(**{name: fmean(many) for name, many in values.items()}) if values else text)
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            raise BenchError(
                f"task {task}: caption {text!r} cannot be filled ({error}); expected fields among {', '.join(values)}"
            ) from error
    return texts


def _intervals(metrics: Sequence[Metric], rows: Sequence[Row]) -> list[str]:
    """What most intervals cover, by name the rows whose intervals cover something else, and the metrics of which units
    cannot be resampled, so that their intervals and comparisons know trainings alone."""
    kinds: dict[str, dict[str, None]] = {}
    alone: dict[str, None] = {}
    for row in rows:
        for metric, score in zip(metrics, row.scores, strict=True):
            if score.over is not None and _trainings_alone(score.over):
                alone[metric.header] = None
            elif score.over is not None:
                kinds.setdefault(score.over, {})[row.method] = None
    texts = []
    if kinds:
        usual, *others = sorted(kinds, key=lambda over: -len(kinds[over]))
        texts = [_coverage(usual), *(f"for {', '.join(kinds[over])} {_coverage(over)}" for over in others)]
    if alone:
        which = "" if len(alone) == len(metrics) else f"of {', '.join(alone)} "
        texts.append(f"{which}over trainings only, by Student's t, as their units are not resampled")
    return [f"95 % intervals: {'; '.join(texts)}."] if texts else []


def _trainings_alone(over: str) -> bool:
    """Whether an interval covers seeds, and no units beside them."""
    return over.endswith("seeds")


def _coverage(over: str) -> str:
    if "seeds" not in over:
        return f"over {over} alone"
    return f"over {over}, by Student's t" + (" with Satterthwaite's degrees of freedom" if " and " in over else "")


def _comparisons(rows: Sequence[Row]) -> list[str]:
    """What bold says, and which rows it says nothing of."""
    few = [row.method for row in rows if row.trainings in range(1, ENOUGH)]
    found = [f"Of fewer than {ENOUGH} trainings, so neither ranked nor judged: {', '.join(few)}."] if few else []
    if any(score.best for row in rows for score in row.scores):
        found.append(
            f"{BOLD} of the {'other ' if few else ''}rows, the best and all that cannot be told from it at 5 % (paired "
            "by seed and unit; Holm's correction over the rows)."
        )
    scores = [score for row in rows for score in row.scores]
    known = any(score.known_sd is not None for score in scores)
    if known or any(score.sd is not None for score in scores):
        found.append(f"{SD}{KNOWN_SD * known}.")
    return found
