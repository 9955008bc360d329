"""Which records a table shows: of each cell the newest, and rows of one name and other settings told apart."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.pipeline.records import Record
from datasets.base import shortened


def newest(records: Iterable[Record]) -> tuple[list[Record], list[str]]:
    """The newest record of each cell, and a sentence on those whose older ones were set otherwise without saying how.

    Rows of one name and other settings are cells of their own (`Record.place`), but for records of before settings were
    kept.
    """
    found: dict[str, Record] = {}
    unlike: dict[str, None] = {}
    for record in sorted(records, key=lambda record: record.ended):
        before = found.get(record.place)
        if before is not None and _settings(before) != _settings(record):
            unlike[f"{record.row}/{record.section}"] = None
        found[record.place] = record
    said = f"Of {shortened(list(unlike))} the newest record is shown; there are older ones of other settings."
    return list(found.values()), [said] if unlike else []


def told_apart(records: Sequence[Record]) -> list[Record]:
    """The records, their methods and tasks called by what was set otherwise where there are several ways of one name:
    `vqvae` and `vqvae[schedule.max_steps=1]`. A name in one way only stays, and keeps its settings for a note."""
    rows, sections = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for record in records:
        rows[record.method].add(record.row)
        sections[record.task].add(record.section)
    found = []
    for record in records:
        called: dict[str, object] = {}
        if len(rows[record.method]) > 1:
            called |= {"method": record.row, "method_settings": {}}
        if len(sections[record.task]) > 1:
            called |= {"task": record.section, "task_settings": {}}
        found.append(record.model_copy(update=called) if called else record)
    return found


def _settings(record: Record) -> tuple[object, object]:
    return record.method_config, record.task_config
