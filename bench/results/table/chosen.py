"""A table of any rows: those of one run, or the newest of each cell in a store, by name."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.grid.catalogue import TASKS
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.table.build import build
from bench.results.table.check import one_code
from bench.results.table.model import Table
from bench.results.table.newest import newest, told_apart
from datasets.base import shortened
from datasets.errors import BenchError


def chosen(
    records: Sequence[Record], methods: str, tasks: str, metrics: str, profile: str | None, store: Store
) -> Table:
    """The table of the records that are asked for, its tasks in the order of their names.

    Parameters
    ----------
    records: any; of each cell the newest counts.
    methods, tasks, metrics: names or wildcards with commas between them; `all` are all.
    profile: whose records to take; by default that of the newest.
    store: where the records' arrays are.

    Raises BenchError where a name stands for nothing, or the records do not belong in one table.
    """
    in_time = sorted(records, key=lambda record: record.ended)
    if profile is None and in_time:
        profile = in_time[-1].profile
    kept, older = newest([record for record in in_time if record.profile == profile])
    if not kept:
        raise BenchError(f"{store.root}: no records{f' of profile {profile}' if profile else ''}; run something first")
    place = {name: number for number, name in enumerate(TASKS.entries())}
    by_task = sorted(kept, key=lambda record: (place.get(record.task, len(place)), record.section))
    found = _named(told_apart(by_task), tasks, lambda record: record.task, "task")
    found = _named(found, methods, lambda record: record.method, "method")
    one_code(found)
    table = build(found, store, columns=lambda names: _named(names, metrics, str, "metric"), every_reference=False)
    return replace(table, captions=(*table.captions, *older))


def _named(items: Sequence[Any], names: str, name_of: Callable[[Any], str], kind: str) -> list[Any]:
    """The items that `names` stand for, in that order."""
    if names == "all":
        return list(items)
    there = list(dict.fromkeys(map(name_of, items)))
    wanted: dict[str, None] = {}
    # Not at commas within brackets: pdr[features=light,view] is one name.
    for pattern in filter(None, map(str.strip, re.split(r",(?![^\[]*\])", names))):
        # Brackets belong to names, as in pdr[features=light]; a name alone is also what was set otherwise, where there
        # is nothing else.
        matches = fnmatch.filter(there, pattern.replace("[", "[[]")) or [
            name for name in there if name.partition("[")[0] == pattern
        ]
        if not matches:
            raise BenchError(f"no records of {kind} {pattern!r}; there are {shortened(sorted(there))}")
        wanted.update(dict.fromkeys(matches))
    return [item for name in wanted for item in items if name_of(item) == name]
