"""The two sides of a comparison: the rows of two runs, or two methods within one run, across two, or in a store."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.execution.invocations import Invocation, invocations, path_of
from bench.pipeline.keys import differences
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.paired import Kept
from bench.results.table.check import measured_alike
from datasets.base import shortened
from datasets.errors import BenchError

Rows = dict[str, list[Kept]]


@dataclass(frozen=True)
class Sides:
    """What is compared.

    Attributes
    ----------
    first, second: what each side is called.
    before, after: each side's finished records by what a row is called; of a row one per seed.
    """

    first: str
    second: str
    before: Rows
    after: Rows

    @property
    def settings(self) -> list[str]:
        """Of each row that is one method on both sides, what was set otherwise: `row: place old -> new`."""
        found = []
        for name in self.before:
            (one, _), *_ = self.before[name]
            (other, _), *_ = self.after.get(name, self.before[name])
            if one.method == other.method:
                changed = differences(_settings(one), _settings(other))
                found += [f"{name}: {place} {old} -> {new}" for place, old, new in changed]
        return found


def is_run(name: str, store: Path) -> bool:
    """Whether something is a run's manifest, a store, or the identity of a run in `store`."""
    path = Path(name)
    return (
        (path.suffix == ".json" and os.path.isfile(path))
        or os.path.isdir(path / "invocations")
        or path_of(store, name).is_file()
    )


def of_runs(first: str, second: str, store: Path) -> Sides:
    """Two runs, row by row of method and task, whatever was set."""
    sides = []
    for run in (first, second):
        rows: Rows = {}
        for record, place in _records(run, store):
            rows.setdefault(f"{record.method}/{record.task}", []).append((record, place))
        sides.append(rows)
    return Sides("first", "second", *sides)


def of_methods(first: str, second: str, runs: Sequence[str], store: Path) -> Sides:
    """Two methods, task by task, over all their seeds.

    Parameters
    ----------
    first, second: names as tables have them; `vqvae[schedule.max_steps=1]` is another than `vqvae`.
    runs: none for the newest record of each cell in the store, one for both methods, or one for each.

    Raises BenchError where one has no records, where they are the same, or where they were not measured alike.
    """
    if len(runs) > 2:
        raise BenchError(f"--run was given {len(runs)} times: expected once, or once for each method")
    place = Store(store)
    sources = [_records(run, store) for run in runs] or [[(r, place) for r in place.records() if r.status == "ok"]]
    found = [_of(name, kept, store) for name, kept in zip((first, second), (sources[0], sources[-1]), strict=True)]
    if not runs:
        profile = max((record for side in found for record, _ in side), key=lambda record: record.ended).profile
        found = [[(record, own) for record, own in side if record.profile == profile] for side in found]
    sides = [_by_section(side) for side in found]
    flat = [[record for kept in side.values() for record, _ in kept] for side in sides]
    if flat[0] == flat[1]:
        raise BenchError(f"{first} and {second} are the same records: name two methods, or a --run for each")
    for name in sides[0].keys() & sides[1].keys():
        measured_alike([record for side in sides for record, _ in side[name]])
    return Sides(_called(first, runs[:1]), _called(second, runs[-1:]), *sides)


def _called(name: str, run: Sequence[str]) -> str:
    return " of run ".join([name, *run])


def _of(name: str, kept: Sequence[Kept], store: Path) -> list[Kept]:
    """The records of a row; those of a method where no row is called so and it was set otherwise in one way."""
    rows = dict.fromkeys(record.row for record, _ in kept)
    meant = [row for row in rows if row == name] or [row for row in rows if row.partition("[")[0] == name]
    if len(meant) != 1:
        there = f"there are {shortened(sorted(meant or rows))}" if rows else "there are none at all"
        wrong = "name one of them" if meant else f"no such invocation of {store} and no method with finished records"
        raise BenchError(f"{name!r}: {wrong}; {there}")
    return [(record, place) for record, place in kept if record.row == meant[0]]


def _by_section(kept: Sequence[Kept]) -> Rows:
    """Of each task and seed the newest record, and of a task those that were set as its newest: of before settings were
    kept, several go by one name."""
    newest: dict[str, Kept] = {}
    for record, place in sorted(kept, key=lambda one: one[0].ended):
        newest[record.place] = (record, place)
    rows: Rows = {}
    for record, place in newest.values():
        rows.setdefault(record.section, []).append((record, place))
    return {name: [one for one in own if _settings(one[0]) == _settings(own[-1][0])] for name, own in rows.items()}


def _settings(record: Record) -> dict[str, object]:
    return {**record.method_config, record.task: record.task_config}


def _records(run: str, store: Path) -> list[Kept]:
    """The finished records of a run: of an identity, a manifest's file, or a store's latest run."""
    path = Path(run)
    if path.suffix == ".json" and os.path.isfile(path):
        place, invocation = Store(path.parents[1]), Invocation.read(path)
    elif os.path.isdir(path / "invocations"):
        place = Store(path)
        known = [found for found in invocations(place.root) if found.cells]
        if not known:
            raise BenchError(f"no run in the store {run}")
        invocation = known[-1]
    else:
        place = Store(store)
        invocation = Invocation.read(path_of(place.root, run))
    return [(record, place) for record in invocation.records(place.root) if record.status == "ok"]
