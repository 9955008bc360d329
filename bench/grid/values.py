"""Values and nested settings as they are typed on a command line. Imports nothing of the project but its errors."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def parse_value(text: str) -> Any:
    """`3` -> 3, `true` -> True, `geometry,albedo` -> ["geometry", "albedo"], anything else -> itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return [part.strip() for part in text.split(",")] if "," in text else text


def nested(path: Iterable[str], value: Any) -> dict[str, Any]:
    """`["schedule", "max_steps"], 3` -> {"schedule": {"max_steps": 3}}."""
    first, *rest = path
    return {first: nested(rest, value) if rest else value}


def merge(base: Mapping[str, Any], *more: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dictionaries merged, later ones on top."""
    out = dict(base)
    for layer in more:
        for name, value in layer.items():
            old = out.get(name)
            out[name] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return out
