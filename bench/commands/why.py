"""`bench why`: whether a cell is cached, and what in its key changed since its latest record."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.grid.catalogue import TASKS
from bench.grid.request import Options
from bench.grid.seeds import Seeds, parse_seed
from bench.pipeline.cell import cells
from bench.pipeline.context import Context
from bench.pipeline.keys import differences
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.pipeline.walk import look
from bench.streams import say
from datasets.errors import BenchError

# How `str(Seeds)` reads.
SEEDS = re.compile(r"\d+(,(split|evaluate)=\d+)*")


def why_command(cell_name: str, *, store: Path, **options: Any) -> None:
    """Print each stage's state, then what differs from the newest record of the same method, task and seed."""
    method, task, seeds = parse_cell(cell_name)
    request = replace(Options(methods=method, tasks=task, baselines=False, **options).request(), seeds=(seeds,))
    opened = Store(store)
    cell = cells(request, opened)[0]
    if cell.not_applicable is not None:
        say(f"{cell.name}: not applicable, {cell.not_applicable}")
        return
    status = look(cell, Context.of(request, opened))
    if status.missing is not None:
        raise BenchError(f"{cell.name}: {status.missing}")
    say(f"{cell.name}: " + ", ".join(f"{step} {state}" for step, state in status.states.items()))
    if all(state == "cached" for state in status.states.values()):
        return
    latest = latest_record(opened, cell.method.name, cell.task.label, cell.seeds)
    if latest is None:
        say(f"no finished record of this cell in {store}: it was never run here")
        return
    say(f"changed since {latest.ended:%Y-%m-%d %H:%M} UTC:")
    found = False
    for stage, ingredients in status.ingredients.items():
        for name, old, new in differences(latest.ingredients.get(stage, {}), ingredients):
            found = True
            say(f"  {stage} {name}: {shown(old)} -> {shown(new)}")
    if not found:
        say("  nothing in the key: the artifact was deleted, or its data are not prepared yet")


def parse_cell(name: str) -> tuple[str, str, Seeds]:
    """`pdr/bbt/1` -> method, task, seeds; the seed may be left out, and a task may hold slashes (`tracks:my/dir`)."""
    method, _, rest = name.partition("/")
    task, _, seed = rest.rpartition("/")
    if not (task and SEEDS.fullmatch(seed)) or TASKS.of_folder(rest) is not None:
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
