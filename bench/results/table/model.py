"""What a table is: numbers and sentences, without any layout."""

from dataclasses import dataclass
from typing import Literal

from tasks.results import Metric

Status = Literal["ok", "failed", "missing", "not_applicable", "not_run"]
Verdict = Literal[
    "",
    "within noise",
    "above",
    "below",
    "synthetic: not comparable",
    "not the paper's size: not comparable",
    "too few trainings",
]
# The verdict on a row of real data that was not trained or tested as in the paper.
UNLIKE: Verdict = "not the paper's size: not comparable"
# What a row is beside `random_init`, in the metric's direction; empty where they are not compared.
Standing = Literal["", "better", "worse", "not told apart"]


@dataclass(frozen=True)
class Score:
    """One metric of one method on one task.

    Attributes
    ----------
    status: `ok` where there is a value.
    seeds: how many seeds the value is the mean of.
    value: mean over the trainings, in the metric's unit and range.
    low, high: 95 % interval of the value, and `over` the sources of variation that it covers (`tracks`, `items` or
        `people` alone; `seeds and tracks`, or `fit seeds and tracks` where only those of the training varied); None
        where there is none.
    sd: standard deviation over the row's trainings, from three on.
    known_sd, known_trainings: for a row of fewer, that of an earlier run of so many trainings, where there is one.
    published, source: the paper's figure for exactly this method, and the place that gives it.
    difference: value - published; None without either, wherever synthetic data stand behind the value, and where it was
        not trained and tested as in the paper.
    verdict: what the value is beside the published figure.
    best: whether this is the best of the column's values that are compared, or cannot be told from it.
    p_best: of a value that is compared, the corrected probability that it differs so much from the best by chance; None
        for the best itself.
    standing: what it is beside `random_init`.
    """

    status: Status
    seeds: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    over: str | None = None
    sd: float | None = None
    known_sd: float | None = None
    known_trainings: int = 0
    published: float | None = None
    source: str | None = None
    difference: float | None = None
    verdict: Verdict = ""
    best: bool = False
    p_best: float | None = None
    standing: Standing = ""


@dataclass(frozen=True)
class Row:
    """One method on one task.

    Attributes
    ----------
    reference: whether it is a baseline, which keeps a table honest: always shown, apart from what is learned.
    synthetic: whether any data behind it, evaluated or trained on, was drawn by the project.
    scores: one per metric of the section.
    trainings: how many trainings stand behind it; 0 for one without any of its own, which scores the same whatever the
        seed; None without a value. Rows of one or two are neither ranked nor judged.
    notes: numbers, from 1, of the section's notes that belong to this row.
    """

    method: str
    reference: bool
    synthetic: bool
    scores: tuple[Score, ...]
    notes: tuple[int, ...] = ()
    trainings: int | None = None

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
