"""Registries of methods, tasks and datasets: names mapped to lazy `"module:object"` strings.

Looking a name up imports nothing; `Entry.load()` imports. Third-party packages register under the entry-point groups
`bench.methods`, `bench.tasks` and `bench.datasets`; a single file is named directly, as in `--methods mine.py:Mine`.
"""

import fnmatch
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import chdir
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.grid.values import merge, nested, parse_value, shown, split_path
from datasets.errors import BenchError, described, suggestion
from datasets.names import at_home, printable

# The argument of an entry that is a user's own folder.
FOLDER = "folder"
# Letters of the longest path that systems take, and the commas that are looked for in a folder's name.
LONGEST_PATH, MOST_COMMAS = 4096, 16


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes
    ----------
    name: what a user types; `timm:resnet18` for an entry that takes an argument.
    target: `module:object`, imported by `load`; empty for a dataset that only has a stand-in.
    summary: one line for `bench list`.
    family: prefix that `--set` accepts besides the name, shared by the variants of one method.
    preset: configuration values that this name stands for.
    stand_in: for a dataset, the `module:object` that opens its synthetic counterpart.
    argument: for an entry used as `name:ARGUMENT`, the configuration field (or opener's argument) it sets.
    usual: the arguments that `all`, or the entry's group, stands for.
    baseline: a row that is always shown, to keep a table honest (of the tasks that it is a row of).
    group: for a method that `all` leaves out, the name that stands for it and its kin; `every` takes them all.
    trainings: for a method whose seeds are nearly free, how many of them run at least, so that its row has an interval
        over them.
    variant: configuration values in brackets after the name, as `pdr[features=light]`; they go before the profile's.
    tasks: for a method, the only tasks that it is a row of; empty for all.
    choices: fields that are a set of these names; `pdr[features=*]` is one row for each subset but the empty one.
    published_as: for a method, what the published tables call it, where that is not its name; for a task, the file
        of published figures without its ending and what its test set is called there, as `few_shot_parts/Car-20`.
    cites: for a dataset, the publications behind it and behind what its stand-in stands for (a method and a task
        declare theirs in their classes).
    """

    name: str
    target: str
    summary: str
    family: str = ""
    preset: Mapping[str, Any] = field(default_factory=dict)
    stand_in: str = ""
    argument: str = ""
    usual: tuple[str, ...] = ()
    baseline: bool = False
    group: str = ""
    trainings: int = 1
    variant: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    published_as: str = ""
    cites: tuple[str, ...] = ()

    def load(self) -> Any:
        """Import and return the object; a failing import is a `BenchError` naming the entry."""
        return load_object(self.target, self.name)

    def load_stand_in(self) -> Any:
        """Import what opens the synthetic counterpart."""
        return load_object(self.stand_in, self.name)


def load_object(target: str, name: str) -> Any:
    """Import `module:object`; `module` may be the path of a .py file.

    Raises
    ------
    BenchError
        Where there is no such module or object, or where importing it raises anything, `sys.exit` too.
    """
    module_name, _, attribute = target.rpartition(":")
    try:
        with chdir("."):  # whatever folder a user's module goes to
            module = (
                _load_file(Path(module_name)) if module_name.endswith(".py") else importlib.import_module(module_name)
            )
    except (BenchError, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as error:
        raise BenchError(f"{name}: cannot import {module_name} ({error}): install what it needs") from error
    except BaseException as error:
        raise BenchError(
            f"{name}: importing {module_name} failed ({described(error)}){_line_in(error, module_name)}"
        ) from error
    try:
        found = module
        for part in attribute.split("."):
            found = getattr(found, part)
        return found
    except AttributeError as error:
        raise BenchError(f"{name}: {module_name} has no {attribute}; expected the class that implements it") from error


def _line_in(error: BaseException, module_name: str) -> str:
    """Where in a user's file an import failed, for the end of a message; nothing where that is not known."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}" if error.lineno else ""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == module_name]
    return f", line {lines[-1]}" if lines else ""


def _load_file(path: Path) -> Any:
    """Import one file as a module of its own."""
    if not os.path.isfile(path):
        raise BenchError(f"{path}: no such file; expected FILE.py:CLASS")
    module_name = f"bench_file_{path.stem}"
    if (loaded := sys.modules.get(module_name)) is not None:
        # The name stands in cache keys, so that a file may move; two different files cannot both have it.
        if Path(str(loaded.__file__)).read_bytes() != path.read_bytes():
            raise BenchError(f"{path} and {loaded.__file__} have the same name: rename one of them")
        return loaded
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None, f"{path}: not importable as Python"
    assert spec.loader is not None, f"{path}: not importable as Python"
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


class Registry:
    """Names of one kind (`method`, `task` or `dataset`), built-in and from entry points."""

    def __init__(self, kind: str, builtin: Iterable[Entry]) -> None:
        self.kind = kind
        self._builtin = {entry.name: entry for entry in builtin}
        self._found: dict[str, Entry] | None = None

    def entries(self) -> dict[str, Entry]:
        """All entries by name. An entry point never shadows a built-in name: that would change published rows."""
        if self._found is None:
            found = dict(self._builtin)
            for name, value, package in _entry_points(f"bench.{self.kind}s"):
                if name in self._builtin:
                    raise BenchError(f"package {package} registers {self.kind} {name}, which is built in: rename it")
                found[name] = Entry(name, value, f"from package {package}")
            self._found = found
        return self._found

    def get(self, name: str) -> Entry:
        """The entry of a name, `name:ARGUMENT`, `FILE.py:CLASS`, or any of these with settings in brackets
        (`pdr[features=light;nf=32]`); an unknown name suggests the nearest."""
        if (own := self.of_folder(name)) is not None:
            return own
        if name.endswith("]") and "[" in name:
            base, _, inside = name[:-1].partition("[")
            entry = self.get(base)
            return _with_settings(entry, f"{entry.name}[{inside}]", inside)
        entries = self.entries()
        head, _, argument = name.partition(":")
        if name in entries and not entries[name].argument:
            return entries[name]
        if ".py:" in name:
            path, _, attribute = name.rpartition(":")
            return Entry(printable(f"{Path(path).name}:{attribute}"), name, f"from {path}", family=attribute)
        if head in entries and entries[head].argument:
            if not argument:
                raise BenchError(f"{self.kind} {head} needs an argument: {head}:{entries[head].argument.upper()}")
            return self.taking(head, argument)
        known = f"known: {', '.join(sorted(entries))}, or FILE.py:CLASS"
        raise BenchError(f"unknown {self.kind} {name!r}: {suggestion(name, entries, known, cutoff=0.5)}")

    def taking(self, name: str, argument: str) -> Entry:
        """The entry of `name:ARGUMENT`, whatever signs are in the argument."""
        base = self.entries()[name]
        preset = {**base.preset, base.argument: argument}
        return Entry(
            printable(f"{name}:{argument}"), base.target, base.summary, base.family or name, preset, base.stand_in
        )

    def of_folder(self, name: str) -> Entry | None:
        """The entry of `tracks:DIR`, with settings in brackets behind it or without, where that folder is there: what
        lies on the disk is no syntax, whatever signs are in its name. None of any other name."""
        head, _, argument = name.partition(":")
        if not argument or head not in self.entries() or self.entries()[head].argument != FOLDER:
            return None
        if _is_folder(argument):
            return self.taking(head, argument)
        brackets = [place for place, sign in enumerate(argument) if sign == "["] if argument.endswith("]") else []
        for place in reversed(brackets):
            if _is_folder(argument[:place]):
                return _with_settings(self.taking(head, argument[:place]), name, argument[place + 1 : -1])
        return None

    def _subsets(self, name: str) -> list[Entry]:
        """The entries of `NAME[KEY=*]`, small subsets first."""
        base, _, inside = name[:-1].partition("[")
        *others, last = inside.split(";")
        key, choices = last.removesuffix("=*"), self.get(base).choices
        if key not in choices:
            known = f"known: {', '.join(choices)}" if choices else f"{base} has no set of names to go through"
            raise BenchError(f"{name}: cannot go through the subsets of {key!r}; {known}")
        sizes = range(1, len(choices[key]) + 1)
        subsets = [",".join(subset) for size in sizes for subset in combinations(choices[key], size)]
        return [self.get(f"{base}[{';'.join([*others, f'{key}={subset}'])}]") for subset in subsets]

    def select(self, text: str) -> list[Entry]:
        """Entries of a comma-separated list of names, wildcards, `all` (everything but baselines and groups), groups
        and `every` (everything but baselines), in order."""
        chosen: dict[str, Entry] = {}
        groups = self.groups()
        for part in self._parts(text):
            plain = [entry for entry in self.entries().values() if not entry.argument]
            if (own := self.of_folder(part)) is not None:
                matches = [own]
            elif part in groups:
                matches = [self.get(name) for entry in groups[part] for name in _usual(entry)]
            elif part.endswith("=*]"):
                matches = self._subsets(part)
            elif any(sign in part for sign in "*?"):
                matches = [entry for entry in plain if fnmatch.fnmatchcase(entry.name, part)]
                if not matches:
                    raise BenchError(f"no {self.kind} matches {part!r}; known: {', '.join(sorted(self.entries()))}")
            else:
                matches = [self.get(part)]
            chosen.update((entry.name, entry) for entry in matches)
        if not chosen:
            raise BenchError(f"no {self.kind} given: name some, or `all`")
        return list(chosen.values())

    def _parts(self, text: str) -> list[str]:
        """Split at commas outside brackets, but for those in the name of a folder that is there."""
        found, start = [], 0
        while start < len(text):
            end = _end(text, start)
            part = text[start:end].strip()
            for longer in self._ends_of_folders(text, start):
                # With the space at its end, which may be the folder's, before without.
                own = [one for one in (text[start:longer].lstrip(), text[start:longer].strip()) if self.of_folder(one)]
                if own:
                    part, end = own[0], longer
                    break
            found += [part] if part else []
            start = end + 1
        return found

    def _ends_of_folders(self, text: str, start: int) -> list[int]:
        """Where the name of a folder that starts here may end, the furthest first."""
        entry = self.entries().get(text[start : start + LONGEST_PATH].lstrip().partition(":")[0])
        if entry is None or entry.argument != FOLDER:
            return []
        ends = [start]
        while len(ends) <= MOST_COMMAS and ends[-1] < len(text):
            comma = text.find(",", ends[-1] + (len(ends) > 1))
            ends.append(comma if comma >= 0 else len(text))
        return ends[:0:-1]

    def groups(self) -> dict[str, list[Entry]]:
        """The entries that `all`, each group's name and `every` stand for; no baselines, which every table shows."""
        rows = [entry for entry in self.entries().values() if not entry.baseline]
        names = dict.fromkeys(entry.group for entry in rows if entry.group)
        named = {name: [entry for entry in rows if entry.group == name] for name in names}
        return {"all": [entry for entry in rows if not entry.group], **named, "every": rows}

    def baselines(self) -> list[Entry]:
        """The rows that every table shows."""
        return [entry for entry in self.entries().values() if entry.baseline]


def _usual(entry: Entry) -> list[str]:
    """The names that an entry of a group stands for: of one that takes an argument the usual ones."""
    return [f"{entry.name}:{argument}" for argument in entry.usual] if entry.argument else [entry.name]


def _end(text: str, start: int) -> int:
    """Where the part of a list that starts here ends: at the next comma outside brackets."""
    depth = 0
    for place in range(start, len(text)):
        sign = text[place]
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            return place
    return len(text)


def _is_folder(name: str) -> bool:
    return os.path.isdir(at_home(Path(name)))


def _with_settings(entry: Entry, name: str, inside: str) -> Entry:
    """The entry of `NAME[KEY=VALUE;KEY=VALUE]`, called `name`, from what is `inside` the brackets."""
    values: dict[str, Any] = {}
    for part in inside.split(";"):
        path, equals, value = part.partition("=")
        if not equals or not path.strip():
            raise BenchError(f"{name}: expected {entry.name}[KEY=VALUE], such as pdr[features=light]")
        values = merge(values, nested(split_path(path), parse_value(value.strip())))
    variant = merge(entry.variant, values)
    return replace(entry, name=printable(name), family=entry.family or entry.name, variant=variant, baseline=False)


def varied(entry: Entry, setting: str, value: str) -> Entry:
    """The entry with one more setting in the brackets after its name: `bbt`, `normalise`, `l2` -> `bbt[normalise=l2]`.

    Raises BenchError for a value that would end there before its end.
    """
    if ";" in value:
        raise BenchError(f"{entry.name}.{setting} = {shown(value)}: expected a value without ;, where one setting ends")
    inside = f"{setting}={value}"
    name = f"{entry.name[:-1]};{inside}]" if entry.variant else f"{entry.name}[{inside}]"
    return _with_settings(entry, name, inside)


def _entry_points(group: str) -> list[tuple[str, str, str]]:
    """(name, target, package) of every installed entry point of a group, by name."""
    from importlib.metadata import entry_points

    return sorted(
        (point.name, point.value, point.dist.name if point.dist else "?") for point in entry_points(group=group)
    )
