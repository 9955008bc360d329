"""One row per value: `--set bbt.normalise=none,l2` runs `bbt[normalise=none]` and `bbt[normalise=l2]`.

A task's configuration says of which fields this holds, by `json_schema_extra={"rows": True}`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.grid.catalogue import TASKS
from bench.grid.registry import Entry

Settings = dict[str, dict[str, Any]]


def with_rows(tasks: Iterable[Entry], settings: Settings) -> tuple[tuple[Entry, ...], Settings]:
    """The tasks, each with a list for such a field replaced by one entry per value, and the settings without it.

    A task is loaded where a list was set for it, and no other.
    """
    chosen: dict[str, Entry] = {}
    spread: set[tuple[str, str]] = set()
    for entry in tasks:
        found = [entry]
        for prefix in filter(None, dict.fromkeys((entry.family, entry.name))):
            for field, values in _lists(entry, settings.get(prefix, {})).items():
                found = [TASKS.get(variant_name(one.name, field, value)) for one in found for value in values]
                spread.add((prefix, field))
        chosen.update((one.name, one) for one in found)
    left = {
        prefix: {field: value for field, value in own.items() if (prefix, field) not in spread}
        for prefix, own in settings.items()
    }
    return tuple(chosen.values()), left


def variant_name(name: str, field: str, value: Any) -> str:
    """`bbt`, `normalise`, `l2` -> `bbt[normalise=l2]`; a name with settings gets one more."""
    inside = f"{field}={value}"
    return f"{name[:-1]};{inside}]" if TASKS.get(name).variant else f"{name}[{inside}]"


def _lists(entry: Entry, own: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What was set to a list, of the fields of which each value is a row."""
    lists = {field: value for field, value in own.items() if isinstance(value, list)}
    if not lists:
        return {}
    fields = entry.load().Config.model_fields
    return {
        field: value
        for field, value in lists.items()
        if field in fields and (fields[field].json_schema_extra or {}).get("rows")
    }
