"""Ties by the paired bootstrap: a row is not worse than the best one where their difference may be none."""

from collections.abc import Iterable
from dataclasses import replace

from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.paired import differences
from bench.results.table.model import Row, Section, Table


def paired_ties(table: Table, records: Iterable[Record], store: Store) -> Table:
    """The table with its best values marked by paired differences, where each row is of one record (one seed).

    Rows of several seeds, and metrics without per-item predictions, keep the mark that their intervals gave them.
    `records` are those that the table was built from.
    """
    by_cell: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.status == "ok":
            by_cell.setdefault((record.task, record.method), []).append(record)
    return replace(table, sections=tuple(_section(section, by_cell, store) for section in table.sections))


def _section(section: Section, by_cell: dict[tuple[str, str], list[Record]], store: Store) -> Section:
    rows = list(section.rows)
    for column, metric in enumerate(section.metrics):
        if metric.higher_is_better is None:
            continue
        sign = 1 if metric.higher_is_better else -1
        values = {place: row.scores[column].value for place, row in enumerate(rows)}
        ranked = {place: sign * value for place, value in values.items() if value is not None}
        if not ranked:
            continue
        best = rows[max(ranked, key=ranked.__getitem__)]
        for place, row in enumerate(rows):
            pair = [by_cell.get((section.task, name), []) for name in (row.method, best.method)]
            if row is best or any(len(found) != 1 for found in pair):
                continue
            found = differences(pair[0][0], pair[1][0], store).get(metric.name)
            if found is not None and found.paired:
                rows[place] = _marked(row, column, not found.significant)
    return replace(section, rows=tuple(rows))


def _marked(row: Row, column: int, best: bool) -> Row:
    scores = [replace(score, best=best) if place == column else score for place, score in enumerate(row.scores)]
    return replace(row, scores=tuple(scores))
