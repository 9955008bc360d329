"""The settings of a method or a task, as `bench list settings` shows them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench.grid.registry import Entry


@dataclass(frozen=True)
class Setting:
    """What `--set NAME.KEY=VALUE` can set.

    Attributes
    ----------
    name: the key, with a dot before that of a part (`schedule.max_steps`).
    type: what values are, in Python's words.
    default: the value where neither a profile nor a protocol nor a user says otherwise.
    range: the bounds of a number, empty where there are none.
    meaning: what it does.
    """

    name: str
    type: str
    default: Any
    range: str
    meaning: str


def settings_of(entry: Entry) -> list[Setting]:
    """The settings of a method or a task in the order of its configuration, with what its name presets."""
    return list(_fields(entry.load().Config, entry.preset))


def _fields(config: type[BaseModel], preset: Mapping[str, Any], prefix: str = "") -> Iterator[Setting]:
    for name, info in config.model_fields.items():
        default = preset.get(name, info.get_default(call_default_factory=True))
        if isinstance(default, BaseModel):
            yield from _fields(type(default), default.model_dump(), f"{prefix}{name}.")
        else:
            meaning = " ".join((info.description or "").split())
            yield Setting(f"{prefix}{name}", _type(info.annotation), default, _range(info), meaning)


def _type(annotation: Any) -> str:
    """A type as one would write it, with the values of a literal in place of its name."""
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, get_args(annotation)))
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(map(_type, get_args(annotation)))
    if annotation is type(None):
        return "None"
    if get_args(annotation):
        inside = ", ".join("..." if part is Ellipsis else _type(part) for part in get_args(annotation))
        return f"{getattr(get_origin(annotation), '__name__', annotation)}[{inside}]"
    return str(getattr(annotation, "__name__", annotation))


def _range(info: FieldInfo) -> str:
    """`>= 0, < 1` of a field's bounds."""
    signs = {annotated_types.Ge: ">=", annotated_types.Gt: ">", annotated_types.Le: "<=", annotated_types.Lt: "<"}
    return ", ".join(
        f"{signs[type(part)]} {next(iter(asdict(part).values()))}" for part in info.metadata if type(part) in signs
    )
