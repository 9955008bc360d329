"""Photographs taken apart and rendered again by a trained model from the store, and how typical they are for it."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from bench.grid.catalogue import METHODS, TASKS
from bench.grid.registry import Entry
from bench.grid.request import Request
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.fit import Checkpoint, open_checkpoint
from bench.pipeline.keys import key_of, source_version
from bench.pipeline.single import single, walked
from bench.pipeline.specs import MethodSpec, task_spec
from bench.pipeline.status import CellStatus
from bench.pipeline.walk import look
from bench.training.device import DEVICES
from bench.training.precision import Precision
from datasets.base import Dataset
from datasets.blocks import blocks, to_float
from datasets.errors import BenchError, DatasetMissing, NotApplicable
from datasets.images import Unreadable, is_image, read_photograph
from datasets.sealed import Damaged, read_sealed, write_sealed
from datasets.split import split
from methods.base import Domain
from methods.pdr.method import PDR
from methods.pdr.relight import PredictedScenes, predict_scenes

# Of the images that training never saw, the share that an image must be less typical than to be warned of.
TYPICAL = 0.95
# Images that this is measured on, at most, and how many at a time.
MEASURED, BATCH = 500, 50
MOST_IMAGES = 64
# A task whose run trains the model of each kind of object.
TASK: dict[Domain, str] = {"faces": "bbt", "cars": "shapenet_cars"}


@dataclass(frozen=True)
class Trained:
    """A trained model that can take images apart.

    Attributes
    ----------
    training: what it was trained on; None for imported weights.
    typical: the misfit that 95 % of the images stay below that training never saw; None where there are none.
    """

    spec: MethodSpec
    checkpoint: Checkpoint
    method: PDR
    training: Dataset | None
    typical: float | None

    def scenes(self, images: UInt8[np.ndarray, "n s s 3"]) -> tuple[PredictedScenes, Float[Tensor, " n"]]:
        """Images as scenes, and how badly each scene accounts for its image (`methods.pdr.relight.misfit`)."""
        return predict_scenes(self.method.module, self.method.config, to_float(images))


def renderable(entry: Entry) -> None:
    """Raise where a method has no scene to render: it is no PDR, or is never trained to find one."""
    cls, target = entry.load(), f"{PDR.__module__}:{PDR.__qualname__}"
    names = [name for name, other in METHODS.entries().items() if other.target == target]
    expected = f"expected {', '.join(names[:-1])} or {names[-1]}"
    if not (isinstance(cls, type) and issubclass(cls, PDR)):
        raise NotApplicable(f"{entry.name} cannot be de-rendered, since it predicts no scene: {expected}")
    if not cls.trains:
        raise NotApplicable(f"{entry.name} is never trained to take images apart: {expected}")


def find_domain(name: str) -> Domain:
    """A kind of object by name."""
    known: tuple[Domain, ...] = get_args(Domain)
    for domain in known:
        if name == domain:
            return domain
    raise BenchError(f"--domain {name!r}: expected {' or '.join(get_args(Domain))}")


def find_images(places: Sequence[Path]) -> list[Path]:
    """Files as they are named, and a folder's images by name; one that is not there is a `BenchError`."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(path for path in place.iterdir() if path.is_file() and is_image(path.name))
            if not inside:
                raise BenchError(f"no image in {place}: expected .jpg, .png or other image files right inside it")
            found += inside
        elif place.exists():
            found.append(place)
        else:
            raise BenchError(f"{place}: no such file; expected an image or a folder of images")
    if len(found) > MOST_IMAGES:
        raise BenchError(f"{len(found)} images: a sheet shows at most {MOST_IMAGES}; name fewer")
    return found


def read_images(paths: Sequence[Path], size: int) -> UInt8[np.ndarray, "n size size 3"]:
    """Photographs as the model takes them: upright, the centred square, `size` pixels."""
    images = []
    for path in paths:
        try:
            images.append(read_photograph(path, size))
        except Unreadable as error:
            raise BenchError(f"{path}: {error}") from error
    return np.stack(images)


