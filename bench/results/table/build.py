"""From records to a table: means over trainings, intervals, published figures, comparisons and notes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.grid.catalogue import METHODS
from bench.pipeline.records import Record, listed
from bench.pipeline.store import Store
from bench.results.published import published
from bench.results.resampled import Drawn, resampled
from bench.results.spread import Spreads, committed
from bench.results.table.captions import captions, is_about
from bench.results.table.check import check
from bench.results.table.compared import compared
from bench.results.table.departures import departures
from bench.results.table.model import Row, Section, Table
from bench.results.table.newest import told_apart
from bench.results.table.scores import score
from bench.results.trainings import Trainings
from tasks.results import Metric

# The format of a training in bfloat16 with float32 weights, as summaries call it (`bench.training.precision`).
BFLOAT16 = "bf16-mixed"
# A column of which nothing is known, not even its range: no record says what its task declares.
UNKNOWN = Metric("score", low=None, high=None)


def build(
    records: Sequence[Record],
    store: Store | None = None,
    spreads: Spreads | None = None,
    *,
    columns: Callable[[Sequence[str]], Sequence[str]] = list,
    every_reference: bool = True,
) -> Table:
    """The table of `records`, whose order does not matter beyond that of the tasks.

    A value is the mean over the trainings. From three on, its 95 % interval covers the trainings and the units of the
    test set (`bench.results.crossed`); for fewer, and where the seeds changed nothing at all, it is the record's own
    over units. Which values are the best, or cannot be told from it, says `bench.results.table.compared`.

    Parameters
    ----------
    store: where the records' arrays of predictions are; without it, what a score varies by over units is read off the
        records' intervals, and nothing is compared unit by unit.
    spreads: what is known of how far trainings lie apart, for rows of one; by default what is committed of the profile.
    columns: which of a section's metrics to show, in which order, by their names.
    every_reference: whether reference rows stand there even where they have no record.

    Raises
    ------
    BenchError
        Where the records do not belong in one table; see `bench.results.table.check.check`.
    """
    records = told_apart(records)
    check(records)
    known = committed(records[0].profile) if spreads is None else spreads
    tasks = _tasks(records)
    methods = _ordered({record.method for record in records})
    sections = []
    for task in tasks:
        own = [record for record in records if record.task == task]
        rows = [name for name in methods if every_reference or any(record.method == name for record in own)]
        sections.append(_section(task, rows, own, store, known, columns))
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


def _tasks(records: Sequence[Record]) -> list[str]:
    """The tasks as they were asked for: in the order of the method that has most of them, since some methods are rows
    of a few tasks only; then the others."""
    by_method: dict[str, dict[str, None]] = {}
    for record in records:
        by_method.setdefault(record.method, {})[record.task] = None
    most = max(by_method.values(), key=len)
    return list(dict.fromkeys([*most, *(record.task for record in records)]))


def _ordered(methods: set[str]) -> list[str]:
    """The registered methods that are there in the registry's order, others (variants, a user's) by name with small
    sets of features first, and all baselines."""
    known = METHODS.entries()
    learned = [name for name, entry in known.items() if name in methods and not entry.baseline]
    return [*learned, *sorted(methods - known.keys(), key=_by_settings), *(b.name for b in METHODS.baselines())]


def _by_settings(method: str) -> tuple[str, int, str]:
    base, _, settings = method.partition("[")
    return base, settings.count(","), settings


def _section(
    task: str,
    methods: Sequence[str],
    records: Sequence[Record],
    store: Store | None,
    spreads: Spreads,
    columns: Callable[[Sequence[str]], Sequence[str]],
) -> Section:
    in_order = sorted(records, key=lambda record: (methods.index(record.method), record.all_seeds))
    known = {metric.name: metric for metric in _columns(in_order)}
    metrics = tuple(known[name] for name in columns(list(known)))
    shown = [metric.name for metric in metrics]
    good = [record for record in in_order if record.status == "ok"]
    drawn: list[Drawn | None] = [None] * len(good) if store is None else resampled([(one, store) for one in good])
    notes: dict[str, int] = {}
    rows, scored = [], []
    for method in filter(lambda name: _is_row_of(name, task), methods):
        own = [record for record in in_order if record.method == method]
        mine = [(record, values) for record, values in zip(good, drawn, strict=True) if record.method == method]
        numbers = tuple(notes.setdefault(text, len(notes) + 1) for text in _row_notes(own, shown))
        scored.append([_trainings(metric.name, mine) for metric in metrics])
        scores = tuple(
            score(method, task, metric, own, behind, spreads)
            for metric, behind in zip(metrics, scored[-1], strict=True)
        )
        trainings = next((behind.number for behind in scored[-1] if behind is not None), None)
        rows.append(Row(method, _is_reference(method), any(r.synthetic for r in own), scores, numbers, trainings))
    synthetic = any(record.dataset is not None and record.dataset.synthetic for record in records)
    rows = compared(rows, metrics, scored)
    return Section(
        task=task,
        label=f"{task}[synthetic]" if synthetic else task,
        synthetic=synthetic,
        metrics=metrics,
        rows=tuple(rows),
        captions=tuple(captions(task, metrics, rows, in_order)),
        notes=tuple(notes),
    )


def _trainings(metric: str, records: Sequence[tuple[Record, Drawn | None]]) -> Trainings | None:
    """A row's records that have a metric; None without any."""
    own = [(record, drawn) for record, drawn in records if metric in record.metrics]
    return Trainings(metric, tuple(record for record, _ in own), tuple(drawn for _, drawn in own)) if own else None


