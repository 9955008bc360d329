"""One cell, from its specification to its record; whatever goes wrong becomes the record's error."""

import time
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import Data, dataset_entry
from bench.environment import environment, resolve_device
from bench.keys import key_of
from bench.plan import Cell, evaluate_ingredients
from bench.records import DatasetInfo, Phase, Record, Uncertainty
from bench.request import Request
from bench.stages import Checkpoint, Features, encode, fit, peak_memory_mb
from bench.store import Store
from datasets.base import Dataset, Progress
from datasets.errors import BenchError, ResourceMissing
from datasets.files import atomic_folder
from datasets.streams import seed_for
from tasks.base import Scores


@dataclass
class CellRunner:
    """Runs cells of one request against one store.

    It remembers, within one invocation only, which trainings failed, so that a method that diverges is not trained
    again for each of its tasks.
    """

    request: Request
    store: Store
    progress: Progress
    failures: dict[tuple[str, int], BenchError] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    data: Data = field(init=False)

    def __post_init__(self) -> None:
        self.data = Data(self.request, self.store)

    def run(self, cell: Cell) -> tuple[Record, Path, bool]:
        """The cell's record, its file, and whether it was there already. Only KeyboardInterrupt escapes."""
        draft = Draft(cell, self.request)
        try:
            if cell.method.domain not in cell.method.cls.domains:
                return self._end(draft, "not_applicable", f"{cell.method.name} has no model for {cell.method.domain}")
            return self._run(cell, draft)
        except ResourceMissing as error:
            return self._end(draft, "missing", str(error))
        except BenchError as error:
            return self._end(draft, "failed", str(error))
        except Exception as error:
            draft.details["traceback"] = traceback.format_exc()
            return self._end(draft, "failed", f"{type(error).__name__}: {error}".splitlines()[0])

    def died(self, cell: Cell) -> tuple[Record, Path]:
        """The record of a cell whose worker process ended without a word."""
        error = "its worker process died (killed, or out of memory): run the same command again, or with --jobs 1"
        record, path, _ = self._end(Draft(cell, self.request), "failed", error)
        return record, path

    def _run(self, cell: Cell, draft: "Draft") -> tuple[Record, Path, bool]:
        size = cell.method.cls.image_size
        dataset = self.data.prepare(dataset_entry(cell.task), size, self.progress)
        draft.dataset = dataset_info(dataset)
        training = None
        if cell.training_entry is not None:
            training = self.data.prepare(cell.training_entry, size, self.progress)
            draft.training_dataset = dataset_info(training)
        checkpoint = self._fit(cell, training)
        draft.took_checkpoint(checkpoint)
        features = encode(
            cell.method,
            checkpoint,
            cell.task,
            dataset,
            cell.seed,
            self.request,
            self.store,
            self.progress,
            force=self.request.force,
        )
        draft.took_features(features)
        ingredients = evaluate_ingredients(cell, self.request, features.key)
        draft.key = key_of(ingredients)
        draft.ingredients["evaluate"] = ingredients
        if self.request.force:
            self.store.discard_record(draft.key)
        if (found := self.store.record(draft.key)) is not None:
            return found, self.store.record_path(draft.key), True
        started = time.perf_counter()
        scores = cell.task.task.evaluate(
            features.values,
            dataset,
            seed=seed_for(cell.seed, "evaluate", cell.task.name),
            progress=self.progress,
        )
        draft.took_scores(scores, self._write_predictions(draft.key, scores), time.perf_counter() - started)
        return self._end(draft, "ok", None)

    def _fit(self, cell: Cell, training: Dataset | None) -> Checkpoint:
        """The cell's checkpoint; a training that failed in this invocation fails again at once."""
        unit = (cell.method.name, cell.seed)
        if unit in self.failures:
            raise self.failures[unit]
        try:
            return fit(
                cell.method,
                training,
                cell.seed,
                self.request,
                self.store,
                self.progress,
                force=self._force_once(unit),
            )
        except BenchError as error:
            self.failures[unit] = error
            raise

    def _force_once(self, unit: tuple[str, int]) -> bool:
        """Whether `--force` still has to recompute this method's checkpoint in this invocation."""
        name = "/".join(map(str, unit))
        if not self.request.force or name in self.fresh:
            return False
        self.fresh.add(name)
        return True

    def _write_predictions(self, key: str, scores: Scores) -> str | None:
        """Per-item arrays of a cell, one .npy each; returns the folder relative to the store."""
        if not scores.predictions:
            return None
        folder = self.store.predictions(key)
        with atomic_folder(folder) as temporary:
            for name, values in scores.predictions.items():
                np.save(temporary / f"{name}.npy", values, allow_pickle=False)
        return folder.relative_to(self.store.root).as_posix()

    def _end(self, draft: "Draft", status: Any, error: str | None) -> tuple[Record, Path, bool]:
        record = draft.record(status, error)
        path = self.store.record_path(record.key)
        record.write(path)
        return record, path, False


