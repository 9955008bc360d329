"""Sentences under a section's table: what the task says of its records, then what the table itself knows."""

from collections.abc import Sequence
from statistics import fmean

from bench.pipeline.records import Record
from bench.results.published import unattributed
from bench.results.table.model import Row
from datasets.errors import BenchError
from tasks.results import Metric


def captions(task: str, metrics: Sequence[Metric], rows: Sequence[Row], records: Sequence[Record]) -> list[str]:
    """All sentences on a section, each once.

    Raises BenchError where a record's caption cannot be filled with its values.
    """
    good = [record for record in records if record.status == "ok"]
    found = _of_task(task, good)
    if less := [metric.header for metric in metrics if metric.higher_is_better is False]:
        found.append(f"Less is better: {'every metric' if len(less) == len(metrics) else ', '.join(less)}.")
    found += _intervals(rows)
    if any(record.dataset is not None and record.dataset.synthetic for record in records):
        found.append("[synthetic]: images drawn by the project, so no difference to the paper is given.")
    for metric in metrics:
        found += [
            f"The paper gives {metric.header} {figure.value:g} for a PDR variant that it does not name "
            f"({figure.source})."
            for figure in unattributed(task, metric.name)
        ]
    data = next((record.dataset for record in good if record.dataset is not None), None)
    if data is not None and data.skipped:
        left_out = ", ".join(f"{reason} ({count})" for reason, count in sorted(data.skipped.items()))
        found.append(f"{data.images} images; left out: {left_out}.")
    return list(dict.fromkeys(found))


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


def _intervals(rows: Sequence[Row]) -> list[str]:
    """What most intervals cover, and by name the rows whose intervals cover something else."""
    kinds: dict[str, list[str]] = {}
    for row in rows:
        for over in dict.fromkeys(score.over for score in row.scores if score.over is not None):
            kinds.setdefault(over, []).append(row.method)
    if not kinds:
        return []
    usual, *others = sorted(kinds, key=lambda over: -len(kinds[over]))
    texts = [_coverage(usual), *(f"for {', '.join(kinds[over])} {_coverage(over)}" for over in others)]
    return [f"95 % intervals: {'; '.join(texts)}. Bold: the best, and all that it cannot be told from."]


def _coverage(over: str) -> str:
    return (
        f"Student's t of the mean over {over}" if over.endswith("seeds") else f"bootstrap over {over} (not trainings)"
    )
