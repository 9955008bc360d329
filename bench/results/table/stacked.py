"""The layout of HTML pages: below each value its interval and how much trainings vary, so that many metrics fit."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.results.table.cells import has_paper, texts, trainings
from bench.results.table.model import Row, Score, Section


@dataclass(frozen=True)
class Cell:
    """A text, whether it is bold, and the small lines below it, of `words` that may wrap or of numbers."""

    text: str
    below: tuple[str, ...] = ()
    best: bool = False
    words: bool = False


@dataclass(frozen=True)
class StackedRow:
    """A row: its name with the numbers of its notes, and a cell for each header."""

    name: str
    notes: tuple[int, ...]
    reference: bool
    trainings: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Stacked:
    """A section as a page shows it.

    Attributes
    ----------
    task, label, captions: the section's.
    headers: of the columns, without the method's.
    rows: of methods that there is something to say of.
    notes: sentences on these rows, numbered from 1 by their place.
    inapplicable: the methods that the task does not apply to, and the sentences on them.
    not_run: those that are no part of the run.
    """

    task: str
    label: str
    headers: tuple[str, ...]
    rows: tuple[StackedRow, ...]
    captions: tuple[str, ...]
    notes: tuple[str, ...]
    inapplicable: tuple[tuple[str, ...], tuple[str, ...]]
    not_run: tuple[str, ...]


def stacked(section: Section, against: Callable[[Score], str]) -> Stacked:
    """`section` for a page; below a published figure stands what `against` says of a score beside it."""
    empty = [row for row in section.rows if _says_nothing(row)]
    shown = [row for row in section.rows if row not in empty]
    others = [row for row in empty if row.status == "not_applicable"]
    kept = sorted({number for row in shown for number in row.notes})
    apart = sorted({number for row in others for number in row.notes})
    headers: list[str] = []
    for column, metric in enumerate(section.metrics):
        headers += [metric.header, "paper"] if has_paper(section, column) else [metric.header]
    return Stacked(
        section.task,
        section.label,
        tuple(headers),
        tuple(_row(section, row, kept, against) for row in shown),
        section.captions,
        tuple(section.notes[number - 1] for number in kept),
        (tuple(row.method for row in others), tuple(section.notes[number - 1] for number in apart)),
        tuple(row.method for row in empty if row.status == "not_run"),
    )


def difference(score: Score) -> str:
    """Value less published figure; empty where they are not compared."""
    return "" if score.difference is None else texts(score).difference


def verdict(score: Score) -> str:
    """What the value is beside the published figure, in words."""
    return score.verdict


def _says_nothing(row: Row) -> bool:
    """Whether a row would hold nothing but that the task does not apply to it, or that it was not run."""
    empty = row.status in ("not_applicable", "not_run")
    return empty and all(score.published is None for score in row.scores)


def _row(section: Section, row: Row, kept: list[int], against: Callable[[Score], str]) -> StackedRow:
    cells = []
    for column, score in enumerate(row.scores):
        text = texts(score)
        below = (text.interval, f"sd {text.sd}" if text.sd else "")
        cells.append(Cell(text.value, tuple(filter(None, below)), text.best))
        if has_paper(section, column):
            cells.append(Cell(text.paper, tuple(filter(None, [against(score)])), words=True))
    numbers = tuple(sorted(kept.index(number) + 1 for number in row.notes))
    return StackedRow(row.method, numbers, row.reference, trainings(row), tuple(cells))
