"""The texts that a table's numbers become, shared by the layouts."""

from dataclasses import dataclass

from bench.results.table.model import Row, Score, Section

WORDS = {"failed": "failed", "missing": "no data", "not_applicable": "n/a", "not_run": "not run"}


@dataclass(frozen=True)
class Texts:
    """One score as text; parts that do not apply are empty."""

    value: str
    interval: str
    sd: str
    paper: str
    difference: str
    best: bool


def texts(score: Score) -> Texts:
    """Three digits for values, two for intervals: more than 600 tracks tell apart."""
    value = WORDS[score.status] if score.value is None else f"{score.value:.3f}"
    interval = "" if score.low is None or score.high is None else _span(score.low, score.high)
    paper = "" if score.published is None else f"{score.published:.3f}"
    if score.difference is not None:
        difference = f"{score.difference:+.3f}"
    else:
        difference = "-" if paper and score.value is not None else ""
    return Texts(value, interval, _sd(score), paper, difference, score.best)


def _span(low: float, high: float) -> str:
    """Two bounds, in words where a minus sign would be taken for the dash between them."""
    return f"{low:.2f} to {high:.2f}" if round(low, 2) < 0 else f"{low:.2f}–{high:.2f}"


def _sd(score: Score) -> str:
    """Over the row's own trainings, or with their number over known ones."""
    if score.sd is not None:
        return f"{score.sd:.3f}"
    return "" if score.known_sd is None else f"{score.known_sd:.3f} ({score.known_trainings})"


def trainings(row: Row) -> str:
    """How many trainings stand behind a row, in words; empty for a row without a value.

    >>> trainings(Row("pdr", False, False, (), trainings=1))
    '1 training'
    """
    if row.trainings is None:
        return ""
    return f"{row.trainings or 'no'} training{'s' if row.trainings > 1 else ''}"


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


def has_sd(section: Section, column: int) -> bool:
    """Whether it is known of any value of a column how it varies over trainings."""
    return any(texts(row.scores[column]).sd for row in section.rows)


def wide_headers(section: Section) -> list[str]:
    """`method`, `trainings`, then per metric its header, and `95 %`, `sd`, `paper` and `diff` as far as there is
    anything in them."""
    headers = ["method", "trainings"]
    for column, metric in enumerate(section.metrics):
        headers.append(metric.header)
        headers += ["95 %"] * has_interval(section, column)
        headers += ["sd"] * has_sd(section, column)
        headers += ["paper", "diff"] * has_paper(section, column)
    return headers


def wide_cells(section: Section, row: Row) -> list[tuple[str, bool]]:
    """(text, bold) of a row under `wide_headers`, without the method's name."""
    cells: list[tuple[str, bool]] = [(trainings(row), False)]
    for column, score in enumerate(row.scores):
        text = texts(score)
        cells.append((text.value, text.best))
        cells += [(text.interval, False)] * has_interval(section, column)
        cells += [(text.sd, False)] * has_sd(section, column)
        cells += [(text.paper, False), (text.difference, False)] if has_paper(section, column) else []
    return cells


def judged_headers(section: Section) -> list[str]:
    """The wide layout's headers, and a verdict's for each metric with published figures."""
    judged = [metric.header for column, metric in enumerate(section.metrics) if has_paper(section, column)]
    return [*wide_headers(section), *(f"{header} against the paper" for header in judged)]


def judged_cells(section: Section, row: Row) -> list[tuple[str, bool]]:
    """The wide layout's cells, and the verdicts."""
    verdicts = [(score.verdict, False) for column, score in enumerate(row.scores) if has_paper(section, column)]
    return [*wide_cells(section, row), *verdicts]