def _columns(records: Sequence[Record]) -> tuple[Metric, ...]:
    """The metrics that any record has: as declared and in that order, then undeclared ones by name.

    Where nothing succeeded, one column says so: the main metric's.
    """
    declared: dict[str, Metric] = {}
    for metric in (metric for record in records for metric in record.declared):
        declared.setdefault(metric.name, metric)
    found = {name for record in records for name in record.metrics}
    names = [name for name in declared if name in found] + sorted(found - declared.keys(), key=_by_numbers)
    return tuple(declared.get(name, replace(UNKNOWN, name=name)) for name in names) or (
        next(iter(declared.values()), UNKNOWN),
    )


def _by_numbers(name: str) -> list[str | int]:
    """Sorts `accuracy_500_frozen` before `accuracy_1000_frozen`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _is_row_of(method: str, task: str) -> bool:
    """Whether a method belongs in a task's table, however both were set; one that is not registered belongs in all."""
    entry = METHODS.entries().get(method.partition("[")[0])
    return entry is None or not entry.tasks or task.partition("[")[0] in entry.tasks


def _is_reference(method: str) -> bool:
    entry = METHODS.entries().get(method)
    return entry is not None and entry.baseline


def _row_notes(own: Sequence[Record], shown: Sequence[str]) -> list[str]:
    """Sentences on one row: why cells are empty, what its records note, how it differs from the other rows.

    `shown`: the metrics of the section.
    """
    notes: dict[str, None] = {}
    reasons: dict[str, list[str]] = {}
    for record in own:
        if record.status != "ok":
            reasons.setdefault(f"{record.status.replace('_', ' ')}: {record.error}", []).append(str(record.all_seeds))
    for reason, seeds in reasons.items():
        notes[reason if len(seeds) == len(own) else f"seed {', '.join(seeds)} {reason}"] = None
    good = [record for record in own if record.status == "ok"]
    if good and len(good) < len(own):
        notes[f"mean of {len(good)} of {len(own)} seeds"] = None
    for record in good:
        if record.method_settings:
            notes[f"set otherwise: {listed(record.method_settings)}"] = None
        notes.update(dict.fromkeys(text for text in record.notes if is_about(text, shown, own)))
        trained, evaluated = record.training_dataset, record.dataset
        if trained is not None and trained.synthetic and evaluated is not None and not evaluated.synthetic:
            notes[f"trained on {trained.label}: not comparable with the paper"] = None
        beside = any(published(record.method, record.task, metric) is not None for metric in shown)
        if beside and BFLOAT16 in precisions({"method": record.training, "task": record.details}):
            notes[f"trained in {BFLOAT16}; published figures are of float32 trainings"] = None
    notes.update(dict.fromkeys(departures(good)))
    return list(notes)


def precisions(summary: Any) -> set[str]:
    """Every training's `precision` in a summary, which may hold those of several trainings at any depth."""
    if not isinstance(summary, Mapping):
        return set()
    own = summary.get("precision")
    found = {own} if isinstance(own, str) else set()
    return found.union(*(precisions(value) for value in summary.values()))
