"""A registry entry plus a request's settings, resolved to a class and a checked configuration."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import torch
from pydantic import BaseModel, ValidationError

from bench.grid import layers
from bench.grid.catalogue import DATASETS
from bench.grid.portable import last_parts, portable
from bench.grid.registry import Entry
from bench.grid.request import Request, settings_for, validate
from bench.grid.values import merge
from bench.pipeline.hooks import checked_method
from bench.pipeline.keys import canonical, differences, packages_of, source_version
from bench.pipeline.store import Store
from datasets.errors import BenchError
from datasets.names import at_home, printable
from datasets.sealed import Damaged, check_files, file_digest, find_sealed
from datasets.streams import seed_for
from methods.base import Domain, Method, MethodConfig
from tasks.base import Metric, Task, TaskConfig


@dataclass(frozen=True)
class MethodSpec:
    """A method as it will run: class, configuration, kind of object, and the file of imported weights if any.

    Attributes
    ----------
    settings: what `--set` made other than the name means in the profile (`set_otherwise`).
    """

    name: str
    cls: type[Method]
    config: MethodConfig
    domain: Domain
    weights: Path | None = None
    family: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def build(self, seed: int) -> Method:
        """The method with its weights initialised from the stream `init` of `seed`.

        Raises BenchError where its weights are not what its class declares.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, "init"))
            return checked_method(self.cls(self.config, domain=self.domain))

    @property
    def source(self) -> str:
        """Version of the method's code."""
        return source_version(self.cls.__module__)

    def identity(self, *, encoding: bool) -> dict[str, Any]:
        """What the method is, for a key: everything that training depends on, or that encoding does."""
        values = self.config.model_dump(mode="json")
        for name in self.cls.Config.file_fields():
            values[name] = None if values[name] is None else file_digest(Path(values[name]))
        for name in self.cls.Config.folder_fields():
            values[name] = None if values[name] is None else folder_digest(Path(values[name]))
        # How frames of tracks are scaled concerns tracks alone: it is an ingredient of their features.
        dropped = {"schedule", "track_scale"} if encoding or self.weights else self.cls.Config.encode_fields()
        identity = {
            "class": self.cls.__qualname__,
            "config": {name: value for name, value in values.items() if name not in {*dropped, "weights"}},
            "domain": self.domain,
            "source": self.source,
            "packages": packages_of(self.cls.__module__),
        }
        # Which file the weights came from is not what the features depend on: the weights are, by their own digest.
        return identity if encoding or self.weights is None else {**identity, "weights": file_digest(self.weights)}

    @property
    def trains(self) -> bool:
        """Whether there is anything to train: not with imported weights."""
        return self.cls.trains and self.weights is None and self.cls.trains_with(self.config)

    @property
    def trained(self) -> "MethodSpec":
        """The specification whose checkpoint this method takes: its own, or that of the method that it `shares`."""
        other = self.cls.shares
        if other is None:
            return self
        values = {name: getattr(self.config, name) for name in other.Config.model_fields}
        return replace(self, name=self.family or self.name, cls=other, config=other.Config(**values))

    @property
    def size(self) -> int:
        """Side in pixels of the images that the method takes."""
        return self.cls.size_for(self.config)


