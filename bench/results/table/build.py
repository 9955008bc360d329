"""From records to a table: means over seeds, intervals, published figures, differences, ties and notes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import inf, sqrt
from statistics import fmean, stdev

from bench.grid.catalogue import METHODS
from bench.grid.seeds import varied
from bench.pipeline.records import Record
from bench.results.published import published
from bench.results.table.captions import captions
from bench.results.table.check import check
from bench.results.table.model import Row, Score, Section, Status, Table
from tasks.results import Metric

# The one column of a task of which nothing is known: no record that says what it declares.
UNKNOWN = Metric("score")


def build(records: Sequence[Record]) -> Table:
    """The table of `records`, whose order does not matter beyond that of the tasks.

    A value is the mean over the seeds that ran. Its 95 % interval is the record's own for one seed (a bootstrap over
    tracks or items), and Student's t interval of the mean over the seeds for more, cut to the metric's range. Where the
    seeds changed nothing at all, as for a method without chance, the first record's own interval stays: zero width
    would claim a certainty that nobody has.

    Raises
    ------
    BenchError
        Where the records do not belong in one table; see `bench.results.table.check.check`.
    """
    check(records)
    tasks = dict.fromkeys(record.task for record in records)
    methods = _ordered({record.method for record in records})
    sections = [_section(task, methods, [r for r in records if r.task == task]) for task in tasks]
    shared = [text for text in sections[0].captions if all(text in section.captions for section in sections)]
    return Table(
        profile=records[0].profile,
        protocol=records[0].protocol,
        seeds=tuple(str(seeds) for seeds in sorted({record.all_seeds for record in records})),
        sections=tuple(
            replace(section, captions=tuple(text for text in section.captions if text not in shared))
            for section in sections
        ),
        captions=tuple(shared),
    )


def _ordered(methods: set[str]) -> list[str]:
    """The registered methods that are there in the registry's order, others (variants, a user's) by name with small
    sets of features first, and all baselines."""
    known = METHODS.entries()
    learned = [name for name, entry in known.items() if name in methods and not entry.baseline]
    return [*learned, *sorted(methods - known.keys(), key=_by_settings), *(b.name for b in METHODS.baselines())]


def _by_settings(method: str) -> tuple[str, int, str]:
    base, _, settings = method.partition("[")
    return base, settings.count(","), settings


def _section(task: str, methods: Sequence[str], records: Sequence[Record]) -> Section:
    in_order = sorted(records, key=lambda record: (methods.index(record.method), record.all_seeds))
    metrics = _columns(in_order)
    notes: dict[str, int] = {}
    rows = []
    for method in filter(lambda name: _is_row_of(name, task), methods):
        own = [record for record in in_order if record.method == method]
        numbers = tuple(notes.setdefault(text, len(notes) + 1) for text in _row_notes(own, records))
        scores = tuple(_score(method, task, metric, own) for metric in metrics)
        rows.append(Row(method, _is_reference(method), any(r.synthetic for r in own), scores, numbers))
    synthetic = any(record.dataset is not None and record.dataset.synthetic for record in records)
    return Section(
        task=task,
        label=f"{task}[synthetic]" if synthetic else task,
        synthetic=synthetic,
        metrics=metrics,
        rows=tuple(_mark_best(rows, metrics)),
        captions=tuple(captions(task, metrics, rows, in_order)),
        notes=tuple(notes),
    )


def _columns(records: Sequence[Record]) -> tuple[Metric, ...]:
    """The metrics that any record has: as declared and in that order, then undeclared ones by name.

    Where nothing succeeded, one column says so: the main metric's.
    """
    declared: dict[str, Metric] = {}
    for metric in (metric for record in records for metric in record.declared):
        declared.setdefault(metric.name, metric)
    found = {name for record in records for name in record.metrics}
    names = [name for name in declared if name in found] + sorted(found - declared.keys(), key=_by_numbers)
    return tuple(declared.get(name, Metric(name)) for name in names) or (next(iter(declared.values()), UNKNOWN),)


def _by_numbers(name: str) -> list[str | int]:
    """Sorts `accuracy_500_frozen` before `accuracy_1000_frozen`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _is_row_of(method: str, task: str) -> bool:
    """Whether a method belongs in a task's table; one that is not registered belongs in all."""
    entry = METHODS.entries().get(method)
    return entry is None or not entry.tasks or task in entry.tasks


