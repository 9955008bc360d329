"""`bench list`: what there is to name, the runs of a store, and the settings of a method or a task.

Only the last two import more than names, so that the others answer at once.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.grid.catalogue import DATASETS, METHODS, PROFILES, TASKS
from bench.streams import say
from datasets.errors import BenchError, suggestion

Row = dict[str, Any]


def list_command(what: str, name: str | None, *, as_json: bool, store: Path) -> None:
    """Print what is asked for, as lines or as JSON: a list with an object for each."""
    if (what == "settings") != (name is not None):
        raise BenchError(
            "list settings needs the name of a method or a task: list settings pdr"
            if name is None
            else f"list {what} takes no name, and {name!r} was given; expected one in `list settings NAME` alone"
        )
    rows = _settings(str(name)) if what == "settings" else _runs(store) if what == "runs" else _registered(what)
    if as_json:
        say(json.dumps(rows, indent=2, default=str))
        return
    for line in _lines([{key: value for key, value in row.items() if key != "group"} for row in rows]):
        say(line)
    if what == "methods":
        say("")
        for group, entries in METHODS.groups().items():
            say(f"--methods {group}: {', '.join(entry.name for entry in entries if not entry.argument)}")


def _registered(what: str) -> list[Row]:
    if what == "profiles":
        return [{"name": profile.name, "summary": profile.summary} for profile in PROFILES.values()]
    registry = {"methods": METHODS, "tasks": TASKS, "datasets": DATASETS}[what]
    rows: list[Row] = []
    for entry in registry.entries().values():
        name = f"{entry.name}:{entry.argument.upper()}" if entry.argument else entry.name
        rows.append({"name": name, "summary": entry.summary})
        if what == "methods":
            rows[-1]["group"] = "baselines" if entry.baseline else entry.group or "all"
    return rows


def _runs(store: Path) -> list[Row]:
    """The runs of a store, the newest first."""
    from bench.execution.invocations import invocations

    rows = [
        {
            "run": run.id,
            "profile": run.profile,
            "cells": ", ".join(f"{count} {status}" for status, count in run.counts.items()) or "none",
            "exit code": "-" if run.exit_code is None else run.exit_code,
            "command": " ".join(run.argv),
        }
        for run in invocations(store)
    ]
    if not rows:
        raise BenchError(f"{store}: no runs; expected a folder that `run --store` wrote to")
    return rows[::-1]


def _settings(name: str) -> list[Row]:
    """Those of the method or the task of this name."""
    from bench.commands.settings import settings_of

    base = name.partition(":")[0].partition("[")[0]
    known = TASKS if base in TASKS.entries() else METHODS
    if base not in known.entries() and ".py:" not in name:
        names = [*METHODS.entries(), *TASKS.entries()]
        hint = suggestion(base, names, "see `list methods` and `list tasks`, or name FILE.py:CLASS")
        raise BenchError(f"unknown method or task {name!r}: {hint}")
    return [asdict(setting) for setting in settings_of(known.get(name))]


def _lines(rows: list[Row]) -> Iterator[str]:
    """Rows in columns as wide as they need; the last column runs on."""
    texts = [[str(value) for value in row.values()] for row in rows]
    if len(rows[0]) > 2:
        texts.insert(0, list(rows[0]))
    widths = [max(len(row[place]) for row in texts) for place in range(len(texts[0]))]
    for row in texts:
        cells = [text.ljust(width) for text, width in zip(row[:-1], widths[:-1], strict=True)]
        yield "  ".join([*cells, row[-1]]).rstrip()
