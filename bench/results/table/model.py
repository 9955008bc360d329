"""What a table is: numbers and sentences, without any layout."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "failed", "missing", "not_applicable", "not_run"]

# Rows in the order of the paper's tables; a user's methods follow by name.
PAPER_ROWS = (
    *("supervised_resnet18", "vqvae", "stylegan2_e4e", "ris", "pdr", "pdr_loocc_l", "pdr_loocc_lv"),
    *("unet_random_init", "pdr_unet_geometry", "pdr_unet_albedo", "pdr_unet_joint", "pdr_unet_joint_frozen"),
)

# Rows that keep a table honest, always shown and always apart: a learned method must beat them.
REFERENCE_ROWS = ("chance", "raw_pixels", "random_init")

# Metrics that tables derive (`bench.results.table.paper`) and of which less is better; tasks declare their own.
LESS_IS_BETTER = frozenset({"lost"})

# Metrics in the order of the paper's table 1 and of the tasks that have others; what is not here follows by name,
# numbers in it by their value.
METRICS = (
    *("accuracy", "hungarian", "f1", "nmi"),
    *("dci_disentanglement", "dci_completeness", "dci_informativeness", "mig", "sap"),
    *("side_percent", "normal_deg", "light_deg", "view_deg", "view_aligned_deg", "albedo_rmse"),
)


@dataclass(frozen=True)
class Score:
    """One metric of one method on one task.

    Attributes
    ----------
    status: `ok` where there is a value.
    seeds: how many seeds the value is the mean of.
    value: mean over the seeds, in [0, 1] or the unit that the metric's name ends with (`_deg`, `_percent`).
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
    reference: whether it is one of `REFERENCE_ROWS`.
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
    rows: learned methods first, reference rows last.
    captions: sentences on the whole section.
    notes: sentences on single rows.
    less_is_better: the metrics of which less is better.
    """

    task: str
    label: str
    synthetic: bool
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    captions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    less_is_better: frozenset[str] = frozenset()


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
