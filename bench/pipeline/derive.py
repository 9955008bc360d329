"""The second stage, of methods that have one: what encoding needs besides weights, from a labelled dataset."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.escaping import file_name
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.fit import Checkpoint, draw
from bench.pipeline.hooks import derived as derived_by
from bench.pipeline.hooks import notes_of
from bench.pipeline.memory import PeakMemory
from bench.pipeline.stage import Stage
from bench.pipeline.weights import load_method
from bench.timing import part
from bench.training.tensors import read_tensors, write_tensors
from datasets.base import Dataset
from datasets.files import atomic_folder, remove
from datasets.sealed import check_files, digests, find_sealed, write_sealed
from datasets.streams import seed_for

TENSORS = "derived.safetensors"


@dataclass(frozen=True)
class Derived:
    """What a method computed from a labelled dataset besides its weights."""

    key: str
    folder: Path
    sha256: str
    info: dict[str, Any]

    @property
    def run(self) -> str | None:
        """The invocation that computed it."""
        return self.info.get("run")

    def tensors(self) -> dict[str, Tensor]:
        """What was computed, on the CPU; raises Damaged."""
        check_files(self.folder, {TENSORS: self.sha256})
        return read_tensors(self.folder / TENSORS)

    def verify(self) -> None:
        """Compare its files with their digests; raises Damaged."""
        check_files(self.folder, self.info["files"])


def derive_stage(cell: Cell, checkpoint: Checkpoint, dataset: Dataset, context: Context) -> Stage[Derived]:
    """Compute what the cell's method derives from `dataset`."""
    spec, seed = cell.method, cell.seeds.fit
    ingredients = {
        "stage": "derive",
        "method": spec.identity(encoding=True),
        "weights": checkpoint.sha256,
        "data": dataset.digest,
        "seed": seed,
        **context.hardware,
    }
    place = context.store.derived

    def compute(key: str) -> None:
        started = time.perf_counter()
        with PeakMemory() as memory:
            method = load_method(spec, seed, context.device, weights=checkpoint.weights, derived=None)
            stream = seed_for(seed, "derive", spec.name)
            with part("network"), torch.inference_mode():
                tensors = derived_by(method, dataset, seed=stream, progress=context.progress)
                method.use(tensors)
        with atomic_folder(place(key)) as temporary:
            write_tensors(temporary / TENSORS, tensors)
            drawn = []
            if method.module is not None:
                picture = temporary / f"{file_name(spec.name)}-seed{seed}.png"
                drawn = draw(method, dataset, seed, picture, f"{spec.name}, derived from {dataset.label}")
            info = {
                "run": context.run,
                "ingredients": ingredients,
                "data": dataset.label,
                "notes": notes_of(method),
                "pictures": drawn,
                "seconds": time.perf_counter() - started,
                "peak_memory_mb": memory.mb,
            }
            write_sealed(temporary / "derived.json", {**info, "files": digests(temporary.iterdir())})

    return Stage(
        name="derive",
        kind="derived",
        ingredients=ingredients,
        data=(dataset,),
        open=lambda key: open_derived(key, place(key)),
        verify=Derived.verify,
        discard=lambda key: remove(place(key)),
        compute=compute,
    )


def open_derived(key: str, folder: Path) -> Derived | None:
    """A finished artifact: the folder is renamed into place. Raises Damaged."""
    info = find_sealed(folder / "derived.json")
    return None if info is None else Derived(key, folder, info["files"][TENSORS], info)
