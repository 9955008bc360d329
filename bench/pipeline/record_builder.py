"""Builds a cell's record from what its walk found, and from its scores or the reason that there are none."""

import fnmatch
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

from bench.grid.portable import without_folders
from bench.pipeline.context import Context
from bench.pipeline.environment import environment
from bench.pipeline.keys import key_of
from bench.pipeline.official import unknown_files
from bench.pipeline.records import Citations, DatasetInfo, PictureFile, Record, StageCost
from bench.pipeline.status import CellStatus
from datasets.base import Dataset
from datasets.names import message
from datasets.official import counts
from tasks.base import Scores, Task
from tasks.results import Metric

Ending = Literal["failed", "missing", "not_applicable"]


@runtime_checkable
class Costed(Protocol):
    """An artifact that says what it cost."""

    @property
    def key(self) -> str:
        """Its key in the store."""

    @property
    def info(self) -> dict[str, Any]:
        """What its stage wrote beside it: `seconds`, `peak_memory_mb` and more."""


@dataclass(frozen=True)
class Kept:
    """What a cell keeps beside its record: the digest of each file, and which of them are pictures."""

    files: dict[str, str]
    pictures: list[PictureFile]


class RecordBuilder:
    """The record of one cell.

    Parameters
    ----------
    status: how far the cell came, and what its stages left.
    started: when this process took the cell up.
    """

    def __init__(self, status: CellStatus, context: Context, *, started: datetime) -> None:
        self.status = status
        self.context = context
        self.started = started

    def finished(self, key: str, scores: Scores, kept: Kept | None, peak_memory_mb: float) -> Record:
        """The record of a cell with scores; `kept` is what lies in its folder of predictions, if anything."""
        status, cell = self.status, self.status.cell
        assert status.checkpoint is not None, f"{cell.name} has scores, but no method"
        now = datetime.now(UTC)
        stages = dict(self._stages())
        seconds = (now - self.started).total_seconds()
        stages["evaluate"] = StageCost(key=key, seconds=seconds, peak_memory_mb=peak_memory_mb)
        info = status.checkpoint.info
        derived = [] if status.derived is None else status.derived.info["notes"]
        store = self.context.store
        return Record(
            **self._common(key, "ok", None),
            stages=stages,
            ended=now,
            weights_sha256=status.checkpoint.sha256,
            parameters=info["parameters"],
            training=info.get("training", {}),
            notes=list(dict.fromkeys([*info["notes"], *self._of_training(), *derived, *scores.notes])),
            feature_size=None if status.features is None else status.features.size,
            metrics=scores.metrics,
            secondary=scores.secondary,
            intervals=scores.intervals,
            declared=list(declarations(cell.task.task, {**scores.metrics, **scores.secondary})),
            captions=list(scores.captions),
            charts=list(scores.charts),
            pictures=[] if kept is None else kept.pictures,
            per_item=scores.per_item,
            predictions=None if kept is None else store.predictions(key).relative_to(store.root).as_posix(),
            files={} if kept is None else kept.files,
            details=scores.details,
        )

    def ended(self, status: Ending, error: str, details: dict[str, Any] | None = None) -> Record:
        """The record of a cell without scores. One that never came to its key is filed under its specification."""
        return Record(
            **self._common(self.status.key or key_of(self._specification()), status, self._public(message(error))),
            stages=dict(self._stages()),
            declared=[metric for metric in self.status.cell.task.task.metrics if "*" not in metric.name],
            details=self._public(details or {}),
            ended=datetime.now(UTC),
        )

    def _common(self, key: str, status: str, error: str | None) -> dict[str, Any]:
        """What every record says."""
        cell = self.status.cell
        method, task = cell.method, cell.task
        return {
            "key": key,
            "method": method.name,
            "task": task.label,
            "seed": cell.seeds.fit,
            "seeds": cell.seeds.others,
            "profile": cell.profile,
            "protocol": cell.protocol,
            "status": status,
            "error": error,
            "dataset": dataset_info(self.status.dataset, self.status.frames),
            "training_dataset": dataset_info(self.status.training),
            "citations": Citations(
                method=list(method.cls.citations(method.config)),
                task=list(task.task.cites),
                dataset=list(cell.dataset.cites),
            ),
            "method_config": self._public(method.config.model_dump(mode="json")),
            "task_config": task.config,
            "method_settings": self._public(dict(method.settings)),
            "task_settings": self._public(dict(task.settings)),
            "ingredients": self.status.ingredients or {"specification": self._specification()},
            "run": self.context.run or None,
            "environment": environment(self.context.device, self.context.threads),
            "started": self.started,
        }

    def _of_training(self) -> Iterable[str]:
        """On what the method was trained, where that is not what other methods are trained on, and which files of
        weights are behind it that are not known."""
        yield from unknown_files(self.status.cell.method.trained)
        cell, training = self.status.cell, self.status.training
        if training is not None and cell.trained_elsewhere:
            what = f"drawn {cell.method.domain} ({training.name})" if training.synthetic else training.name
            yield f"trained on {what}"

    def _public(self, value: Any) -> Any:
        """A text or a JSON value that names no folder of this machine."""
        known = (self.status.cell.task.folder, self.context.data.root, self.context.store.root)
        return without_folders(value, known)

    def _stages(self) -> Iterable[tuple[str, StageCost]]:
        """What the stages before the evaluation cost, whoever computed them; nothing for a method without weights."""
        found = {"fit": self.status.checkpoint, "derive": self.status.derived, "encode": self.status.features}
        for name, artifact in found.items():
            if artifact is not None and "ingredients" in artifact.info:
                yield name, stage_cost(artifact)

    def _specification(self) -> dict[str, Any]:
        cell = self.status.cell
        return {
            "stage": "specification",
            "method": [cell.method.name, cell.method.identity(encoding=False)],
            "task": [cell.task.key_name, cell.task.identity],
            "seeds": asdict(cell.seeds),
            "profile": cell.profile,
            "protocol": cell.protocol,
            "synthetic": self.context.data.root is None,
        }


def stage_cost(artifact: Costed) -> StageCost:
    """What a stage cost, from the file that it left."""
    info = artifact.info
    return StageCost(key=artifact.key, seconds=info["seconds"], peak_memory_mb=info["peak_memory_mb"])


def dataset_info(dataset: Dataset | None, frames: Int[np.ndarray, " m"] | None = None) -> DatasetInfo | None:
    """A dataset's identity for the record; `frames` are the images that are used, where those are chosen."""
    if dataset is None:
        return None
    return DatasetInfo(
        name=dataset.name,
        synthetic=dataset.synthetic,
        digest=dataset.digest,
        images=len(dataset),
        size=dataset.size,
        skipped=dict(dataset.skipped),
        counts=counts(dataset, frames),
        world=dataset.world,
    )


def declarations(task: Task, names: Iterable[str]) -> Iterable[Metric]:
    """What a task declares of the metrics that it scored, in its order; a pattern's names in the order of scoring."""
    left = list(names)
    for metric in (*task.metrics, *task.secondary):
        for name in [name for name in left if fnmatch.fnmatchcase(name, metric.name)]:
            left.remove(name)
            yield replace(metric, name=name)