@dataclass(frozen=True)
class TaskSpec:
    """A task as it will run.

    Attributes
    ----------
    name: what was asked for, by which streams of random numbers are drawn.
    label: what records, tables and lines of progress call it: the name, but for the folders that a user's own folder
        lies in (`labelled`).
    settings: what `--set` made other than the name means in the profile (`set_otherwise`).
    """

    name: str
    task: Task
    label: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def folder(self) -> str | None:
        """The user's own folder that it is on, if it is."""
        return getattr(self.task.config, "folder", None)

    @property
    def key_name(self) -> str:
        """What keys call it: equal where label and name are, and without a path."""
        if self.label == self.name:
            return self.name
        return f"{self.label} {hashlib.sha256(self.name.encode()).hexdigest()[:12]}"

    @property
    def source(self) -> str:
        """Version of the task's code."""
        return source_version(type(self.task).__module__)

    @property
    def config(self) -> dict[str, Any]:
        """The task's configuration as JSON, for the record; without folders."""
        config: TaskConfig = self.task.config
        folder = {} if self.folder is None else {"folder": printable(portable(self.folder))}
        return {**config.model_dump(mode="json", exclude={"folder"}), **folder}

    @property
    def identity(self) -> dict[str, Any]:
        """What the task is, for a key. Where the user's data lie is no part of it: their digest is."""
        config = {name: value for name, value in self.config.items() if name != "folder"}
        return {
            "class": type(self.task).__qualname__,
            "config": config,
            "source": self.source,
            "packages": packages_of(type(self.task).__module__),
        }


def method_spec(entry: Entry, request: Request, domain: Domain, store: Store) -> MethodSpec:
    """Resolve a method: its class, its configuration as `configured` has it, and its file of weights if any.

    Raises BenchError where a file or a folder that the configuration names is not there.
    """
    cls = method_class(entry)
    check_trains_on(cls, entry.name)
    config = configured(entry, request, domain)
    usual = layers.of_method(entry, cls, request.protocol, request.profile.name, domain)
    otherwise = set_otherwise(config, usual, settings_for(entry, request.settings))
    config = cls.resolve(config)
    for name in sorted(cls.Config.file_fields()):
        path = getattr(config, name)
        if path is not None:
            found = at_home(Path(path))
            if not os.path.isfile(found):
                raise BenchError(f"{entry.name}.{name} = {path}: {_no_file(found)}")
            config = config.model_copy(update={name: str(found)})
    for name in sorted(cls.Config.folder_fields()):
        path = getattr(config, name)
        if path is not None:
            found = at_home(Path(path))
            if not os.path.isdir(found):
                raise BenchError(f"{entry.name}.{name} = {path}: no such folder")
            config = config.model_copy(update={name: str(found)})
    weights = weights_file(config.weights, entry.name, store)
    return MethodSpec(entry.name, cls, config, domain, weights, entry.family, otherwise)


def method_class(entry: Entry) -> type[Method]:
    """The class that an entry names; raises BenchError where that is no method."""
    cls = entry.load()
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise BenchError(f"{entry.name}: {entry.target} is not a subclass of methods.base.Method")
    return cls


def configured(entry: Entry, request: Request, domain: Domain) -> MethodConfig:
    """A method's checked configuration: defaults, then the name's preset, protocol, profile, the name's variant, and
    `--set` on top."""
    cls = method_class(entry)
    usual = layers.of_method(entry, cls, request.protocol, request.profile.name, domain)
    config: MethodConfig = validate(cls.Config, merge(usual, settings_for(entry, request.settings)), entry.name)
    return config


def check_trains_on(cls: type[Method], name: str) -> None:
    """Raise BenchError unless what a method is trained on are names of datasets by kind of object."""
    found: object = cls.trains_on
    if not isinstance(found, Mapping) or not all(isinstance(text, str) for text in (*found, *found.values())):
        raise BenchError(f"{name}: trains_on is {found!r}: expected names of datasets, such as {{'faces': 'utkface'}}")
    if unknown := sorted(set(found) - set(get_args(Domain))):
        raise BenchError(
            f"{name}: trains_on has {unknown[0]!r}: expected kinds of object, {' or '.join(get_args(Domain))}"
        )
    for dataset in found.values():
        try:
            DATASETS.get(dataset)
        except BenchError as error:
            raise BenchError(f"{name}: trains_on: {error}") from error


