"""The record: one JSON file per cell, and the only truth that tables, MLflow and reports are made from.

It holds what a task declares of its metrics and says of its scores, so that whatever reads it needs to know no task.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.grid.seeds import Seeds
from bench.grid.values import text_of
from datasets.sealed import Damaged, sealed_text, write_sealed
from tasks.results import Caption, Curve, DetailTable, Heatmap, Interval, Legend, Metric, Panel, PerItem

SCHEMA_VERSION: Literal[2] = 2


def first_fault(error: ValidationError) -> str:
    """The first thing wrong with a file that does not fit its schema, and where in it."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


def with_settings(name: str, settings: Mapping[str, Any] | None) -> str:
    """A name with settings in brackets, as it could be typed.

    >>> with_settings("pdr[features=light]", {"nf": 32, "schedule.flip": False})
    'pdr[features=light;nf=32;schedule.flip=false]'
    """
    if not settings:
        return name
    inside = listed(settings)
    return f"{name[:-1]};{inside}]" if name.endswith("]") else f"{name}[{inside}]"


def listed(settings: Mapping[str, Any]) -> str:
    """`nf=32;schedule.flip=false`."""
    return ";".join(f"{place}={_typed(value)}" for place, value in settings.items())


def _typed(value: Any) -> str:
    """A value as `--set` takes it, a list by its commas."""
    return ",".join(map(_typed, value)) if isinstance(value, list) else text_of(value)


