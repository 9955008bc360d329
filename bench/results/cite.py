"""Which publications stand behind records, or behind what a name means, and their BibTeX.

Methods, tasks, their metrics and datasets name their own publications; here they are put together. A citation is a key
of `results/paper/references.bib`, or a whole BibTeX entry, which begins with `@`.
"""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bench.execution.invocations import Invocation, path_of
from bench.grid.catalogue import DATASETS, METHODS, TASKS
from bench.grid.registry import Registry
from bench.grid.request import validate
from bench.grid.values import merge
from bench.pipeline.records import Record
from bench.results.published import PAPER_FOLDER
from bench.results.table.paper import TABLES
from datasets.errors import BenchError, suggestion

REFERENCES = PAPER_FOLDER / "references.bib"


def citations_of(records: Iterable[Record]) -> list[str]:
    """The publications behind records: of their methods, datasets, tasks and the metrics that they have, each once."""
    behind: dict[str, list[str]] = {"method": [], "dataset": [], "task": [], "metric": []}
    for record in records:
        behind["method"] += record.citations.method
        behind["dataset"] += record.citations.dataset
        behind["task"] += record.citations.task
        for metric in record.declared:
            if metric.name in record.metrics or metric.name in record.secondary:
                behind["metric"] += metric.cites
    return list(dict.fromkeys(citation for found in behind.values() for citation in found))


def citations_for(name: str, store_root: Path) -> list[str]:
    """The publications behind a name.

    Parameters
    ----------
    name: a table's name, `all` for all tables, a run's identity in the store, or names of methods, tasks and datasets,
        apart by commas (a method and a task also as FILE.py:CLASS).

    Raises BenchError where there is no such name, with the nearest.
    """
    if name == "all" or name in TABLES:
        return [key for chosen in (TABLES if name == "all" else [name]) for key in _of_table(chosen)]
    if re.fullmatch(r"[\w-]+", name) and (path := path_of(store_root, name)).is_file():
        return citations_of(Invocation.read(path).records(store_root))
    # Not at commas within brackets: pdr[features=light,view] is one name.
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", name)]
    return [key for part in parts for key in _of_name(part)]


def bibtex(citations: Iterable[str]) -> str:
    """BibTeX of citations, each once, in their order; entries apart by empty lines.

    Raises BenchError where one is neither a known key nor an entry.
    """
    known, found = entries(), dict[str, str]()
    for citation in citations:
        if citation.lstrip().startswith("@"):
            found.setdefault(_key(citation), citation.strip())
        elif citation in known:
            found.setdefault(citation, known[citation])
        else:
            hint = suggestion(citation, known, "or give a whole entry, which begins with @")
            raise BenchError(f"unknown citation {citation!r}: expected a key of {REFERENCES.name}; {hint}")
    return "\n\n".join(found.values())


@cache
def entries(path: Path = REFERENCES) -> dict[str, str]:
    """Key -> entry of a BibTeX file, in its order; entries begin with `@` at the start of a line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchError(f"no references {path} ({error.strerror}): run from a checkout") from error
    parts = [part.strip() for part in re.split(r"^(?=@)", text, flags=re.MULTILINE)]
    return {_key(part): part for part in parts if part.startswith("@")}


def _key(entry: str) -> str:
    """The key of a BibTeX entry; one without is its own."""
    match = re.match(r"\s*@\w+\s*\{\s*([^,\s]+)\s*,", entry)
    return match[1] if match else entry.strip()


def _of_table(name: str) -> list[str]:
    """Of exactly a table's methods, its tasks' datasets and its metrics."""
    definition = TABLES[name]
    tasks = [_task(task) for task in definition.tasks]
    return [
        *(key for method in definition.methods for key in _of_method(method)),
        *(key for task in tasks for key in _of_dataset(task.dataset)),
        *(key for task in tasks for key in _of_task(task, definition.metrics)),
    ]


def _of_name(name: str) -> list[str]:
    """Of a method, a task (with its dataset and its metrics) or a dataset."""
    if ".py:" in name:
        from tasks.base import Task

        loaded = METHODS.get(name).load()
        is_task = isinstance(loaded, type) and issubclass(loaded, Task)
    else:
        is_task = _is_known(TASKS, name)
    if is_task:
        task = _task(name)
        return [*_of_dataset(task.dataset), *_of_task(task, ("*",))]
    if ".py:" in name or _is_known(METHODS, name):
        return list(_of_method(name))
    if _is_known(DATASETS, name):
        return list(_of_dataset(name))
    known = [*TABLES, "all", *METHODS.entries(), *TASKS.entries(), *DATASETS.entries()]
    hint = suggestion(name, known, "expected a table, a run, a method, a task, a dataset or all", cutoff=0.5)
    raise BenchError(f"nothing named {name!r} to cite: {hint}")


def _is_known(registry: Registry, name: str) -> bool:
    return name.partition("[")[0].partition(":")[0] in registry.entries()


def _of_method(name: str) -> tuple[str, ...]:
    """By the method's class at the configuration that the name stands for."""
    from methods.base import Method

    entry = METHODS.get(name)
    cls = entry.load()
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise BenchError(f"{name} is neither a subclass of methods.base.Method nor one of tasks.base.Task")
    return cls.citations(validate(cls.Config, merge(entry.preset, entry.variant), name))


def _task(name: str) -> Any:
    """The task that a name stands for."""
    entry = TASKS.get(name)
    cls = entry.load()
    return cls(validate(cls.Config, merge(entry.preset, entry.variant), name))


def _of_dataset(name: str) -> tuple[str, ...]:
    """What is not registered is the user's own, and cites nothing."""
    entry = DATASETS.entries().get(name.partition(":")[0])
    return () if entry is None else entry.cites


def _of_task(task: Any, metrics: Sequence[str]) -> list[str]:
    """Of a task's protocol, and of its metrics whose names fit the patterns."""
    chosen = [
        metric
        for metric in (*task.metrics, *task.secondary)
        if any(fnmatch.fnmatchcase(metric.name, pattern) for pattern in metrics)
    ]
    return [*task.cites, *(key for metric in chosen for key in metric.cites)]
