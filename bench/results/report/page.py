"""The page as a whole: collects its sections from records and the store, and fills the template."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.execution.invocations import Invocation
from bench.pipeline.predictions import sheets_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.cite import bibtex, citations_of
from bench.results.pages import template
from bench.results.report.details import details
from bench.results.report.drawn import Charts
from bench.results.report.films import sheets
from bench.results.table.stacked import difference, stacked
from datasets.files import write_text

# Rows of a method's own table that the page shows; the record has all.
MOST_ROWS = 200
# Strips of pictures that stand open on the page: more are folded.
MOST_STRIPS = 12
STAGES = ("fit", "derive", "encode", "evaluate")


def report_path(store: Store, invocation: Invocation) -> Path:
    """Where a run's page lies unless told otherwise."""
    return store.root.parent / "reports" / f"{invocation.id}.html"


def write_report(
    invocation: Invocation, records: Sequence[Record], store: Store, target: Path, table: tables.Table | None = None
) -> None:
    """Write the page of one invocation to `target`, whole or not at all; `table` is that of `records`, where it was
    made before.

    Raises BenchError where the records do not belong in one table (`bench.results.table.build`).
    """
    write_text(target, render(invocation, records, store, table))


def render(invocation: Invocation, records: Sequence[Record], store: Store, table: tables.Table | None = None) -> str:
    """The page as text."""
    table, charts = table or tables.build(records, store), Charts(store)
    return template("bench.results.report", "report.html.j2").render(
        title=f"{invocation.suite}: {table.title}",
        invocation=invocation,
        made=datetime.now(UTC),
        synthetic=any(record.synthetic for record in records),
        table=table,
        sections=[_section(section, charts) for section in table.sections],
        trainings=_trainings(records, store, charts),
        details=details(table.sections, first_seeds(records), store, charts),
        most=MOST_ROWS,
        most_open=MOST_STRIPS,
        stages=STAGES,
        costs=_costs(records),
        datasets=_datasets(records),
        environments=_environments(records),
        citations=bibtex(citations_of(records)),
    )


def first_seeds(records: Sequence[Record]) -> list[Record]:
    """One record per method and task, that of the least seeds: further ones are in the tables, without pictures."""
    found: dict[tuple[str, str], Record] = {}
    for record in sorted(records, key=lambda record: record.all_seeds):
        found.setdefault((record.method, record.task), record)
    return [record for record in records if found[record.method, record.task] is record]


def _section(section: tables.Section, charts: Charts) -> dict[str, Any]:
    """One task's table and its chart."""
    return {"section": stacked(section, difference), "chart": charts.bars(section)}


def _trainings(records: Sequence[Record], store: Store, charts: Charts) -> list[dict[str, Any]]:
    """Each checkpoint once: the methods that share it, its learning curves and its contact sheets."""
    sharing: dict[str, list[Record]] = {}
    for record in records:
        if "fit" in record.stages and record.training:
            sharing.setdefault(record.stages["fit"].key, []).append(record)
    found = []
    for key, own in sharing.items():
        derived = [store.derived(record.stages["derive"].key) for record in own if "derive" in record.stages]
        folders = dict.fromkeys([store.checkpoint(key), *derived])
        data = own[0].training_dataset
        found.append(
            {
                "names": list(dict.fromkeys(record.method for record in own)),
                "label": data.label if data is not None else "",
                "notes": _notes(own),
                "losses": charts.losses(own[0].training),
                "sheets": [
                    shown
                    for folder in folders
                    for path, picture in sheets_of(folder)
                    for shown in sheets(path, picture, f"{own[0].method}, seed {own[0].all_seeds}", store)
                ],
            }
        )
    return found


def _notes(records: Sequence[Record]) -> list[str]:
    """What all finished records of a method note, which is of the method: a task's notes are in its table."""
    notes: dict[str, None] = {}
    for method in dict.fromkeys(record.method for record in records):
        own = [record.notes for record in records if record.method == method and record.status == "ok"]
        notes.update((note, None) for note in (own[0] if own else []) if all(note in other for other in own))
    return list(notes)


def _costs(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Seconds and peak memory of each stage; a checkpoint that several cells share is named each time."""
    return [
        {"record": record, "stages": [record.stages.get(stage) for stage in STAGES]}
        for record in records
        if record.stages
    ]


def _datasets(records: Sequence[Record]) -> list[Any]:
    """Each dataset once, as it was decoded."""
    used = [data for record in records for data in (record.dataset, record.training_dataset) if data is not None]
    return list({(data.label, data.digest): data for data in used}.values())


def _environments(records: Sequence[Record]) -> list[Any]:
    """Each environment once."""
    return list({record.environment.model_dump_json(): record.environment for record in records}.values())
