"""The one exception that a person is meant to read.

Whatever is wrong with the input (a name, a file, a setting) is raised as a `BenchError` whose text is one line:
what was wrong, what was expected, what to do. The command line prints that line and exits with a non-zero code;
anything else that escapes is a defect of the project and keeps its traceback.
"""

import difflib
from collections.abc import Iterable

from datasets.names import message, printable


def suggestion(name: str, known: Iterable[str], otherwise: str, cutoff: float = 0.4) -> str:
    """How an error about an unknown name ends: with the nearest known one, or `otherwise` where none is near.

    >>> suggestion("prd", ["pdr", "ris"], "expected pdr or ris")
    'did you mean pdr?'
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"did you mean {near[0]}?" if near else otherwise


def described(error: BaseException, limit: int = 500) -> str:
    """An error of somebody else's in one line: its type, and the first line of its text.

    >>> described(KeyError("no\\nsuch key")), described(MemoryError())
    ("KeyError: 'no\\\\nsuch key'", 'MemoryError')
    """
    line = first_line(error)
    return printable(_cut(f"{type(error).__name__}: {line}" if line else type(error).__name__, limit))


def first_line(error: BaseException, limit: int = 10_000) -> str:
    """The first line of an error's text, cut to `limit` characters; empty where there is none."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # its own __str__ fails: the type is all there is to say
        lines = []
    return _cut(lines[0], limit) if lines else ""


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


class BenchError(Exception):
    """Bad input or a missing resource; `str(error)` is one line for a person, whatever stands in it."""

    def __str__(self) -> str:
        return message(super().__str__())


class ResourceMissing(BenchError):
    """Something that the user has to provide is not where it was looked for; its cells are missing, not failed."""


class DatasetMissing(ResourceMissing):
    """A dataset's files are not there."""


class WeightsMissing(ResourceMissing):
    """A file of published weights is not there."""


class NotApplicable(BenchError):
    """A method has nothing for what a task asks; the cell is empty for good, and not failed."""


class Divergence(BenchError):
    """A loss stopped being a finite number; the text names the step and the batch."""