def weights_file(name: str | None, method: str, store: Store) -> Path | None:
    """The file of a configuration's `weights`: a path, or a name that `bench import-weights` was given.

    Raises BenchError where there is none, and where an imported one is not what was written.
    """
    if name is None:
        return None
    given = at_home(Path(name))
    for path in (given, store.weights(name)):
        if os.path.isfile(path):
            if path.suffix != ".safetensors":
                raise BenchError(f"{method}: {path} is no .safetensors file; convert it with bench import-weights")
            if path == store.weights(name):
                _check_imported(path, name)
            return path
    if os.path.lexists(given):
        raise BenchError(f"{method}: weights {name}: {_no_file(given)}")
    raise BenchError(f"{method}: no weights {name!r}: neither a file nor a name that bench import-weights was given")


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    held = [(path.relative_to(folder).as_posix(), file_digest(path)) for path in files]
    return hashlib.sha256(canonical(held).encode()).hexdigest()


def _check_imported(path: Path, name: str) -> None:
    """Compare imported weights with the digest beside them; imports of 0.1.0 have none."""
    try:
        known = find_sealed(path.with_suffix(".json"))
        check_files(path.parent, {} if known is None else known["files"])
    except Damaged as damage:
        raise BenchError(f"{damage}: import the weights {name!r} again with bench import-weights") from damage


def _no_file(path: Path) -> str:
    """Why a path is not that of a file."""
    return "a folder or a pipe, expected a file" if os.path.lexists(path) else "no such file"


def task_spec(entry: Entry, request: Request) -> TaskSpec:
    """Resolve a task: defaults, the name's preset, the protocol where it has one, and `--set` on top.

    Raises BenchError for a wrong setting, and where the class does not declare what a task has to.
    """
    cls = entry.load()
    if not (isinstance(cls, type) and issubclass(cls, Task)):
        raise BenchError(f"{entry.name}: {entry.target} is not a subclass of tasks.base.Task")
    usual = layers.of_task(entry, cls, request.protocol, request.profile.name)
    settings = settings_for(entry, request.settings)
    task = cls(validate(cls.Config, merge(usual, settings), entry.name))
    check_task(task, entry.name)
    return TaskSpec(entry.name, task, entry.name, set_otherwise(task.config, usual, settings))


def set_otherwise(config: BaseModel, usual: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted place -> value of what a configuration has otherwise than without `settings`, for a table to tell rows of
    one name apart; paths by their last part.

    `usual`: the values that it would be made of without them. Where that is no configuration (a setting has to be
    given), nothing is usual.
    """
    if not settings:
        return {}
    try:
        before = type(config).model_validate(usual).model_dump(mode="json")
    except ValidationError:
        before = {}
    found = {place: value for place, _, value in differences(before, config.model_dump(mode="json"))}
    return {place: Path(value).name if _is_path(value) else value for place, value in found.items()}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and os.path.isabs(at_home(Path(value)))


def check_task(task: Task, name: str) -> None:
    """Raise BenchError unless a task declares what plans and tables are made of."""
    metrics = [*getattr(task, "metrics", ()), *task.secondary]
    if not metrics or not all(isinstance(metric, Metric) for metric in metrics):
        raise BenchError(f"{name} declares no metrics: expected metrics = (Metric(...), ...), of tasks.base")
    for what in ("requires", "uses"):
        if not isinstance(getattr(task, what), frozenset | set):
            raise BenchError(f"{name}: {what} is {getattr(task, what)!r}: expected a frozenset of names")
    dataset = getattr(task, "dataset", None)
    if not isinstance(dataset, str):
        raise BenchError(f"{name} names no dataset: expected dataset = NAME, of `bench list datasets`")
    if not getattr(task.config, "folder", None):
        DATASETS.get(dataset)


def labelled(tasks: Sequence[TaskSpec]) -> list[TaskSpec]:
    """The tasks of one request, each with a label of its own."""
    called = last_parts(task.folder for task in tasks if task.folder is not None)
    return [
        task
        if task.folder is None
        else replace(task, label=task.name.replace(printable(task.folder), printable(called[task.folder]), 1))
        for task in tasks
    ]
