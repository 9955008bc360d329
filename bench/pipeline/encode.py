"""The stages after the checkpoint: what a method derives besides its weights, and the features it encodes."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.grid.request import Request
from bench.pipeline.encoding import stores_bits, write_features
from bench.pipeline.environment import resolve_device
from bench.pipeline.fit import Checkpoint, draw, load_weights, once, peak_memory_mb
from bench.pipeline.keys import key_of, source_version
from bench.pipeline.specs import MethodSpec, TaskSpec, file_digest
from bench.pipeline.store import Store
from bench.timing import span
from bench.training.tensors import read_tensors, write_tensors
from datasets.base import Dataset, Progress
from datasets.errors import BenchError
from datasets.files import atomic_folder, read_json, write_json
from datasets.packed import Matrix, PackedBits
from datasets.streams import seed_for
from methods.base import Method


@dataclass(frozen=True)
class Derived:
    """What a method computed from a labelled dataset besides its weights."""

    key: str
    folder: Path
    sha256: str
    info: dict[str, Any]


@dataclass(frozen=True)
class Features:
    """Encoded features in the store, (n, d) float32 behind a memory map, or packed bits behind one."""

    key: str
    values: Matrix
    info: dict[str, Any]


def derive_ingredients(spec: MethodSpec, checkpoint: Checkpoint, dataset: Dataset, seed: int) -> dict[str, Any]:
    """What a derived artifact depends on."""
    return {
        "stage": "derive",
        "method": spec.identity(encoding=True),
        "weights": checkpoint.sha256,
        "data": dataset.digest,
        "seed": seed,
    }


def encode_ingredients(
    spec: MethodSpec,
    checkpoint: Checkpoint,
    derived: Derived | None,
    task: TaskSpec,
    dataset: Dataset,
    frames: np.ndarray,
) -> dict[str, Any]:
    """What features depend on. Without weights there is nothing that the seed could change."""
    return {
        "stage": "encode",
        "method": spec.identity(encoding=True),
        "weights": checkpoint.sha256,
        **({} if derived is None else {"derived": derived.sha256}),
        "data": dataset.digest,
        "frames": hashlib.sha256(frames.astype("<i8").tobytes()).hexdigest()[:16],
        "reduce": task.task.reduce,
        "input_scale": task.task.input_scale,
        "encoding": source_version("bench.pipeline.encoding"),
        "precision": "32-true",
    }


def derive(
    spec: MethodSpec,
    checkpoint: Checkpoint,
    dataset: Dataset,
    seed: int,
    request: Request,
    store: Store,
    progress: Progress,
    *,
    force: bool = False,
) -> Derived:
    """Compute what a method derives from `dataset`, once."""
    ingredients = derive_ingredients(spec, checkpoint, dataset, seed)
    key = key_of(ingredients)
    folder = store.derived(key)

    def compute() -> None:
        started = time.perf_counter()
        method = load_method(spec, checkpoint, None, seed, resolve_device(request.device))
        stream = seed_for(seed, "derive", spec.name)
        with span("network"), torch.inference_mode():
            tensors = method.derive(dataset, seed=stream, progress=progress)
            method.use(tensors)
        with atomic_folder(folder) as temporary:
            write_tensors(temporary / "derived.safetensors", tensors)
            if method.module is not None:
                sheet = temporary / f"{spec.name.replace(':', '-')}-seed{seed}.png"
                draw(method, dataset, seed, sheet, f"{spec.name}, derived from {dataset.label}")
            info = {
                "ingredients": ingredients,
                "sha256": file_digest(temporary / "derived.safetensors"),
                "data": dataset.label,
                "notes": method.notes(),
                "seconds": time.perf_counter() - started,
                "peak_memory_mb": peak_memory_mb(),
            }
            write_json(temporary / "derived.json", info)

    return once("derived", key, folder, open_derived, compute, store, progress, force=force)


def open_derived(key: str, folder: Path) -> Derived | None:
    if not (folder / "derived.json").is_file():
        return None
    info = read_json(folder / "derived.json")
    return Derived(key, folder, info["sha256"], info)


def encode(
    spec: MethodSpec,
    checkpoint: Checkpoint,
    derived: Derived | None,
    task: TaskSpec,
    dataset: Dataset,
    frames: np.ndarray,
    seed: int,
    request: Request,
    store: Store,
    progress: Progress,
    *,
    force: bool = False,
) -> Features:
    """Encode the images `frames` of a task once, in blocks, straight into a file; `force` encodes them again."""
    if len(frames) == 0:
        raise BenchError(f"{dataset.label} has no image to encode")
    if task.task.reduce == "track_mean" and dataset.tracks is None:
        raise BenchError(f"{task.name} averages over tracks, but {dataset.label} has none")
    ingredients = encode_ingredients(spec, checkpoint, derived, task, dataset, frames)
    key = key_of(ingredients)
    folder = store.features(key)

    def compute() -> None:
        started = time.perf_counter()
        device = resolve_device(request.device)
        method = load_method(spec, checkpoint, derived, seed, device)
        by_track = task.task.reduce == "track_mean"
        with atomic_folder(folder) as temporary:
            with span("network"):
                shape = write_features(
                    method,
                    dataset,
                    frames,
                    temporary / "features.npy",
                    device=device,
                    by_track=by_track,
                    scale=task.task.input_scale,
                    progress=progress,
                    what=f"{task.name}: encode",
                )
            info = {
                "ingredients": ingredients,
                "shape": shape,
                "form": "bits" if stores_bits(method, by_track=by_track) else "float32",
                "seconds": time.perf_counter() - started,
                "peak_memory_mb": peak_memory_mb(),
            }
            write_json(temporary / "features.json", info)

    return once("features", key, folder, open_features, compute, store, progress, force=force)


def open_features(key: str, folder: Path) -> Features | None:
    if not (folder / "features.json").is_file():
        return None
    info, stored = read_json(folder / "features.json"), np.load(folder / "features.npy", mmap_mode="r")
    return Features(key, PackedBits(stored, info["shape"][1]) if info["form"] == "bits" else stored, info)


def load_method(spec: MethodSpec, checkpoint: Checkpoint, derived: Derived | None, seed: int, device: str) -> Method:
    """The method with the checkpoint's weights and what it derived, in eval mode on the device."""
    method = spec.build(seed)
    if checkpoint.folder is not None and method.module is not None:
        load_weights(method, checkpoint.folder / "weights.safetensors", spec.name)
    if method.module is not None:
        method.module.to(device).eval()
        for value in (*method.module.parameters(), *method.module.buffers()):
            if value.dim() == 4:  # `Module.to(memory_format=...)` fails where a weight has five dimensions
                value.data = value.data.contiguous(memory_format=torch.channels_last)
    if derived is not None:
        tensors = read_tensors(derived.folder / "derived.safetensors")
        method.use({name: value.to(device) for name, value in tensors.items()})
    return method
