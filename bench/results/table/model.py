"""What a table is: numbers and sentences, without any layout."""

from dataclasses import dataclass
from typing import Literal

from tasks.results import Metric

Status = Literal["ok", "failed", "missing", "not_applicable", "not_run"]


@dataclass(frozen=True)
class Score:
    """One metric of one method on one task.

    Attributes
    ----------
    status: `ok` where there is a value.
    seeds: how many seeds the value is the mean of.
    value: mean over the seeds, in the metric's unit and range.
    low, high: 95 % interval of the value, and `over` the source of variation that it covers (`tracks`, `items` or
        `seeds`, or `fit seeds` where only those of the training varied); None where there is none.
    published, source: the paper's figure for exactly this method, and the place that gives it.
    difference: value - published; None without either, and wherever synthetic data stand behind the value.
    best: whether this is the column's best value, or its interval overlaps that of the best.
    """

    status: Status
    seeds: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    over: str | None = None
    published: float | None = None
    source: str | None = None
    difference: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One method on one task.

    Attributes
    ----------
    reference: whether it is a baseline, which keeps a table honest: always shown, apart from what is learned.
    synthetic: whether any data behind it, evaluated or trained on, was drawn by the project.
    scores: one per metric of the section.
    notes: numbers, from 1, of the section's notes that belong to this row.
    """

    method: str
    reference: bool
    synthetic: bool
    scores: tuple[Score, ...]
    notes: tuple[int, ...] = ()

    @property
    def status(self) -> Status:
        """The same for all of a row's scores."""
        return self.scores[0].status


@dataclass(frozen=True)
class Section:
    """One task.

    Attributes
    ----------
    label: the task's name, with the mark `[synthetic]` where its dataset is drawn.
    metrics: the columns, as the task declares them; the first is the main one.
    rows: learned methods first, reference rows last.
    captions: sentences on the whole section.
    notes: sentences on single rows.
    """

    task: str
    label: str
    synthetic: bool
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    captions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its metrics."""
        return tuple(metric.name for metric in self.metrics)


@dataclass(frozen=True)
class Table:
    """All tasks of a run; one profile, one protocol, and one state of every dataset.

    Attributes
    ----------
    captions: sentences that hold for every section.
    """

    profile: str
    protocol: str
    seeds: tuple[str, ...]
    sections: tuple[Section, ...]
    captions: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`profile mini, protocol default, seed 0`."""
        seeds = ", ".join(self.seeds)
        word = "seed" if len(self.seeds) == 1 else "seeds"
        return f"profile {self.profile}, protocol {self.protocol}, {word} {seeds}"
