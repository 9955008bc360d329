"""Values and nested settings as they are typed on a command line. Imports nothing of the project but its errors."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from datasets.errors import BenchError


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
        raise BenchError(f"value {_short(text)}: {reason}; expected JSON, a list A,B or text") from None
    _check_finite(value, text)
    return value


def _no_number(name: str) -> None:
    """JSON as Python reads it knows NaN and Infinity; no setting does."""
    raise ValueError(name)


def _check_finite(value: Any, text: str) -> None:
    """Refuse 1e400, which becomes infinity without a word."""
    if isinstance(value, float) and not math.isfinite(value):
        raise BenchError(f"value {_short(text)}: larger than any number that a computer holds")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_finite(part, text)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


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