@dataclass
class Draft:
    """A record while its cell runs."""

    cell: Cell
    request: Request
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: str = ""
    dataset: DatasetInfo | None = None
    training_dataset: DatasetInfo | None = None
    ingredients: dict[str, Any] = field(default_factory=dict)
    phases: dict[str, Phase] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def took_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Note the weights and what training them cost."""
        info = checkpoint.info
        self.values.update(
            weights_sha256=checkpoint.sha256,
            parameters=info["parameters"],
            notes=info["notes"],
            training=info.get("training", {}),
        )
        if "ingredients" in info:
            self.ingredients["fit"] = info["ingredients"]
            self.phases["fit"] = phase(checkpoint.key, info)

    def took_features(self, features: Features) -> None:
        """Note the features and what encoding them cost."""
        self.ingredients["encode"] = features.info["ingredients"]
        self.phases["encode"] = phase(features.key, features.info)
        self.values["feature_size"] = int(features.values.shape[1])

    def took_scores(self, scores: Scores, predictions: str | None, seconds: float) -> None:
        """Note the scores and what they cost."""
        self.details.update(scores.details)
        self.values.update(
            metrics=scores.metrics,
            intervals={name: Uncertainty(low=i.low, high=i.high, over=i.over) for name, i in scores.intervals.items()},
            predictions=predictions,
        )
        self.phases["evaluate"] = phase(self.key, {"seconds": seconds, "peak_memory_mb": peak_memory_mb()})

    def record(self, status: Any, error: str | None) -> Record:
        """The finished record. A cell that never came to its key is filed under its specification."""
        method, task = self.cell.method, self.cell.task
        values = self.values if status == "ok" else {}
        specification = {
            "stage": "specification",
            "method": [method.name, method.identity(encoding=False)],
            "task": [task.name, task.identity],
            "seed": self.cell.seed,
            "profile": self.request.profile.name,
            "protocol": self.request.protocol,
            "synthetic": self.request.data_root is None,
        }
        return Record(
            key=self.key or key_of(specification),
            method=method.name,
            task=task.name,
            seed=self.cell.seed,
            profile=self.request.profile.name,
            protocol=self.request.protocol,
            status=status,
            error=error,
            dataset=self.dataset,
            training_dataset=self.training_dataset,
            details=self.details,
            method_config=method.config.model_dump(mode="json"),
            task_config=task.config,
            phases=self.phases,
            ingredients=self.ingredients or {"specification": specification},
            environment=environment(resolve_device(self.request.device)),
            started=self.started,
            ended=datetime.now(UTC),
            **values,
        )


def phase(key: str, info: dict[str, Any]) -> Phase:
    """What a stage cost, from the file that it left."""
    return Phase(key=key, seconds=info["seconds"], peak_memory_mb=info["peak_memory_mb"])


def dataset_info(dataset: Dataset) -> DatasetInfo:
    """A dataset's identity for the record."""
    return DatasetInfo(
        name=dataset.name,
        synthetic=dataset.synthetic,
        digest=dataset.digest,
        images=len(dataset),
        size=dataset.size,
        skipped=dict(dataset.skipped),
    )


def predictions_of(record: Record, store: Store) -> dict[str, np.ndarray]:
    """Per-item arrays of a record, by name."""
    if record.predictions is None:
        return {}
    folder = store.root / record.predictions
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
