"""From records to a table: means over seeds, intervals, published figures, differences, ties and notes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import inf, sqrt
from statistics import fmean, stdev

from bench.grid.catalogue import METHODS
from bench.grid.seeds import varied
from bench.pipeline.records import Record
from bench.results.published import published, unattributed
from bench.results.table.check import check
from bench.results.table.model import (
    LESS_IS_BETTER,
    METRICS,
    PAPER_ROWS,
    REFERENCE_ROWS,
    Row,
    Score,
    Section,
    Status,
    Table,
)

# How names of metrics begin of which neither more nor less is better.
UNRANKED = "share_"
# The largest value of a metric by the unit that its name ends with; 1 of all others.
LARGEST = {"_deg": 180.0, "_percent": inf}


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
    """The paper's rows that are there, others by name with small sets of features first, and all reference rows."""
    paper = [name for name in PAPER_ROWS if name in methods]
    others = sorted(methods - set(PAPER_ROWS) - set(REFERENCE_ROWS), key=_by_settings)
    return [*paper, *others, *REFERENCE_ROWS]


def _by_settings(method: str) -> tuple[str, int, str]:
    base, _, settings = method.partition("[")
    return base, settings.count(","), settings


def _section(task: str, methods: Sequence[str], records: Sequence[Record]) -> Section:
    found = {name for record in records for name in record.metrics}
    names = [name for name in METRICS if name in found] + sorted(found - set(METRICS), key=_by_numbers)
    metrics = tuple(names) or ("accuracy",)  # where nothing succeeded, one column says so
    less = frozenset(LESS_IS_BETTER.intersection(metrics).union(*(record.less_is_better for record in records)))
    notes: dict[str, int] = {}
    rows = []
    for method in filter(lambda name: _is_row_of(name, task), methods):
        own = sorted((r for r in records if r.method == method), key=lambda record: record.all_seeds)
        numbers = tuple(notes.setdefault(text, len(notes) + 1) for text in _row_notes(own, records))
        scores = tuple(_score(method, task, metric, own) for metric in metrics)
        rows.append(Row(method, method in REFERENCE_ROWS, any(r.synthetic for r in own), scores, numbers))
    synthetic = any(record.dataset is not None and record.dataset.synthetic for record in records)
    return Section(
        task=task,
        label=f"{task}[synthetic]" if synthetic else task,
        synthetic=synthetic,
        metrics=metrics,
        rows=tuple(_mark_best(rows, metrics, less)),
        captions=tuple(_captions(task, metrics, less, rows, records)),
        notes=tuple(notes),
        less_is_better=less,
    )


def _by_numbers(name: str) -> list[str | int]:
    """Sorts `accuracy_500_frozen` before `accuracy_1000_frozen`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _is_row_of(method: str, task: str) -> bool:
    """Whether a method belongs in a task's table; one that is not registered belongs in all."""
    entry = METHODS.entries().get(method)
    return entry is None or not entry.tasks or task in entry.tasks


def _score(method: str, task: str, metric: str, records: Sequence[Record]) -> Score:
    figure = published(method, task, metric)
    paper, source = (figure.value, figure.source) if figure is not None else (None, None)
    good = [record for record in records if record.status == "ok" and metric in record.metrics]
    if not good:
        # A record that succeeded without this metric has nothing to say in this column.
        states = [record.status for record in records if record.status != "ok"]
        status: Status = states[0] if states else "not_applicable" if records else "not_run"
        return Score(status, published=paper, source=source)
    value = fmean(record.metrics[metric] for record in good)
    low, high, over = _interval(metric, good)
    comparable = not any(record.synthetic for record in good)
    difference = value - paper if paper is not None and comparable else None
    return Score("ok", len(good), value, low, high, over, paper, source, difference)


def _interval(metric: str, records: Sequence[Record]) -> tuple[float | None, float | None, str | None]:
    """95 % interval of the mean over `records`, one per seed, and what it covers."""
    values = [record.metrics[metric] for record in records]
    if len(set(values)) > 1:
        from scipy.special import stdtrit

        half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / sqrt(len(values))
        return (
            max(0.0, fmean(values) - half),
            min(next((most for unit, most in LARGEST.items() if metric.endswith(unit)), 1.0), fmean(values) + half),
            varied([record.all_seeds for record in records]),
        )
    own = records[0].intervals.get(metric)
    return (own.low, own.high, own.over) if own is not None else (None, None, None)


def _mark_best(rows: Sequence[Row], metrics: Sequence[str], less_is_better: frozenset[str]) -> list[Row]:
    """Mark in each column the best value and all whose interval overlaps its interval."""
    marks: list[set[int]] = []
    for column, metric in enumerate(metrics):
        if metric.startswith(UNRANKED):
            marks.append(set())
            continue
        scores = {i: row.scores[column] for i, row in enumerate(rows) if row.scores[column].value is not None}
        ranked = sorted(scores.values(), key=lambda score: score.value or 0.0, reverse=metric not in less_is_better)
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
        notes.update(dict.fromkeys(_scene_notes(record)))
        trained, evaluated = record.training_dataset, record.dataset
        if trained is not None and trained.synthetic and evaluated is not None and not evaluated.synthetic:
            notes[f"trained on {trained.label}: not comparable with the paper"] = None
    return list(notes)


