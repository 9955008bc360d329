"""What a user asked for: names resolved to entries, settings parsed, data chosen."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from bench.grid.catalogue import METHODS, PROFILES, TASKS, Profile
from bench.grid.registry import FOLDER, Entry, varied
from bench.grid.rows import Settings, parse_sweeps, swept, with_rows
from bench.grid.seeds import Seeds, parse_seeds
from bench.grid.values import merge, parse_value, split_path
from datasets.errors import BenchError, suggestion
from datasets.names import at_home, printable

Protocol = Literal["default", "released"]

# Sums over threads depend on how many there are, so that trainings of this process, of one of several workers and of
# another machine would differ. One is also what a grid of many cells is quickest with: cells run side by side instead.
THREADS = 1
# Worker processes at most: each loads torch.
MOST_JOBS = 256
MOST_THREADS = 1024


@dataclass(frozen=True)
class Request:
    """One grid, before anything is loaded.

    Attributes
    ----------
    data_root: folder with one folder per real dataset, or None for the synthetic stand-ins.
    settings: `--set` values, by the prefix they were given for.
    jobs: worker processes; 0 for as many as pay.
    threads: of each cell; another number than one gives other numbers, which `bench calibrate` measures.
    memory: of all processes of the run together, GiB; None for as much as there is.
    options: what was asked for, as it was typed.
    baselines: whether the reference rows were asked for, which then run as many seeds as they need for an interval.
    """

    methods: tuple[Entry, ...]
    tasks: tuple[Entry, ...]
    seeds: tuple[Seeds, ...]
    profile: Profile
    protocol: Protocol
    data_root: Path | None
    settings: Settings
    device: str
    force: bool
    jobs: int
    profile_time: bool
    baselines: bool
    threads: int
    memory: float | None
    options: "Options"


@dataclass(frozen=True)
class Options:
    """What a user may ask for, as it is typed, and what each option means where it is left out.

    Attributes
    ----------
    sweep: `METHOD.KEY=VALUE,VALUE`: one row per value, or per combination of several sweeps' values.
    limit: items of each test set at most; such tasks have names of their own, `bbt[limit=20]`.
    """

    methods: str = "all"
    tasks: str = "all"
    profile: str | None = None
    data_root: Path | None = None
    data: str | None = None
    seeds: str = "0"
    settings: Iterable[str] = ()
    sweep: Iterable[str] = ()
    limit: int | None = None
    protocol: str = "default"
    device: str = "auto"
    jobs: int = 0
    baselines: bool = True
    force: bool = False
    profile_time: bool = False
    threads: int = THREADS
    memory: float | None = None

    def request(self) -> Request:
        """Check everything that can be checked without loading anything; each mistake is one `BenchError`."""
        if self.data not in (None, "synthetic"):
            raise BenchError(f"--data {self.data!r}: expected synthetic; real datasets are named by --data-root DIR")
        root = None if self.data == "synthetic" or self.data_root is None else at_home(self.data_root)
        chosen = {entry.name: entry for entry in METHODS.select(self.methods)}
        tasks = tuple(TASKS.select(self.tasks))
        if self.baselines:
            for entry in METHODS.baselines():
                if not entry.tasks or any(task.name in entry.tasks for task in tasks):
                    chosen.setdefault(entry.name, entry)
        if not 0 <= self.jobs <= MOST_JOBS:
            raise BenchError(f"--jobs {self.jobs}: expected 0, for as many as pay, to {MOST_JOBS}")
        if not 1 <= self.threads <= MOST_THREADS:
            raise BenchError(f"--threads {self.threads}: expected 1 to {MOST_THREADS}")
        if self.memory is not None and not 0 < self.memory < float("inf"):
            raise BenchError(f"--memory {self.memory}: expected GiB for all processes of the run, such as 8")
        if self.device not in ("auto", "cpu", "cuda"):
            raise BenchError(f"unknown device {self.device!r}: expected auto, cpu or cuda")
        if self.protocol not in ("default", "released"):
            raise BenchError(f"unknown protocol {self.protocol!r}: expected default or released")
        if root is not None and not os.path.isdir(root):
            raise BenchError(
                f"data root {root} is not a folder: expected one with a folder per dataset (utkface/, tv/, ...); "
                "without datasets use --data synthetic"
            )
        for entry in tasks:
            if (folder := entry.preset.get(FOLDER)) is not None and not os.path.isdir(at_home(Path(folder))):
                raise BenchError(f"{entry.name}: {printable(folder)} is not a folder: expected one of images or tracks")
        named = [*chosen.values(), *tasks]
        sweeps = parse_sweeps(self.sweep, [name for one in named for name in (one.name, one.family) if name])
        tasks, settings = with_rows(tasks, parse_settings(self.settings, named))
        methods, tasks = (swept(entries, sweeps, settings) for entries in (chosen.values(), tasks))
        if self.limit is not None:
            if self.limit < 1:
                raise BenchError(f"--limit {self.limit}: expected a number of items, at least 1")
            tasks = tuple(varied(entry, "limit", str(self.limit)) for entry in tasks)
        return Request(
            methods=methods,
            tasks=tasks,
            seeds=parse_seeds(self.seeds),
            profile=find_profile(self.profile or default_profile(root)),
            protocol="released" if self.protocol == "released" else "default",
            data_root=root,
            settings=settings,
            device=self.device,
            force=self.force,
            jobs=self.jobs,
            profile_time=self.profile_time,
            baselines=self.baselines,
            threads=self.threads,
            memory=self.memory,
            options=self,
        )


def default_profile(data_root: Path | None) -> str:
    """`paper` where there are real data and a GPU to run it on, else `mini`."""
    if data_root is None:
        return "mini"
    import torch

    return "paper" if torch.cuda.is_available() else "mini"


def find_profile(name: str) -> Profile:
    """A profile by name; an unknown one suggests the nearest."""
    if name in PROFILES:
        return PROFILES[name]
    expected = f"expected one of {', '.join(PROFILES)}"
    raise BenchError(f"unknown profile {name!r}: {suggestion(name, PROFILES, expected)}")


def parse_settings(texts: Iterable[str], entries: Iterable[Entry]) -> Settings:
    """`pdr.schedule.max_steps=100` -> {"pdr": {"schedule": {"max_steps": 100}}}.

    The prefix is a chosen method's or task's name, or a method's family (`pdr.` means all three variants and
    `random_init`). Values are JSON where they parse as JSON, lists where they hold commas, else text.
    """
    known = {name for entry in entries for name in (entry.name, entry.family) if name}
    settings: Settings = {}
    for text in texts:
        path, equals, value = text.partition("=")
        prefix, dot, rest = path.strip().partition(".")
        if not equals or not dot or not rest:
            raise BenchError(f"--set {text!r}: expected METHOD.KEY=VALUE, such as pdr.nf=32")
        if prefix not in known:
            hint = suggestion(prefix, known, f"in this run: {', '.join(sorted(known))}")
            raise BenchError(f"--set {text!r}: {prefix!r} is no method or task of this run: {hint}")
        place = settings.setdefault(prefix, {})
        *parents, last = split_path(rest)
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise BenchError(f"--set {text!r}: {parent!r} was set to a value before")
        place[last] = parse_value(value)
    return settings


def settings_for(entry: Entry, settings: Settings) -> dict[str, Any]:
    """The settings that apply to an entry: its family's, then its own on top."""
    return merge(settings.get(entry.family, {}), settings.get(entry.name, {}))


def validate(config: type[BaseModel], values: Mapping[str, Any], name: str) -> Any:
    """`config(**values)`; a wrong key or value is a `BenchError` that names it and what was expected."""
    try:
        return config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            fields = _fields_at(config, first["loc"][:-1])
            hint = suggestion(str(first["loc"][-1]), fields, f"known: {', '.join(sorted(fields))}")
            raise BenchError(f"{name} has no setting {place!r}: {hint}") from None
        given = f"{place} = {first.get('input')!r}: " if place else ""
        raise BenchError(f"{name}: {given}{first['msg']}") from None


def _fields_at(config: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Names of the fields of a nested configuration."""
    current: Any = config
    for part in place:
        current = current.model_fields[part].annotation
    return list(current.model_fields)