def load_trained(request: Request, domain: Domain, context: Context, options: Sequence[str]) -> Trained:
    """The request's one method as `bench run` has trained it for a kind of object.

    Nothing is trained here: that takes from minutes to days. A model that is not there is a `BenchError` with the
    command that trains it; `options` are the command line's that led to it. Imported weights are taken over.
    """
    cell = _cell(request, domain, context)
    spec = cell.method
    if domain not in spec.cls.domains:
        raise NotApplicable(f"{spec.name} has no model for {domain}: expected {' or '.join(spec.cls.domains)}")
    status = find_checkpoint(cell, context) if spec.trained.trains else walked(cell, context)
    checkpoint = status.checkpoint
    if checkpoint is None or (spec.trained.trains and status.training is None):
        raise BenchError(_not_trained(cell, request, context, options))
    try:
        method = status.load(context.device)
    except Damaged as damage:
        raise BenchError(f"{damage}: train it again: {_training(cell, [*options, '--force'])}") from damage
    assert isinstance(method, PDR), f"{spec.name} was checked to be PDR"
    typical = None
    if status.training is not None:
        held_out = split(len(status.training), cell.seeds.split)[2]
        typical = typical_misfit(spec, checkpoint, method, status.training, held_out, context)
    return Trained(spec, checkpoint, method, status.training, typical)


def _cell(request: Request, domain: Domain, context: Context) -> Cell:
    """A cell that has the request's one method trained for a kind of object."""
    entry = request.methods[0]
    task = TASKS.get(entry.tasks[0] if entry.tasks else TASK[domain])
    return single(request, task_spec(task, request), context.store)


def find_checkpoint(cell: Cell, context: Context) -> CellStatus:
    """The training images and the finished weights, as far as they are in the store. Nothing is decoded or trained.

    Weights that another device has trained, in any precision, are taken where there are none of this one's.

    Raises DatasetMissing where the training images' files are not there.
    """
    if cell.training_dataset is not None:
        context.data.find(cell.training_dataset, cell.method.size)
    status = look(cell, context, until="fit")
    if status.checkpoint is None and "fit" in status.ingredients:
        for device, precision in product(DEVICES, get_args(Precision)):
            key = key_of({**status.ingredients["fit"], "device": device, "precision": precision})
            if (found := open_checkpoint(key, context.store.checkpoint(key))) is not None:
                status.checkpoint = found
    return status


def typical_misfit(
    spec: MethodSpec,
    checkpoint: Checkpoint,
    method: PDR,
    training: Dataset,
    held_out: Int[np.ndarray, " h"],
    context: Context,
) -> float | None:
    """The misfit that 95 % of the `held_out` images of a model's training set stay below; None where there are none.

    Measured once per checkpoint, on 500 of them at most, and kept beside what methods derive.
    """
    if len(held_out) == 0:
        return None
    chosen = held_out[np.linspace(0, len(held_out) - 1, min(MEASURED, len(held_out))).astype(int)]
    key = key_of(
        {
            "stage": "typical_misfit",
            "method": spec.identity(encoding=True),
            "weights": checkpoint.sha256,
            "data": training.digest,
            "images": [int(index) for index in chosen],
            "source": source_version("methods.pdr.relight"),
        }
    )
    path = context.store.derived(key) / "typical.json"
    with suppress(Damaged, FileNotFoundError):
        return float(read_sealed(path)["misfit"])
    found = [
        predict_scenes(method.module, method.config, images)[1].cpu()
        for _, images in blocks(
            training.images,
            chosen,
            BATCH,
            device=context.device,
            progress=context.progress,
            what=f"measure {training.label}",
        )
    ]
    value = float(torch.cat(found).double().quantile(TYPICAL))
    # Two commands at once would write the same value.
    write_sealed(path, {"misfit": value})
    return value


def _training(cell: Cell, options: Sequence[str]) -> str:
    """The command that trains a cell's method."""
    return shlex.join(
        ["python", "-m", "bench", "run", "--methods", cell.method.name, "--tasks", cell.task.name, *options]
    )


def _not_trained(cell: Cell, request: Request, context: Context, options: Sequence[str]) -> str:
    """What to tell a user whose model is not there: the command that trains it, and what is there in its place."""
    spec = cell.method
    instead = ""
    for other in spec.cls.domains:
        try:
            found = find_checkpoint(_cell(request, other, context), context)
        except DatasetMissing:
            continue
        if found.checkpoint is not None:
            instead = f" (it is for {other}: --domain {other})"
    command = _training(cell, options)
    return f"{spec.name} is not trained for {spec.domain} with these settings{instead}; train it first: {command}"