def _scene_notes(record: Record) -> list[str]:
    """Where the scenes that a method takes images apart into are not scored."""
    if (scenes := record.details.get("scenes")) is None:
        return []
    notes = [f"its scenes cover {100 * scenes['covered']:.0f} % of the objects, where alone their maps are scored"]
    if scenes["missed"]:
        notes.append(f"maps of {scenes['missed']} images cover nothing of the object and are left out")
    return notes


def _captions(
    task: str, metrics: Sequence[str], less_is_better: frozenset[str], rows: Sequence[Row], records: Sequence[Record]
) -> list[str]:
    """Sentences on the whole section."""
    good = [record for record in records if record.status == "ok"]
    captions = _clustering_captions(metrics, good) + _majority_captions(good) + _usual_mask_captions(good)
    reduced = dict.fromkeys(text for record in good for text in record.details.get("reduced", ()))
    captions += [f"Less than the paper's protocol: {'; '.join(reduced)}."] if reduced else []
    captions += ["lost: accuracy at the smallest angles less that at the largest."] if "lost" in metrics else []
    if less := [metric for metric in metrics if metric in less_is_better]:
        captions.append(f"Less is better: {'every metric' if len(less) == len(metrics) else ', '.join(less)}.")
    captions += _trivial_captions(good) + _interval_captions(rows)
    if any(record.dataset is not None and record.dataset.synthetic for record in records):
        captions.append("[synthetic]: images drawn by the project, so no difference to the paper is given.")
    for metric in metrics:
        captions += [
            f"The paper gives {metric} {figure.value:g} for a PDR variant that it does not name ({figure.source})."
            for figure in unattributed(task, metric)
        ]
    data = next((record.dataset for record in good if record.dataset is not None), None)
    if data is not None and data.skipped:
        left_out = ", ".join(f"{reason} ({count})" for reason, count in sorted(data.skipped.items()))
        captions.append(f"{data.images} images; left out: {left_out}.")
    return captions


def _clustering_captions(metrics: Sequence[str], records: Sequence[Record]) -> list[str]:
    """That the number of clusters is given, and which accuracies are shown."""
    oracles = [record.details for record in records if record.details.get("clusters") == "oracle"]
    if not oracles:
        return []
    counts = {details["number_of_clusters"] for details in oracles}
    given = f"{counts.pop()} clusters, the true number" if len(counts) == 1 else "As many clusters as classes"
    meaning = "accuracy: majority label per cluster (= weighted cluster purity, the paper's)"
    if "hungarian" in metrics:
        meaning += "; hungarian: each label given to one cluster at most"
    attributes = {len(details["attributes"]) for details in oracles if "attributes" in details}
    averaged = [f"Means over {count} attributes, all scored against one clustering." for count in sorted(attributes)]
    return [f"{given} (oracle).", *averaged, f"{meaning}."]


def _majority_captions(records: Sequence[Record]) -> list[str]:
    """What answering every image alike scores, by the number of labelled images that tell the answer."""
    found: dict[str, list[float]] = {}
    for record in records:
        for count, value in record.details.get("majority_accuracy", {}).items():
            found.setdefault(count, []).append(value)
    values = ", ".join(f"{fmean(found[count]):.3f} ({count})" for count in sorted(found, key=int))
    return [f"Giving every image the majority's answer among the labelled ones scores {values}."] if found else []


def _usual_mask_captions(records: Sequence[Record]) -> list[str]:
    """What segmenting every image alike scores."""
    found: dict[str, list[float]] = {}
    for record in records:
        for metric, value in record.details.get("usual_mask", {}).items():
            found.setdefault(metric, []).append(value)
    values = ", ".join(f"{fmean(values):.3f} ({metric})" for metric, values in found.items())
    return [f"Giving each pixel its most frequent class in the training images scores {values}."] if found else []


def _trivial_captions(records: Sequence[Record]) -> list[str]:
    """What each metric comes to without any model, by what is given in place of a prediction."""
    found: dict[str, dict[str, list[float]]] = {}
    for record in records:
        for metric, values in sorted(record.details.get("trivial", {}).items()):
            for name, value in values.items():
                found.setdefault(metric, {}).setdefault(name, []).append(value)
    texts = [
        f"{metric} {', '.join(f'{fmean(values):.3f} ({name})' for name, values in by_name.items())}"
        for metric, by_name in found.items()
    ]
    return [f"Without a model: {'; '.join(texts)}."] if found else []


def _interval_captions(rows: Sequence[Row]) -> list[str]:
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
