"""Of each cell the newest record: which one a table shows where a store has several, and what it says of the others."""

from collections.abc import Iterable

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


def _settings(record: Record) -> tuple[object, object]:
    return record.method_config, record.task_config
