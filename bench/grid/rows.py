"""One row per value: `--set bbt.normalise=none,l2` runs `bbt[normalise=none]` and `bbt[normalise=l2]`.

A task's configuration says of which fields this holds, by `json_schema_extra={"rows": True}`. A sweep does it with any
setting of a method or a task: `--sweep vqvae.width=16,32`.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from bench.grid.registry import Entry, varied
from bench.grid.values import parse_value, shown, split_path, text_of
from datasets.errors import BenchError, suggestion

Settings = dict[str, dict[str, Any]]
# Setting -> the values it takes, by the name of a method or a task.
Sweeps = dict[str, dict[str, list[str]]]
# Rows that a sweep may make of one.
MOST = 1000


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
                found = [varied(one, field, text_of(value)) for one in found for value in values]
                spread.add((prefix, field))
        chosen.update((one.name, one) for one in found)
    left = {
        prefix: {field: value for field, value in own.items() if (prefix, field) not in spread}
        for prefix, own in settings.items()
    }
    return tuple(chosen.values()), left


def parse_sweeps(texts: Iterable[str], known: Iterable[str]) -> Sweeps:
    """`vqvae.width=16,32` -> {"vqvae": {"width": ["16", "32"]}}; `known` are the names of the run's methods and tasks.

    Values are separated by commas, or the parts of a JSON list. Raises BenchError for what is no sweep.
    """
    known = list(known)
    sweeps: Sweeps = {}
    for text in texts:
        path, equals, given = text.partition("=")
        name = next((one for one in known if path.strip().startswith(f"{one}.")), None)
        if not equals or "." not in path:
            raise BenchError(f"--sweep {shown(text)}: expected METHOD.KEY=VALUE,VALUE, such as vqvae.width=16,32")
        if name is None:
            prefix = path.strip().partition(".")[0]
            hint = suggestion(prefix, known, f"in this run: {', '.join(sorted(known))}")
            raise BenchError(f"--sweep {shown(text)}: {prefix!r} is no method or task of this run: {hint}")
        setting = ".".join(split_path(path.strip()[len(name) + 1 :]))
        values = _values(given)
        if not values or setting in sweeps.get(name, {}):
            reason = "is given twice" if values else "has no value"
            raise BenchError(f"--sweep {shown(text)}: {name}.{setting} {reason}; expected METHOD.KEY=VALUE,VALUE once")
        sweeps.setdefault(name, {})[setting] = list(dict.fromkeys(values))
    return sweeps


def swept(entries: Iterable[Entry], sweeps: Sweeps, settings: Settings) -> tuple[Entry, ...]:
    """The entries, each that is swept replaced by one for every combination of its values.

    As in settings, a family's name stands for all its variants; where one of the run is called so, for that alone.

    Raises BenchError where there are too many, and where a value is set for the same setting too.
    """
    entries, found = list(entries), list[Entry]()
    names = {entry.name for entry in entries}
    for entry in entries:
        own = sweeps.get(entry.name if entry.name in sweeps or entry.family in names else entry.family, {})
        for prefix in filter(None, (entry.family, entry.name)):
            for setting in own:
                if _holds(settings.get(prefix, {}), setting.split(".")):
                    raise BenchError(f"--set {prefix}.{setting} and --sweep {entry.name}.{setting}: give one of them")
        combinations = product(*own.values())
        for place, values in enumerate(combinations, start=1):
            if place > MOST:
                raise BenchError(f"--sweep: more than {MOST:,} rows of {entry.name}; sweep fewer values")
            one = entry
            for setting, value in zip(own, values, strict=True):
                one = varied(one, setting, value)
            found.append(one)
    return tuple(found)


def _values(text: str) -> list[str]:
    """What a list of values is made of, each as it is typed."""
    value = parse_value(text)
    if isinstance(value, list) and text.lstrip().startswith("["):
        return [text_of(one) for one in value]
    parts = text.split(",") if isinstance(value, list) else [text]
    return [part.strip() for part in parts if part.strip()]


def _holds(settings: Any, path: list[str]) -> bool:
    """Whether nested settings give a value to a path, or to all that it is a part of."""
    if not isinstance(settings, Mapping) or not path:
        return True
    return path[0] in settings and _holds(settings[path[0]], path[1:])


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
