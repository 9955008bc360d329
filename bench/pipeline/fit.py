"""The first stage of a cell: the method's weights, trained or taken as they are."""

import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.escaping import file_name
from bench.pipeline.cell import Cell
from bench.pipeline.contact_sheet import write_contact_sheet
from bench.pipeline.context import Context
from bench.pipeline.hooks import fitted, notes_of, pictures_of
from bench.pipeline.keys import packages_of, source_version
from bench.pipeline.memory import PeakMemory
from bench.pipeline.stage import Stage
from bench.pipeline.store import ABOUT, PROGRESS, WEIGHTS
from bench.pipeline.weights import untrained_method
from bench.training.loop import FabricTrainer
from bench.training.precision import resolve_precision
from bench.training.tensors import write_tensors
from datasets.base import Dataset
from datasets.blocks import to_float
from datasets.files import remove, write_with
from datasets.sealed import check_files, digests, find_sealed, write_sealed
from datasets.split import split
from methods.base import Method

# Images on a contact sheet.
SHEET_ROWS = 8
LOOP = "bench.training.loop"


@dataclass(frozen=True)
class Checkpoint:
    """A method's weights in the store (or, for a method without weights, nothing but its key)."""

    key: str
    folder: Path | None
    sha256: str | None
    info: dict[str, Any]

    @property
    def run(self) -> str | None:
        """The invocation that computed it."""
        return self.info.get("run")

    @property
    def weights(self) -> Path | None:
        """The file of the weights, which are what was written: raises Damaged."""
        if self.folder is None:
            return None
        assert self.sha256 is not None, f"the weights in {self.folder} have a digest"
        check_files(self.folder, {WEIGHTS: self.sha256})
        return self.folder / WEIGHTS

    def verify(self) -> None:
        """Compare its files with their digests; raises Damaged."""
        if self.folder is not None:
            check_files(self.folder, self.info["files"])


def fit_stage(cell: Cell, training: Dataset | None, context: Context) -> Stage[Checkpoint]:
    """Train the cell's method on `training`, or take its imported, published or initial weights.

    Features are keyed by the weights, so what rests on a checkpoint follows it by itself.
    """
    spec = cell.method.trained
    trained: dict[str, Any] = {}
    if spec.trains:
        assert training is not None, f"{spec.name} trains, so it needs a training dataset"
        trained = {
            "data": training.digest,
            "split": cell.seeds.split,
            "precision": resolve_precision(spec.config.schedule, context.device),
            **context.hardware,
            **loop_ingredients(),
        }
    ingredients = {"stage": "fit", "method": spec.identity(encoding=False), "seed": cell.seeds.fit, **trained}
    place = context.store.checkpoint
    return Stage(
        name="fit",
        kind="checkpoint",
        ingredients=ingredients,
        data=() if training is None or not spec.trains else (training,),
        open=partial(_stateless, context.run) if spec.cls.stateless else lambda key: open_checkpoint(key, place(key)),
        verify=Checkpoint.verify,
        discard=lambda key: remove(place(key), but=(PROGRESS,)),
        compute=lambda key: train(cell, training, ingredients, place(key), context),
    )


def loop_ingredients() -> dict[str, Any]:
    """What a training depends on besides what is trained: the loop, and what it imports."""
    return {"training": source_version(LOOP), "packages": packages_of(LOOP)}


def open_checkpoint(key: str, folder: Path) -> Checkpoint | None:
    """A finished checkpoint: `checkpoint.json` is written last. Raises Damaged."""
    info = find_sealed(folder / "checkpoint.json")
    return None if info is None else Checkpoint(key, folder, info["files"][WEIGHTS], info)


def train(cell: Cell, training: Dataset | None, ingredients: dict[str, Any], folder: Path, context: Context) -> None:
    """Train a method, or take its weights as they are, and write its checkpoint into `folder`."""
    spec, seeds = cell.method.trained, cell.seeds
    started = time.perf_counter()
    with PeakMemory() as memory:
        method = untrained_method(spec, seeds.fit)
        assert method.module is not None, f"{spec.name} has no weights: it must declare stateless = True"
        summary: dict[str, Any] = {}
        if training is not None:
            about = {"run": context.run, "method": spec.name, "seed": str(seeds)}
            write_sealed(folder / PROGRESS / ABOUT, about)
            trainer = FabricTrainer(
                folder / PROGRESS,
                seed=seeds.fit,
                split_seed=seeds.split,
                device=context.device,
                progress=context.progress,
            )
            summary = fitted(method, training, trainer)
        state = method.module.state_dict()
        write_with(folder / WEIGHTS, lambda path: write_tensors(path, state))
    info = {
        "run": context.run,
        "ingredients": ingredients,
        "parameters": sum(p.numel() for p in method.module.parameters() if p.requires_grad),
        "notes": [
            *notes_of(method),
            *([f"weights imported from {spec.weights.name}"] if spec.weights else []),
        ],
        "training": summary,
        "training_data": None if training is None else training.label,
        "seconds": summary.get("seconds", time.perf_counter() - started),
        "peak_memory_mb": memory.mb,
        "pictures": [],
    }
    if training is not None:
        name = f"{file_name(spec.name.partition('[')[0])}-seed{seeds}.png"
        info["pictures"] = draw(
            method, training, seeds.split, folder / name, f"{spec.name}, trained on {training.label}"
        )
    written = (path for path in folder.iterdir() if path.is_file())
    write_sealed(folder / "checkpoint.json", {**info, "files": digests(written)})
    shutil.rmtree(folder / PROGRESS, ignore_errors=True)


def draw(method: Method, dataset: Dataset, split_seed: int, target: Path, title: str) -> list[dict[str, Any]]:
    """Show what a method makes of images that training on `dataset` holds out (those that decide when to stop).

    Returns what was drawn, as JSON (`bench.pipeline.records.PictureFile`).
    """
    assert method.module is not None, f"{title}: no weights to draw with"
    shown = split(len(dataset), split_seed)[1][:SHEET_ROWS]
    device = next(method.module.parameters()).device
    with torch.inference_mode():
        pictures = pictures_of(method, to_float(dataset.images[shown], device))
    if not pictures:
        return []
    rows = [f"image {index}" for index in shown]
    return [write_contact_sheet(pictures, target, title=title, rows=rows).model_dump(mode="json")]


def _stateless(run: str, key: str) -> Checkpoint:
    """What stands for the weights of a method that has none, in every run."""
    return Checkpoint(key, None, None, {"run": run, "parameters": 0, "notes": []})
