"""What a user's code wants kept, as JSON has it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from datasets.errors import BenchError

# Levels of lists and dictionaries: nothing that is meant to be read has more, and what holds itself has no end.
DEEPEST = 100


def plain(value: object, place: str, depth: int = 0) -> Any:
    """`value` as JSON: numbers of numpy become numbers, tuples lists, and text is what can be encoded.

    Raises
    ------
    BenchError
        For anything else, NaN and infinity too; the text names its place, which begins with `place`.
    """
    if depth > DEEPEST:
        raise BenchError(f"{place[:80]}... has more than {DEEPEST} levels: expected lists and dictionaries of few")
    if value is None or isinstance(value, bool | np.bool_):
        return value if value is None else bool(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int | float | np.integer | np.floating):
        return number(value, place)
    if isinstance(value, Mapping):
        if wrong := [name for name in value if not isinstance(name, str)]:
            raise BenchError(f"{place} has the key {wrong[0]!r}: expected text, as JSON has it")
        return {plain(name, place): plain(part, f"{place}.{name}", depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, f"{place}[{index}]", depth + 1) for index, part in enumerate(value)]
    advice = "; its .tolist() is" if hasattr(value, "tolist") else ""
    raise BenchError(
        f"{place} is a {type(value).__name__}, which is no JSON (numbers, text, lists, dictionaries){advice}"
    )


def number(value: object, place: str) -> int | float:
    """`value` as a number of Python's: one of numpy's too, or an array or a tensor of no dimension.

    Raises
    ------
    BenchError
        For anything else, and for what is not finite; the text names `place`.
    """
    found = value
    if hasattr(value, "item") and getattr(value, "shape", None) == () and not isinstance(value, np.longdouble):
        found = value.item()
    if isinstance(found, bool) or not isinstance(found, int | float | np.longdouble):
        raise BenchError(f"{place} is {_short(found)}, a {type(value).__name__}: expected a number")
    try:
        finite = math.isfinite(found)
    except OverflowError:  # a whole number of more than 308 digits
        finite = False
    if not finite:
        raise BenchError(f"{place} is {_short(found)}: expected a finite number")
    return int(found) if isinstance(found, int) else float(found)


def _short(value: object, limit: int = 60) -> str:
    """How a value looks, cut to `limit` characters; what does not even show itself, by its type."""
    try:
        text = repr(value)
    except Exception:  # a user's own __repr__, or a whole number too long to be written
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