def _is_reference(method: str) -> bool:
    entry = METHODS.entries().get(method)
    return entry is not None and entry.baseline


def _score(method: str, task: str, metric: Metric, records: Sequence[Record]) -> Score:
    figure = published(method, task, metric.name)
    paper, source = (figure.value, figure.source) if figure is not None else (None, None)
    good = [record for record in records if record.status == "ok" and metric.name in record.metrics]
    if not good:
        # A record that succeeded without this metric has nothing to say in this column.
        states = [record.status for record in records if record.status != "ok"]
        status: Status = states[0] if states else "not_applicable" if records else "not_run"
        return Score(status, published=paper, source=source)
    value = fmean(record.metrics[metric.name] for record in good)
    low, high, over = _interval(metric, good)
    comparable = not any(record.synthetic for record in good)
    difference = value - paper if paper is not None and comparable else None
    return Score("ok", len(good), value, low, high, over, paper, source, difference)


def _interval(metric: Metric, records: Sequence[Record]) -> tuple[float | None, float | None, str | None]:
    """95 % interval of the mean over `records`, one per seed, and what it covers."""
    values = [record.metrics[metric.name] for record in records]
    if len(set(values)) > 1:
        from scipy.special import stdtrit

        half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / sqrt(len(values))
        return (
            max(-inf if metric.low is None else metric.low, fmean(values) - half),
            min(inf if metric.high is None else metric.high, fmean(values) + half),
            varied([record.all_seeds for record in records]),
        )
    own = records[0].intervals.get(metric.name)
    return (own.low, own.high, own.over) if own is not None else (None, None, None)


def _mark_best(rows: Sequence[Row], metrics: Sequence[Metric]) -> list[Row]:
    """Mark in each column the best value and all whose interval overlaps its interval."""
    marks: list[set[int]] = []
    for column, metric in enumerate(metrics):
        scores = {i: row.scores[column] for i, row in enumerate(rows) if row.scores[column].value is not None}
        if metric.higher_is_better is None:
            marks.append(set())
            continue
        ranked = sorted(scores.values(), key=lambda score: score.value or 0.0, reverse=metric.higher_is_better)
        marks.append({i for i, score in scores.items() if _ties(score, ranked[0])})
    return [
        replace(row, scores=tuple(replace(s, best=i in marks[column]) for column, s in enumerate(row.scores)))
        for i, row in enumerate(rows)
    ]


def _ties(score: Score, best: Score) -> bool:
    """Whether `score`, which is no better than `best`, cannot be told from it."""
    if score.value == best.value:
        return True
    if score.low is None or score.high is None or best.low is None or best.high is None:
        return False
    return score.high >= best.low and best.high >= score.low


def _row_notes(own: Sequence[Record], all_records: Sequence[Record]) -> list[str]:
    """Sentences on one row: why cells are empty, what its records note, how it differs from the other rows."""
    notes: dict[str, None] = {}
    reasons: dict[str, list[str]] = {}
    for record in own:
        if record.status != "ok":
            reasons.setdefault(f"{record.status.replace('_', ' ')}: {record.error}", []).append(str(record.all_seeds))
    for reason, seeds in reasons.items():
        notes[reason if len(seeds) == len(own) else f"seed {', '.join(seeds)} {reason}"] = None
    good = [record for record in own if record.status == "ok"]
    wanted = len({record.all_seeds for record in all_records})
    if good and len(good) < wanted:
        notes[f"mean of {len(good)} of {wanted} seeds"] = None
    for record in good:
        notes.update(dict.fromkeys(record.notes))
        trained, evaluated = record.training_dataset, record.dataset
        if trained is not None and trained.synthetic and evaluated is not None and not evaluated.synthetic:
            notes[f"trained on {trained.label}: not comparable with the paper"] = None
    return list(notes)
