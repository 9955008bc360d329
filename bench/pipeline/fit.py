"""The first stage of a cell, fit, and what all stages share; `bench.pipeline.encode` has the others.

A stage is a pure function of its specification and the store.

Every stage looks for its artifact first, takes the artifact's lock, looks again, computes, and renames the result
into place. What it returns says where the value lies and what it cost, whoever computed it.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch

from bench.grid.request import Request
from bench.grid.seeds import Seeds
from bench.pipeline.contact_sheet import contact_sheet
from bench.pipeline.environment import resolve_device
from bench.pipeline.keys import key_of, source_version
from bench.pipeline.specs import MethodSpec, file_digest
from bench.pipeline.store import Store
from bench.timing import span
from bench.training.loop import FabricTrainer
from bench.training.precision import resolve_precision
from bench.training.tensors import read_tensors, write_tensors
from datasets.base import Dataset, Progress
from datasets.errors import BenchError
from datasets.files import read_json, write_json, write_with
from datasets.split import split
from methods.base import Method, to_float

SHEET_ROWS = 8
T = TypeVar("T")


@dataclass(frozen=True)
class Checkpoint:
    """A method's weights in the store (or, for a method without weights, nothing but its key)."""

    key: str
    folder: Path | None
    sha256: str | None
    info: dict[str, Any]


def fit_ingredients(spec: MethodSpec, training: Dataset | None, seeds: Seeds, device: str) -> dict[str, Any]:
    """What a checkpoint depends on."""
    trained: dict[str, Any] = {}
    if spec.trains:
        assert training is not None, f"{spec.name} trains, so it needs a training dataset"
        trained = {
            "data": training.digest,
            "split": seeds.split,
            "precision": resolve_precision(spec.config.schedule, device),
            "training": source_version("bench.training.loop"),
        }
    return {"stage": "fit", "method": spec.identity(encoding=False), "seed": seeds.fit, **trained}


def fit(
    spec: MethodSpec,
    training: Dataset | None,
    seeds: Seeds,
    request: Request,
    store: Store,
    progress: Progress,
    *,
    force: bool = False,
) -> Checkpoint:
    """Train a method (or take its initial weights) unless the store has the checkpoint.

    `force` discards a finished checkpoint first; features are keyed by the weights, so they follow by themselves.
    """
    device = resolve_device(request.device)
    ingredients = fit_ingredients(spec, training, seeds, device)
    key = key_of(ingredients)
    if spec.cls.stateless:
        return Checkpoint(key, None, None, {"parameters": 0, "notes": []})
    folder = store.checkpoint(key)

    def compute() -> None:
        train(spec, training, seeds, ingredients, folder, device, progress)

    return once("checkpoint", key, folder, open_checkpoint, compute, store, progress, force=force)


def once(
    kind: str,
    key: str,
    folder: Path,
    opened: Callable[[str, Path], T | None],
    compute: Callable[[], None],
    store: Store,
    progress: Progress,
    *,
    force: bool,
) -> T:
    """The artifact in `folder` as `opened` gives it, computed first if it is not there.

    Whoever holds its lock looks again, since another run may have computed it meanwhile; `force` discards it instead.
    """
    if not force and (found := opened(key, folder)) is not None:
        return found
    with store.lock(kind, key, progress):
        if force:
            shutil.rmtree(folder, ignore_errors=True)
        if (found := opened(key, folder)) is None:
            compute()
            found = opened(key, folder)
    assert found is not None, f"{folder} was just written"
    return found


def train(
    spec: MethodSpec,
    training: Dataset | None,
    seeds: Seeds,
    ingredients: dict[str, Any],
    folder: Path,
    device: str,
    progress: Progress,
) -> None:
    """Train a method, or take its imported or initial weights, and write its checkpoint into `folder`."""
    started = time.perf_counter()
    method = spec.build(seeds.fit)
    assert method.module is not None, f"{spec.name} has no weights: it must declare stateless = True"
    summary: dict[str, Any] = {}
    if spec.weights is not None:
        load_weights(method, spec.weights, spec.name)
    else:
        method.load_published()
    if training is not None:
        trainer = FabricTrainer(
            folder / "progress", seed=seeds.fit, split_seed=seeds.split, device=device, progress=progress
        )
        with span("network"):
            summary = method.fit(training.images, trainer)
    weights, state = folder / "weights.safetensors", method.module.state_dict()
    write_with(weights, lambda path: write_tensors(path, state))
    info = {
        "ingredients": ingredients,
        "sha256": file_digest(weights),
        "parameters": sum(p.numel() for p in method.module.parameters() if p.requires_grad),
        "notes": [
            *method.notes(),
            *([f"weights imported from {spec.weights.name}"] if spec.weights else []),
        ],
        "training": summary,
        "training_data": None if training is None else training.label,
        "seconds": summary.get("seconds", time.perf_counter() - started),
        "peak_memory_mb": peak_memory_mb(),
    }
    if training is not None:
        name = f"{spec.name.partition('[')[0].replace(':', '-')}-seed{seeds}.png"
        title = f"{spec.name}, trained on {training.label}"
        draw(method, training, seeds.split, folder / name, title)
    write_json(folder / "checkpoint.json", info)
    shutil.rmtree(folder / "progress", ignore_errors=True)


def draw(method: Method, dataset: Dataset, split_seed: int, target: Path, title: str) -> None:
    """Show what a method makes of images that training on `dataset` holds out (those that decide when to stop)."""
    assert method.module is not None, f"{title}: no weights to draw with"
    shown = split(len(dataset), split_seed)[1][:SHEET_ROWS]
    device = next(method.module.parameters()).device
    with torch.inference_mode():
        pictures = method.pictures(to_float(dataset.images[shown], device))
    if pictures:
        contact_sheet(pictures, target, title=title)


def open_checkpoint(key: str, folder: Path) -> Checkpoint | None:
    if not (folder / "checkpoint.json").is_file():
        return None
    info = read_json(folder / "checkpoint.json")
    return Checkpoint(key, folder, info["sha256"], info)


def load_weights(method: Method, path: Path, name: str) -> None:
    """Load safetensors into a method; keys and shapes that do not fit are one `BenchError` naming the first."""
    assert method.module is not None, f"{name} has no weights to load"
    state, wanted = read_tensors(path), method.module.state_dict()
    for key, value in wanted.items():
        if key not in state:
            raise BenchError(f"{path.name} lacks {key}: these are not weights of {name} at this configuration")
        if state[key].shape != value.shape:
            raise BenchError(
                f"{path.name}: {key} has shape {tuple(state[key].shape)}, {name} at this configuration needs "
                f"{tuple(value.shape)}"
            )
    if extra := sorted(set(state) - set(wanted)):
        raise BenchError(f"{path.name} has {extra[0]}, which {name} at this configuration does not know")
    # Assigned, not copied: a large network may have been built without memory of its own (on the meta device).
    method.module.load_state_dict(state, assign=True)


def peak_memory_mb() -> float:
    """Peak resident memory of this process in MiB (on a GPU run, of the host)."""
    info = psutil.Process().memory_info()
    peak = getattr(info, "peak_wset", 0)
    if not peak:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return round(peak / 2**20, 1)