class Frozen(BaseModel):
    """A strict, immutable part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class DatasetInfo(Frozen):
    """A dataset that a cell used."""

    name: str = Field(description="registry name, without the mark")
    synthetic: bool = Field(description="true: drawn by the project; never comparable with published figures")
    digest: str = Field(description="SHA-256 over the decoded images, labels and tracks")
    size: int | None = Field(None, description="side of the decoded images in pixels, which the digest depends on")
    images: int = Field(description="images read")
    skipped: dict[str, int] = Field(default_factory=dict, description="reason -> items left out for it")
    counts: dict[str, int] = Field(
        default_factory=dict,
        description="items of each kind that the official distribution is counted by (`datasets.official.COUNTS`), of "
        "the parts that the cell used; empty for drawn and other data, and in records of before they were counted",
    )
    world: str = Field("", description="how drawn images are drawn, as it follows the word drawn; empty: not said")

    @property
    def label(self) -> str:
        """`bbt`, or `bbt[synthetic]`."""
        return f"{self.name}[synthetic]" if self.synthetic else self.name


class StageCost(Frozen):
    """What one stage of a cell (fit, derive, encode, evaluate) cost, and where its result lies."""

    key: str = Field(description="key of the artifact in the store")
    seconds: float = Field(ge=0, description="wall time of computing it, by whichever run did")
    peak_memory_mb: float = Field(ge=0, description="peak resident memory of the process that computed it, MiB")


class PictureFile(Frozen):
    """A picture of a cell."""

    file: str = Field(description="its name in the folder of the cell's predictions")
    caption: str = Field(description="what it shows")
    rows: tuple[str, ...] = Field(
        (), description="names of its strips, from the top down, where methods' strips are shown below each other"
    )
    columns: tuple[str, ...] = Field((), description="what the equally wide parts of a strip show")
    panels: tuple[Panel, ...] = Field((), description="its parts without letters, which a page names by itself")
    legend: Legend | None = Field(None, description="what its colours mean")
    on_page: bool = Field(True, description="whether a page shows it")


class Citations(Frozen):
    """The publications behind a cell: keys of results/paper/references.bib, or whole BibTeX entries."""

    method: list[str] = Field(default_factory=list)
    task: list[str] = Field(default_factory=list)
    dataset: list[str] = Field(default_factory=list)


class Environment(Frozen):
    """Where a cell ran."""

    packages: dict[str, str] = Field(description="distribution -> version")
    python: str
    platform: str
    device: str = Field(description="cpu, or the GPU's name")
    threads: int
    git_commit: str | None = Field(None, description="the checkout's commit; none outside one")
    git_dirty: bool | None = Field(None, description="whether the checkout had uncommitted changes")


class Record(Frozen):
    """What one cell (method x task x seed) was and gave."""

    schema_version: Literal[2] = SCHEMA_VERSION
    key: str = Field(description="hash of everything that the scores depend on")
    method: str = Field(description="registry name, such as pdr_loocc_l")
    task: str
    seed: int = Field(description="seed of the training, and of everything that `seeds` does not name")
    seeds: dict[str, int] = Field(
        default_factory=dict, description="source of variation (split, evaluate) -> its seed, where that differs"
    )
    profile: str
    protocol: str
    status: Literal["ok", "failed", "missing", "not_applicable"]
    error: str | None = Field(None, description="one line; set unless status is ok")
    dataset: DatasetInfo | None = Field(None, description="the task's dataset; none if it could not be opened")
    training_dataset: DatasetInfo | None = Field(None, description="what the method was trained on, if anything")
    metrics: dict[str, float] = Field(default_factory=dict)
    secondary: dict[str, float] = Field(
        default_factory=dict, description="metrics that only tables of their own show, such as FINCH's"
    )
    intervals: dict[str, Interval] = Field(default_factory=dict)
    declared: list[Metric] = Field(
        default_factory=list, description="what the task declares of its metrics, in its order, patterns filled in"
    )
    captions: list[Caption] = Field(default_factory=list, description="sentences on the task's whole table")
    charts: list[Annotated[Curve | Heatmap | DetailTable, Field(discriminator="kind")]] = Field(default_factory=list)
    pictures: list[PictureFile] = Field(default_factory=list)
    per_item: PerItem = Field(PerItem(), description="how the scores follow from the arrays in `predictions`")
    citations: Citations = Citations()
    details: dict[str, Any] = Field(default_factory=dict, description="the task's further results")
    notes: list[str] = Field(default_factory=list, description="what a reader of the row should know")
    predictions: str | None = Field(None, description="folder of per-item arrays and pictures, relative to the store")
    files: dict[str, str] = Field(default_factory=dict, description="file in `predictions` -> SHA-256 of its bytes")
    weights_sha256: str | None = None
    parameters: int | None = Field(None, description="trainable parameters of the method")
    feature_size: int | None = None
    method_config: dict[str, Any] = Field(default_factory=dict)
    task_config: dict[str, Any] = Field(default_factory=dict)
    method_settings: dict[str, Any] | None = Field(
        None,
        description="dotted place -> value of what `--set` made other than the method's name means in the profile; "
        "none in records of before they were kept",
    )
    task_settings: dict[str, Any] | None = Field(None, description="the same of the task")
    training: dict[str, Any] = Field(default_factory=dict, description="the training's summary (steps, best loss)")
    # Files keep the name that schema 1 gave them, for scripts that read it.
    stages: dict[str, StageCost] = Field(
        default_factory=dict, alias="phases", description="what fit, derive, encode and evaluate cost"
    )
    ingredients: dict[str, Any] = Field(default_factory=dict, description="what `key` hashes, for `bench why`")
    run: str | None = Field(None, description="the invocation that computed it")
    environment: Environment
    started: datetime
    ended: datetime

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1(cls, values: Any) -> Any:
        """Take a record of schema 1, which declared nothing of metrics but their direction."""
        if not isinstance(values, dict) or values.get("schema_version") != 1:
            return values
        less = set(values.get("less_is_better", ()))
        clustering = "number_of_clusters" in values.get("details", {})
        return {
            **{name: value for name, value in values.items() if name != "less_is_better"},
            "schema_version": SCHEMA_VERSION,
            "declared": [
                {"name": name, "higher_is_better": name not in less, "low": None, "high": None}
                for name in values.get("metrics", ())
            ],
            **({"per_item": {"statistic": "clustering", "identity": "label"}} if clustering else {}),
        }

    @property
    def name(self) -> str:
        """The cell's name for a person: `method/task/seed`."""
        return f"{self.method}/{self.task}/{self.all_seeds}"

    @property
    def row(self) -> str:
        """Its method with what was set otherwise in brackets, as `vqvae[schedule.max_steps=1]`."""
        return with_settings(self.method, self.method_settings)

    @property
    def section(self) -> str:
        """Its task likewise."""
        return with_settings(self.task, self.task_settings)

    @property
    def place(self) -> str:
        """The same for records of one cell, whatever code, data and machine they are of: `row/section/seed`."""
        return f"{self.row}/{self.section}/{self.all_seeds}"

    @property
    def all_seeds(self) -> Seeds:
        """The seed of every source of variation."""
        return Seeds(**{**dict.fromkeys(("fit", "split", "evaluate"), self.seed), **self.seeds})

    @property
    def varies_with_seed(self) -> bool:
        """Whether a training, or weights drawn by chance, stand behind the scores: the method's own, or a head's that
        the task trains. What has none of these scores the same whatever the seed, but for the choice of images."""
        evaluated = self.ingredients.get("evaluate", {})
        return bool(self.weights_sha256 or self.training_dataset or self.training or "training" in evaluated)

    @property
    def synthetic(self) -> bool:
        """Whether any data behind the scores was drawn by the project."""
        return any(data is not None and data.synthetic for data in (self.dataset, self.training_dataset))

    def write(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write_sealed(path, self.model_dump(mode="json", by_alias=True))

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read a record; raises Damaged where it is not what was written, and FileNotFoundError.

        Records of schema 1 bear no seal and are read as they are.
        """
        body = sealed_text(path)
        text = path.read_bytes() if body is None else body
        try:
            record = cls.model_validate_json(text)
        except ValidationError as error:
            what = f"is not a record of schema {SCHEMA_VERSION}"
            raise Damaged.of(path, first_fault(error), what=what) from error
        if body is None and json.loads(text)["schema_version"] != 1:
            raise Damaged.of(path, "it bears no seal")
        return record
