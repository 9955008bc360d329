"""Values and nested settings as they are typed on a command line. Imports nothing of the project but its errors."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from datasets.errors import BenchError

# Levels of a setting, and of a value; the deepest there is has three.
DEEPEST = 10


def parse_value(text: str) -> Any:
    """`3` -> 3, `true` -> True, `geometry,albedo` -> ["geometry", "albedo"], anything else -> itself.

    Raises BenchError for a number that is none or that no computer holds, and for brackets without end.
    """
    try:
        value = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError:
        return [part.strip() for part in text.split(",")] if "," in text else text
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else "no number that can be used"
        raise BenchError(f"value {shown(text)}: {reason}; expected JSON, a list A,B or text") from None
    _check(value, text)
    return value


def text_of(value: Any) -> str:
    """A value as it is typed: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _no_number(name: str) -> None:
    """JSON as Python reads it knows NaN and Infinity; no setting does."""
    raise ValueError(name)


def _check(value: Any, text: str, depth: int = 0) -> None:
    """Refuse 1e400, which becomes infinity without a word, and what is nested deeper than any setting."""
    if depth > DEEPEST:
        raise BenchError(f"value {shown(text)}: too deeply nested; expected JSON, a list A,B or text")
    if isinstance(value, float) and not math.isfinite(value):
        raise BenchError(f"value {shown(text)}: larger than any number that a computer holds")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check(part, text, depth + 1)


def shown(text: str) -> str:
    """What was typed, quoted, and cut where it is long."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def split_path(text: str) -> list[str]:
    """`schedule.max_steps` -> its parts. Raises BenchError for more of them than any setting has."""
    parts = text.strip().split(".")
    if len(parts) > DEEPEST:
        raise BenchError(f"setting {shown(text)}: too deeply nested; expected NAME or PART.NAME")
    return parts


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
