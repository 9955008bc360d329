"""Where everything computed lies, and the locks that keep two runs from computing the same thing twice.

data/           prepared datasets (see datasets.prepared)
checkpoints/K/  weights.safetensors, checkpoint.json; progress/ while a training is under way
features/K/     features.npy, features.json
records/K.json  one record per cell
derived/K/      what a method computes from a labelled dataset besides its weights (a catalogue of parts)
predictions/K/  per-item arrays and pictures of a cell, learning curves of what its task trained
evaluations/K/  state of a cell's own trainings while they are under way
weights/        checkpoints of other code, taken over by `bench import-weights`
invocations/    one manifest per run
charts/         charts and pictures of reports, drawn once
suites/store/   a store like this of what `bench calibrate` and `bench check` run
locks/          who computes what
mlflow.db       the default tracking store; mlartifacts/ beside it
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.pipeline.records import Record
from datasets.base import Progress
from datasets.errors import BenchError
from datasets.files import remove
from datasets.leftovers import sweep
from datasets.sealed import check_files, leaving_out_damaged

# Of a checkpoint: its weights, the folder where a training goes on after a kill, and what in it says whose that is.
WEIGHTS, PROGRESS, ABOUT = "weights.safetensors", "progress", "training.json"


class Store:
    """The folder of artifacts; see the module for its layout."""

    def __init__(self, root: Path) -> None:
        root = self.root = root.absolute()  # wherever other people's code goes meanwhile
        try:
            for name in (
                "data",
                "checkpoints",
                "features",
                "records",
                "derived",
                "predictions",
                "evaluations",
                "weights",
                "invocations",
                "locks",
            ):
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchError(f"cannot write to the store {root}: {error.strerror}; choose one with --store") from error
        if not os.access(root, os.W_OK):
            raise BenchError(f"cannot write to the store {root}: permission denied; choose one with --store")

    @property
    def data(self) -> Path:
        """Folder of prepared datasets."""
        return self.root / "data"

    def checkpoint(self, key: str) -> Path:
        """Folder of a checkpoint; complete once it holds checkpoint.json."""
        return self.root / "checkpoints" / key

    def weights(self, name: str) -> Path:
        """File of imported weights."""
        return self.root / "weights" / f"{name}.safetensors"

    def derived(self, key: str) -> Path:
        """Folder of what a method derived; complete once it holds derived.json."""
        return self.root / "derived" / key

    def evaluation(self, key: str) -> Path:
        """Folder of the state of the trainings that a cell's evaluation is made of."""
        return self.root / "evaluations" / key

    def features(self, key: str) -> Path:
        """Folder of encoded features; complete once it holds features.json."""
        return self.root / "features" / key

    def predictions(self, key: str) -> Path:
        """Folder of a cell's per-item arrays."""
        return self.root / "predictions" / key

    def record_path(self, key: str) -> Path:
        """File of a cell's record."""
        return self.root / "records" / f"{key}.json"

    def record(self, key: str) -> Record | None:
        """A cell's finished record, or None: failed cells are tried again. Raises Damaged."""
        try:
            record = Record.read(self.record_path(key))
        except FileNotFoundError:
            return None
        self.check_predictions(record)
        return record if record.status == "ok" else None

    def check_predictions(self, record: Record) -> None:
        """Compare what a record keeps in its folder of predictions with its digests; raises Damaged."""
        if record.predictions is not None:
            check_files(self.root / record.predictions, record.files)

    def discard_record(self, key: str) -> None:
        """Forget a cell's record and per-item arrays, so that they are computed again."""
        remove(self.record_path(key))
        remove(self.predictions(key))

    def records(self) -> Iterator[Record]:
        """Every record, in the order of their files' names; a damaged one is said and left out."""
        for path in sorted((self.root / "records").glob("*.json")):
            with leaving_out_damaged():
                yield Record.read(path)

    def sweep(self) -> int:
        """Remove temporary files that killed processes have left, and no others; returns how many."""
        outside = [self.root.parent / "tables", self.root.parent / "reports"]
        folders = [folder for folder in self.root.iterdir() if folder.is_dir() and folder.name != "mlartifacts"]
        inside = [entry for folder in folders for entry in folder.iterdir() if entry.is_dir()]
        return sweep([self.root, *outside, *folders, *inside])

    @contextmanager
    def lock(self, kind: str, key: str, progress: Progress) -> Iterator[None]:
        """Hold the only right to compute an artifact; says so when another run holds it, then waits for it.

        The lock is the operating system's: it goes with the process, killed or not.
        """
        lock = FileLock(self.root / "locks" / f"{kind}-{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.say(f"waiting for another run that computes {kind} {key[:8]}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
