"""The third stage: the features of a task's images."""

import hashlib
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.derive import Derived
from bench.pipeline.encoding import stores_bits, write_features
from bench.pipeline.fit import Checkpoint
from bench.pipeline.keys import source_version
from bench.pipeline.memory import PeakMemory
from bench.pipeline.stage import Stage
from bench.pipeline.weights import load_method
from bench.timing import part
from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.files import atomic_folder, remove
from datasets.packed import Matrix, PackedBits
from datasets.sealed import check_files, digests, find_sealed, read_array, write_sealed

VALUES = "features.npy"


@dataclass(frozen=True)
class Features:
    """Encoded features in the store."""

    key: str
    folder: Path
    info: dict[str, Any]

    @cached_property
    def values(self) -> Matrix:
        """(n, d) float32 behind a memory map, or packed bits behind one; raises Damaged."""
        self.verify()
        stored = read_array(self.folder / VALUES)
        return PackedBits(stored, self.size) if self.info["form"] == "bits" else stored

    @property
    def size(self) -> int:
        """Features per row."""
        return int(self.info["shape"][1])

    def verify(self) -> None:
        """Compare its files with their digests; raises Damaged."""
        check_files(self.folder, self.info["files"])

    @property
    def run(self) -> str | None:
        """The invocation that computed them."""
        return self.info.get("run")


def input_scale(cell: Cell) -> float:
    """What images in [0, 1] are multiplied by before they are encoded: a method may have frames of tracks fed as they
    lie on disk (`MethodConfig.track_scale`)."""
    return float(cell.method.config.track_scale) if cell.task.task.reduce == "track_mean" else 1.0


def encode_ingredients(
    cell: Cell,
    checkpoint: Checkpoint,
    derived: Derived | None,
    dataset: Dataset,
    frames: Int[np.ndarray, " m"],
    context: Context,
) -> dict[str, Any]:
    """What features depend on. Without weights there is nothing that the seed could change."""
    task = cell.task.task
    return {
        "stage": "encode",
        "method": cell.method.identity(encoding=True),
        "weights": checkpoint.sha256,
        **({} if derived is None else {"derived": derived.sha256}),
        "data": dataset.digest,
        "frames": hashlib.sha256(frames.astype("<i8").tobytes()).hexdigest()[:16],
        "reduce": task.reduce,
        "input_scale": input_scale(cell),
        "encoding": source_version("bench.pipeline.encoding"),
        "precision": "32-true",
        **context.hardware,
    }


def encode_stage(
    cell: Cell,
    checkpoint: Checkpoint,
    derived: Derived | None,
    dataset: Dataset,
    frames: Int[np.ndarray, " m"],
    context: Context,
) -> Stage[Features]:
    """Encode the images `frames` of the cell's task in blocks, straight into a file."""
    task, name = cell.task.task, cell.task.label
    by_track = task.reduce == "track_mean"
    ingredients = encode_ingredients(cell, checkpoint, derived, dataset, frames, context)
    place = context.store.features

    def compute(key: str) -> None:
        if len(frames) == 0:
            raise BenchError(f"{dataset.label} has no image to encode")
        if by_track and dataset.tracks is None:
            raise BenchError(f"{name} averages over tracks, but {dataset.label} has none")
        started = time.perf_counter()
        tensors = None if derived is None else derived.tensors()
        with atomic_folder(place(key)) as temporary:
            with PeakMemory() as memory, part("network"):
                method = load_method(
                    cell.method, cell.seeds.fit, context.device, weights=checkpoint.weights, derived=tensors
                )
                shape = write_features(
                    method,
                    dataset,
                    frames,
                    temporary / VALUES,
                    device=context.device,
                    by_track=by_track,
                    scale=input_scale(cell),
                    progress=context.progress,
                    what=f"{name}: encode",
                )
            info = {
                "run": context.run,
                "ingredients": ingredients,
                "shape": shape,
                "form": "bits" if stores_bits(method, by_track=by_track) else "float32",
                "seconds": time.perf_counter() - started,
                "peak_memory_mb": memory.mb,
            }
            write_sealed(temporary / "features.json", {**info, "files": digests(temporary.iterdir())})

    return Stage(
        name="encode",
        kind="features",
        ingredients=ingredients,
        data=(dataset,),
        open=lambda key: open_features(key, place(key)),
        verify=Features.verify,
        discard=lambda key: remove(place(key)),
        compute=compute,
    )


def open_features(key: str, folder: Path) -> Features | None:
    """Finished features: the folder is renamed into place. Raises Damaged."""
    info = find_sealed(folder / "features.json")
    return None if info is None else Features(key, folder, info)
