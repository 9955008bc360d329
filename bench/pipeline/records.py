"""The record: one JSON file per cell, and the only truth that tables, MLflow and reports are made from."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.grid.seeds import Seeds
from datasets.errors import BenchError
from datasets.files import write_json

SCHEMA_VERSION: Literal[1] = 1


def first_fault(error: ValidationError) -> str:
    """The first thing wrong with a file that does not fit its schema, and where in it."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


class Frozen(BaseModel):
    """A strict, immutable part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetInfo(Frozen):
    """A dataset that a cell used."""

    name: str = Field(description="registry name, without the mark")
    synthetic: bool = Field(description="true: drawn by the project; never comparable with published figures")
    digest: str = Field(description="SHA-256 over the decoded images, labels and tracks")
    size: int | None = Field(None, description="side of the decoded images in pixels, which the digest depends on")
    images: int = Field(description="images read")
    skipped: dict[str, int] = Field(default_factory=dict, description="reason -> items left out for it")

    @property
    def label(self) -> str:
        """`bbt`, or `bbt[synthetic]`."""
        return f"{self.name}[synthetic]" if self.synthetic else self.name


class Phase(Frozen):
    """One phase of a cell."""

    key: str = Field(description="key of the artifact in the store")
    seconds: float = Field(ge=0, description="wall time of computing it, by whichever run did")
    peak_memory_mb: float = Field(ge=0, description="peak resident memory of the process that computed it, MiB")


class Uncertainty(Frozen):
    """A 95 % interval of a metric."""

    low: float
    high: float
    over: str = Field(description="the source of variation covered: tracks, items or seeds")


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

    schema_version: Literal[1] = SCHEMA_VERSION
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
    intervals: dict[str, Uncertainty] = Field(default_factory=dict)
    less_is_better: list[str] = Field(default_factory=list, description="the metrics of which less is better")
    details: dict[str, Any] = Field(default_factory=dict, description="the task's further results")
    notes: list[str] = Field(default_factory=list, description="what a reader of the row should know")
    predictions: str | None = Field(None, description="file of per-item predictions, relative to the store")
    weights_sha256: str | None = None
    parameters: int | None = Field(None, description="trainable parameters of the method")
    feature_size: int | None = None
    method_config: dict[str, Any] = Field(default_factory=dict)
    task_config: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict, description="the training's summary (steps, best loss)")
    phases: dict[str, Phase] = Field(default_factory=dict, description="fit, encode, evaluate")
    ingredients: dict[str, Any] = Field(default_factory=dict, description="what `key` hashes, for `bench why`")
    environment: Environment
    started: datetime
    ended: datetime

    @property
    def name(self) -> str:
        """The cell's name for a person: `method/task/seed`."""
        return f"{self.method}/{self.task}/{self.all_seeds}"

    @property
    def all_seeds(self) -> Seeds:
        """The seed of every source of variation."""
        return Seeds(**{**dict.fromkeys(("fit", "split", "evaluate"), self.seed), **self.seeds})

    @property
    def synthetic(self) -> bool:
        """Whether any data behind the scores was drawn by the project."""
        return any(data is not None and data.synthetic for data in (self.dataset, self.training_dataset))

    def write(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read a record; one of another schema or a damaged one is a `BenchError` naming the file."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise BenchError(
                f"{path} is not a record of schema {SCHEMA_VERSION} ({first_fault(error)}): delete it and run again"
            ) from error
