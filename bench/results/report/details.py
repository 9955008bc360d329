"""What a page shows of each task besides its table: charts over methods, and each method's tables and pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.pipeline.predictions import files_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.report.confusion import Confusion, confusion
from bench.results.report.drawn import Charts
from bench.results.report.films import Film, Whole, films, sheets
from bench.results.report.images import prepared_images, thumbnails
from bench.results.table.model import Section
from tasks.results import Curve, DetailTable, Heatmap

Kind = TypeVar("Kind", Curve, Heatmap, DetailTable)


@dataclass(frozen=True)
class MethodDetails:
    """One record's own: `summary` names it and gives its main metric.

    Attributes
    ----------
    name: the method's, with its seed.
    counts, cluster_images: of a clustering, clusters against classes and, as data URIs, images of each cluster.
    tables: small tables.
    pictures: sheets of the method's own.
    """

    name: str
    summary: str
    counts: Confusion | None
    cluster_images: list[str] | None
    tables: list[DetailTable]
    pictures: list[Film | Whole]


@dataclass(frozen=True)
class TaskDetails:
    """One task's.

    Attributes
    ----------
    anchor: the section's identity on the page.
    curves: (title, chart) with a line per method.
    heatmaps: (title, [(method, chart)]).
    films: strips of every method below each other.
    methods: what is each method's alone.
    """

    anchor: str
    label: str
    curves: list[tuple[str, str]]
    heatmaps: list[tuple[str, list[tuple[str, str]]]]
    films: list[Film]
    methods: list[MethodDetails]


def details(sections: Sequence[Section], records: Sequence[Record], store: Store, charts: Charts) -> list[TaskDetails]:
    """Of each task that has more to show than its table, in the order of the table's sections."""
    found = []
    for number, section in enumerate(sections, start=1):
        own = [record for record in records if record.task == section.task and record.status == "ok"]
        task = TaskDetails(
            anchor=f"task-{number}",
            label=section.label,
            curves=_curves(section, own, charts),
            heatmaps=_heatmaps(section, own, charts),
            films=films(_as_in_table(section, own), store),
            methods=[one for record in own if (one := _of_method(section, record, store)) is not None],
        )
        if task.curves or task.heatmaps or task.films or task.methods:
            found.append(task)
    return found


def _as_in_table(section: Section, records: Sequence[Record]) -> list[Record]:
    """Records in the order of the table's rows."""
    order = {row.method: place for place, row in enumerate(section.rows)}
    return sorted(records, key=lambda record: order.get(record.method, len(order)))


def _charts(records: Sequence[Record], kind: type[Kind]) -> Iterator[tuple[Record, Kind]]:
    return ((record, chart) for record in records for chart in record.charts if isinstance(chart, kind))


def _curves(section: Section, records: Sequence[Record], charts: Charts) -> list[tuple[str, str]]:
    """One chart per title. A method's second line in it is named by what it shows."""
    by_title: dict[str, list[tuple[str, Curve]]] = {}
    for record, curve in _charts(records, Curve):
        named = by_title.setdefault(curve.title, [])
        second = named and curve.y_label != named[0][1].y_label
        named.append((f"{record.method}: {curve.y_label}" if second else record.method, curve))
    return [(title, charts.curves(named, f"{title} on {section.label}")) for title, named in by_title.items()]


def _heatmaps(section: Section, records: Sequence[Record], charts: Charts) -> list[tuple[str, list[tuple[str, str]]]]:
    """One row of charts per title, a chart per method."""
    by_title: dict[str, list[tuple[str, str]]] = {}
    for record, matrix in _charts(records, Heatmap):
        chart = charts.heatmap(matrix, f"{matrix.title}: {record.method} on {section.label}")
        by_title.setdefault(matrix.title, []).append((_named(record), chart))
    return list(by_title.items())


def _of_method(section: Section, record: Record, store: Store) -> MethodDetails | None:
    """What is the record's alone; None where that is nothing."""
    counts = confusion(record, store)
    images = None if counts is None else prepared_images(record, store)
    tables = [table for _, table in _charts([record], DetailTable)]
    about = f"{record.method} on {section.label}"
    pictures = [
        shown
        for path, picture in files_of(record, store)
        if picture.on_page and not picture.rows
        for shown in sheets(path, picture, about, store)
    ]
    if counts is None and not tables and not pictures:
        return None
    main = section.metrics[0]
    score = f": {main.header} {record.metrics[main.name]:.3f}" if main.name in record.metrics else ""
    cluster_images = None if counts is None or images is None else thumbnails(counts, images)
    return MethodDetails(_named(record), _named(record) + score, counts, cluster_images, tables, pictures)


def _named(record: Record) -> str:
    return f"{record.method}, seed {record.all_seeds}"
