"""The page as a whole: collects its sections from records and the store, and fills the template."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bench.execution.invocations import Invocation
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.cite import bibtex
from bench.results.report.confusion import Confusion, confusion
from bench.results.report.drawn import Charts
from bench.results.report.images import data_uri, prepared_images, thumbnails
from bench.results.table.sheet import wide_cells, wide_headers
from datasets.files import write_with

PHASES = ("fit", "derive", "encode", "evaluate")


def report_path(store: Store, invocation: Invocation) -> Path:
    """Where a run's page lies unless told otherwise."""
    return store.root.parent / "reports" / f"{invocation.id}.html"


def write_report(invocation: Invocation, records: Sequence[Record], store: Store, target: Path) -> None:
    """Write the page of one invocation to `target`, whole or not at all.

    Raises BenchError where the records do not belong in one table (`bench.results.table.build`).
    """
    html = render(invocation, records, store)
    write_with(target, lambda path: path.write_text(html, encoding="utf-8"))


def render(invocation: Invocation, records: Sequence[Record], store: Store) -> str:
    """The page as text."""
    table, shown, charts = tables.build(records), first_seeds(records), Charts(store)
    loader = PackageLoader("bench.results.report", "templates")
    environment = Environment(
        loader=loader, autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(
        title=f"{invocation.suite}: {table.title}",
        invocation=invocation,
        made=datetime.now(UTC),
        synthetic=any(record.synthetic for record in records),
        table=table,
        sections=[_section(section, charts) for section in table.sections],
        trainings=_trainings(records, store, charts),
        clusterings=_clusterings(shown, store),
        sweeps=_sweeps(shown, charts),
        correlations=_maps(shown, "pcc", charts.correlations),
        disentanglements=_maps(shown, "disentanglement", charts.told),
        segmentations=_segmentations(shown, store),
        scenes=_pictured(shown, store, "scenes"),
        attributions=_pictured(shown, store, "attribution"),
        costs=_costs(records),
        datasets=_datasets(records),
        environments=_environments(records),
        citations=_citations(records),
    )


def first_seeds(records: Sequence[Record]) -> list[Record]:
    """One record per method and task, that of the least seeds: further ones are in the tables, without pictures."""
    found: dict[tuple[str, str], Record] = {}
    for record in sorted(records, key=lambda record: record.all_seeds):
        found.setdefault((record.method, record.task), record)
    return [record for record in records if found[record.method, record.task] is record]


def _section(section: tables.Section, charts: Charts) -> dict[str, Any]:
    """One task's table and its chart."""
    return {
        "section": section,
        "headers": wide_headers(section),
        "rows": [(row, wide_cells(section, row)) for row in section.rows],
        "chart": charts.bars(section),
    }


def _trainings(records: Sequence[Record], store: Store, charts: Charts) -> list[dict[str, Any]]:
    """Each checkpoint once: its learning curves and its sheet."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        if "fit" not in record.phases or not record.training:
            continue
        key = record.phases["fit"].key
        entry = found.setdefault(
            key,
            {
                "names": {},
                "label": record.training_dataset.label if record.training_dataset else "",
                "notes": {},
                "curve": charts.curves(record.training),
                "sheets": {path: data_uri(path) for path in sorted(store.checkpoint(key).glob("*.png"))},
            },
        )
        entry["names"][record.method] = None
        entry["notes"].update(dict.fromkeys(record.notes))
        if "derive" in record.phases:
            folder = store.derived(record.phases["derive"].key)
            entry["sheets"].update({path: data_uri(path) for path in sorted(folder.glob("*.png"))})
    return list(found.values())


def _clusterings(records: Sequence[Record], store: Store) -> list[dict[str, Any]]:
    """Confusion and contact sheet of every clustering, by task; the images are the store's decoded ones."""
    found: dict[str, list[tuple[Record, Confusion, str | None]]] = {}
    for record in records:
        counts = confusion(record, store)
        if counts is None:
            continue
        images = prepared_images(record, store)
        sheet = None if images is None else thumbnails(counts, images)
        found.setdefault(record.task, []).append((record, counts, sheet))
    return [{"task": task, "entries": entries} for task, entries in found.items()]


def _sweeps(records: Sequence[Record], charts: Charts) -> list[dict[str, str]]:
    """Robustness curves, one chart per task."""
    chosen: dict[str, list[Record]] = {}
    for record in records:
        if record.status == "ok" and "curve" in record.details:
            chosen.setdefault(record.task, []).append(record)
    return [{"task": task, "chart": charts.sweep(found)} for task, found in chosen.items()]


def _maps(records: Sequence[Record], detail: str, chart: Callable[[Record], str]) -> list[dict[str, Any]]:
    """A map of each record that has a detail, by task."""
    found: dict[str, list[tuple[Record, str]]] = {}
    for record in records:
        if record.status == "ok" and detail in record.details:
            found.setdefault(record.task, []).append((record, chart(record)))
    return [{"task": task, "entries": entries} for task, entries in found.items()]


def _segmentations(records: Sequence[Record], store: Store) -> list[dict[str, Any]]:
    """Per-class IoU of each segmentation, and its pictures."""
    found = []
    for record in records:
        if record.status == "ok" and "iou" in record.details and record.predictions is not None:
            pictures = sorted((store.root / record.predictions).glob("*.png"))
            found.append({"record": record, "iou": record.details["iou"], "pictures": [data_uri(p) for p in pictures]})
    return found


def _pictured(records: Sequence[Record], store: Store, detail: str) -> list[dict[str, Any]]:
    """The records that have a detail, with their pictures."""
    found = []
    for record in records:
        if record.status == "ok" and detail in record.details and record.predictions is not None:
            pictures = sorted((store.root / record.predictions).glob("*.png"))
            found.append({"record": record, "pictures": [data_uri(path) for path in pictures]})
    return found


def _costs(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Seconds and peak memory of each phase; a checkpoint that several cells share is named each time."""
    return [
        {"record": record, "phases": [record.phases.get(phase) for phase in PHASES]}
        for record in records
        if record.phases
    ]


def _datasets(records: Sequence[Record]) -> list[Any]:
    """Each dataset once, as it was decoded."""
    used = [data for record in records for data in (record.dataset, record.training_dataset) if data is not None]
    return list({(data.label, data.digest): data for data in used}.values())


def _environments(records: Sequence[Record]) -> list[Any]:
    """Each environment once."""
    return list({record.environment.model_dump_json(): record.environment for record in records}.values())


def _citations(records: Sequence[Record]) -> str:
    """BibTeX of the methods and datasets on the page."""
    methods = dict.fromkeys(record.method for record in records)
    used = dict.fromkeys(record.dataset.name for record in records if record.dataset is not None)
    metrics = dict.fromkeys(metric for record in records for metric in record.metrics)
    return bibtex(methods, used, metrics)
