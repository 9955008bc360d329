"""The texts that a table's numbers become, shared by the layouts."""

from dataclasses import dataclass
from typing import Literal

from bench.results.table.model import Row, Score, Section

WORDS = {"failed": "failed", "missing": "no data", "not_applicable": "n/a", "not_run": "not run"}

Verdict = Literal["", "within noise", "above", "below", "synthetic: not comparable"]


@dataclass(frozen=True)
class Texts:
    """One score as text; parts that do not apply are empty."""

    value: str
    interval: str
    paper: str
    difference: str
    best: bool


def texts(score: Score) -> Texts:
    """Three digits for values, two for intervals: more than 600 tracks tell apart."""
    value = WORDS[score.status] if score.value is None else f"{score.value:.3f}"
    interval = "" if score.low is None or score.high is None else f"{score.low:.2f}–{score.high:.2f}"
    paper = "" if score.published is None else f"{score.published:.3f}"
    if score.difference is not None:
        difference = f"{score.difference:+.3f}"
    else:
        difference = "-" if paper and score.value is not None else ""
    return Texts(value, interval, paper, difference, score.best)


def verdict(score: Score) -> Verdict:
    """Whether the published figure lies in the value's 95 % interval, or the value is above or below it.

    Empty without a value or a published figure. Without an interval only the same figure is within noise.
    """
    if score.value is None or score.published is None:
        return ""
    if score.difference is None:
        return "synthetic: not comparable"
    low, high = (score.value if bound is None else bound for bound in (score.low, score.high))
    if low <= score.published <= high:
        return "within noise"
    return "above" if score.value > score.published else "below"


def short(interval: str) -> str:
    """An interval without leading zeros, where there is little room.

    >>> short("0.57–1.00")
    '.57–1.00'
    """
    return "–".join(bound.removeprefix("0") for bound in interval.split("–"))


def has_paper(section: Section, column: int) -> bool:
    """Whether the paper gives any figure for a column; one without has no columns for it."""
    return any(row.scores[column].published is not None for row in section.rows)


def has_interval(section: Section, column: int) -> bool:
    """Whether any value of a column has an interval."""
    return any(row.scores[column].low is not None for row in section.rows)


def wide_headers(section: Section) -> list[str]:
    """`method`, then per metric its header, `95 %`, `paper` and `diff`, as far as there is anything in them."""
    headers = ["method"]
    for column, metric in enumerate(section.metrics):
        headers.append(metric.header)
        headers += ["95 %"] * has_interval(section, column)
        headers += ["paper", "diff"] * has_paper(section, column)
    return headers


def wide_cells(section: Section, row: Row) -> list[tuple[str, bool]]:
    """(text, bold) of a row under `wide_headers`, without the method's name."""
    cells: list[tuple[str, bool]] = []
    for column, score in enumerate(row.scores):
        text = texts(score)
        cells.append((text.value, text.best))
        cells += [(text.interval, False)] * has_interval(section, column)
        cells += [(text.paper, False), (text.difference, False)] if has_paper(section, column) else []
    return cells


def judged_headers(section: Section) -> list[str]:
    """The wide layout's headers, and a verdict's for each metric with published figures."""
    judged = [metric.header for column, metric in enumerate(section.metrics) if has_paper(section, column)]
    return [*wide_headers(section), *(f"{header} against the paper" for header in judged)]


def judged_cells(section: Section, row: Row) -> list[tuple[str, bool]]:
    """The wide layout's cells, and the verdicts."""
    verdicts = [(verdict(score), False) for column, score in enumerate(row.scores) if has_paper(section, column)]
    return [*wide_cells(section, row), *verdicts]
