"""One cell, from its specification to its record; whatever goes wrong becomes the record's error."""

import re
import shutil
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.grid.request import Request
from bench.pipeline.data import Data, dataset_entry
from bench.pipeline.encode import Derived, Features, derive, encode, load_method
from bench.pipeline.environment import resolve_device
from bench.pipeline.fit import Checkpoint, fit
from bench.pipeline.keys import key_of
from bench.pipeline.plan import Cell, evaluate_ingredients
from bench.pipeline.record_builder import Draft, dataset_info
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.timing import span
from bench.training.loop import FabricTrainer
from datasets.base import Dataset, Progress
from datasets.errors import BenchError, NotApplicable, ResourceMissing
from datasets.files import atomic_folder
from datasets.streams import seed_for
from tasks.base import FeatureTask, Scores, TrainingTask


@dataclass
class CellRunner:
    """Runs cells of one request against one store.

    It remembers, within one invocation only, which trainings failed, so that a method that diverges is not trained
    again for each of its tasks.
    """

    request: Request
    store: Store
    progress: Progress
    failures: dict[str, BenchError] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    data: Data = field(init=False)

    def __post_init__(self) -> None:
        self.data = Data(self.request, self.store)

    def run(self, cell: Cell) -> tuple[Record, Path, bool]:
        """The cell's record, its file, and whether it was there already. Only KeyboardInterrupt escapes."""
        draft = Draft(cell, self.request)
        try:
            if cell.not_applicable is not None:
                return self._end(draft, "not_applicable", cell.not_applicable)
            return self._run(cell, draft)
        except NotApplicable as error:
            return self._end(draft, "not_applicable", str(error))
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

    def _run(self, cell: Cell, draft: Draft) -> tuple[Record, Path, bool]:
        size = cell.method.size
        dataset = self.data.prepare(dataset_entry(cell.task), size, self.progress)
        draft.dataset = dataset_info(dataset)
        training = None
        if cell.training_entry is not None:
            training = self.data.prepare(cell.training_entry, size, self.progress)
            draft.training_dataset = dataset_info(training)
        checkpoint = self._fit(cell, training)
        draft.took_checkpoint(checkpoint)
        derived = self._derive(cell, checkpoint)
        if derived is not None:
            draft.took_derived(derived)
        frames = cell.frames(dataset)
        features = self._encode(cell, checkpoint, derived, dataset, frames)
        if features is not None:
            draft.took_features(features)
        device = resolve_device(self.request.device)
        encode_key = None if features is None else features.key
        ingredients = evaluate_ingredients(cell, self.request, dataset, frames, checkpoint, derived, encode_key, device)
        draft.key = key_of(ingredients)
        draft.ingredients["evaluate"] = ingredients
        if self.request.force:
            self.store.discard_record(draft.key)
        if (found := self.store.record(draft.key)) is not None:
            return found, self.store.record_path(draft.key), True
        started = time.perf_counter()
        scores = self._evaluate(cell, checkpoint, derived, features, dataset, frames, draft.key)
        draft.took_scores(scores, self._write_predictions(cell, draft.key, scores), time.perf_counter() - started)
        return self._end(draft, "ok", None)

    def _fit(self, cell: Cell, training: Dataset | None) -> Checkpoint:
        """The cell's checkpoint; a training that failed in this invocation fails again at once."""
        unit = cell.checkpoint_group
        if unit in self.failures:
            raise self.failures[unit]
        try:
            return fit(
                cell.method.trained,
                training,
                cell.seeds,
                self.request,
                self.store,
                self.progress,
                force=self._force_once("fit", unit),
            )
        except BenchError as error:
            self.failures[unit] = error
            raise

    def _derive(self, cell: Cell, checkpoint: Checkpoint) -> Derived | None:
        """What the cell's method derives from a labelled dataset, if it does."""
        if cell.derived_entry is None:
            return None
        dataset = self.data.prepare(cell.derived_entry, cell.method.size, self.progress)
        force = self._force_once("derive", f"{cell.method.name}/{checkpoint.key}")
        return derive(
            cell.method, checkpoint, dataset, cell.seeds.fit, self.request, self.store, self.progress, force=force
        )

    def _encode(
        self, cell: Cell, checkpoint: Checkpoint, derived: Derived | None, dataset: Dataset, frames: np.ndarray
    ) -> Features | None:
        """The features of the cell's images, where they are encoded beforehand."""
        if not cell.encodes:
            return None
        return encode(
            cell.method,
            checkpoint,
            derived,
            cell.task,
            dataset,
            frames,
            cell.seeds.fit,
            self.request,
            self.store,
            self.progress,
            force=self.request.force,
        )

    def _evaluate(
        self,
        cell: Cell,
        checkpoint: Checkpoint,
        derived: Derived | None,
        features: Features | None,
        dataset: Dataset,
        frames: np.ndarray,
        key: str,
    ) -> Scores:
        """The task's scores; a task that trains goes on from where it was interrupted."""
        task, seed = cell.task.task, seed_for(cell.seeds.evaluate, "evaluate", cell.task.name)
        if isinstance(task, FeatureTask):
            assert features is not None, "feature tasks have their images encoded"
            with span("cluster"):
                return task.evaluate(features.values, dataset, frames=frames, seed=seed, progress=self.progress)
        assert isinstance(task, TrainingTask), f"{cell.task.name} is neither a FeatureTask nor a TrainingTask"
        device = resolve_device(self.request.device)
        folder = self.store.evaluation(key)
        with self.store.lock("evaluation", key, self.progress):
            trainer = FabricTrainer(
                folder, seed=cell.seeds.evaluate, device=device, progress=self.progress, label=cell.task.name
            )
            with span("network"):
                scores = task.evaluate(
                    None if features is None else features.values,
                    lambda: load_method(cell.method, checkpoint, derived, cell.seeds.fit, device),
                    dataset,
                    frames=frames,
                    seed=seed,
                    trainer=trainer,
                    device=device,
                    progress=self.progress,
                )
        shutil.rmtree(folder, ignore_errors=True)
        return scores

    def _force_once(self, stage: str, unit: str) -> bool:
        """Whether `--force` still has to recompute this artifact in this invocation."""
        name = f"{stage}/{unit}"
        if not self.request.force or name in self.fresh:
            return False
        self.fresh.add(name)
        return True

    def _write_predictions(self, cell: Cell, key: str, scores: Scores) -> str | None:
        """Per-item arrays of a cell, one .npy each, and its pictures, one .png each, whose names say whose they are;
        returns the folder relative to the store."""
        if not scores.predictions and not scores.pictures:
            return None
        folder, prefix = self.store.predictions(key), re.sub(r"[^\w.-]+", "-", cell.name)
        with atomic_folder(folder) as temporary:
            for name, values in scores.predictions.items():
                np.save(temporary / f"{name}.npy", values, allow_pickle=False)
            for name, picture in scores.pictures.items():
                Image.fromarray(picture).save(temporary / f"{prefix}-{name}.png")
        return folder.relative_to(self.store.root).as_posix()

    def _end(self, draft: Draft, status: Any, error: str | None) -> tuple[Record, Path, bool]:
        record = draft.record(status, error)
        path = self.store.record_path(record.key)
        record.write(path)
        return record, path, False


def predictions_of(record: Record, store: Store) -> dict[str, np.ndarray]:
    """Per-item arrays of a record, by name."""
    if record.predictions is None:
        return {}
    folder = store.root / record.predictions
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
