"""`bench why`: whether a cell is cached, and what in its key changed since its latest record."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from bench.commands.shared import request_from
from bench.grid.seeds import Seeds, parse_seed
from bench.pipeline.data import Data
from bench.pipeline.keys import differences
from bench.pipeline.plan import cells, outlook
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.errors import BenchError

# How `str(Seeds)` reads.
SEEDS = re.compile(r"\d+(,(split|evaluate)=\d+)*")


def why_command(name: str, *, store: Path, **options: Any) -> None:
    """Print each stage's state, then what differs from the newest record of the same method, task and seed."""
    method, task, seeds = parse_cell(name)
    request = replace(request_from(methods=method, tasks=task, baselines=False, **options), seeds=(seeds,))
    place = Store(store)
    cell = cells(request, place)[0]
    seen = outlook(cell, Data(request, place))
    if seen.missing is not None:
        raise BenchError(f"{cell.name}: {seen.missing}")
    typer.echo(f"{cell.name}: " + ", ".join(f"{stage} {state}" for stage, state in seen.stages.items()))
    if all(state == "cached" for state in seen.stages.values()):
        return
    latest = latest_record(place, cell.method.name, cell.task.name, cell.seeds)
    if latest is None:
        typer.echo(f"no finished record of this cell in {store}: it was never run here")
        return
    typer.echo(f"changed since {latest.ended:%Y-%m-%d %H:%M} UTC:")
    found = False
    for stage, ingredients in seen.ingredients.items():
        for place_, old, new in differences(latest.ingredients.get(stage, {}), ingredients):
            found = True
            typer.echo(f"  {stage} {place_}: {shown(old)} -> {shown(new)}")
    if not found:
        typer.echo("  nothing in the key: the artifact was deleted, or its data are not prepared yet")


def parse_cell(name: str) -> tuple[str, str, Seeds]:
    """`pdr/bbt/1` -> method, task, seeds; the seed may be left out, and a task may hold slashes (`tracks:my/dir`)."""
    method, _, rest = name.partition("/")
    task, _, seed = rest.rpartition("/")
    if not (task and SEEDS.fullmatch(seed)):
        task, seed = rest, "0"
    if not method or not task:
        raise BenchError(f"cell {name!r}: expected METHOD/TASK or METHOD/TASK/SEED, such as pdr/bbt")
    return method, task, parse_seed(seed)


def latest_record(store: Store, method: str, task: str, seeds: Seeds) -> Record | None:
    """The newest finished record of a cell, whatever its profile and settings were."""
    same = [r for r in store.records() if (r.method, r.task, r.all_seeds, r.status) == (method, task, seeds, "ok")]
    return max(same, key=lambda record: record.ended, default=None)


def shown(value: Any) -> str:
    """A value for a person: digests shortened."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
