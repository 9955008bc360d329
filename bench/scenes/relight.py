"""Photographs taken apart and rendered again by a trained model from the store, and how typical they are for it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from bench.grid.catalogue import DATASETS, METHODS, TRAINING_DATASET
from bench.grid.registry import Entry
from bench.grid.request import Request
from bench.pipeline.data import Data
from bench.pipeline.encode import load_method
from bench.pipeline.environment import resolve_device
from bench.pipeline.fit import Checkpoint, fit, fit_ingredients, once, open_checkpoint
from bench.pipeline.keys import key_of, source_version
from bench.pipeline.specs import MethodSpec, method_spec
from bench.pipeline.store import Store
from bench.training.precision import Precision
from datasets.base import Dataset, Progress
from datasets.errors import BenchError, DatasetMissing, NotApplicable
from datasets.files import atomic_folder, read_json, write_json
from datasets.images import Unreadable, is_image, read_photograph
from datasets.split import split
from methods.base import Domain, to_float
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
        return predict_scenes(self.method, to_float(images))


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
    for domain in get_args(Domain):
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


def load_trained(request: Request, domain: Domain, store: Store, progress: Progress, options: Sequence[str]) -> Trained:
    """The request's one method as `bench run` has trained it for a kind of object.

    Nothing is trained here: that takes from minutes to days. A model that is not there is a `BenchError` with the
    command that trains it; `options` are the command line's that led to it. Imported weights are taken over.
    """
    entry, seeds = request.methods[0], request.seeds[0]
    spec = method_spec(entry, request, domain, store)
    if domain not in spec.cls.domains:
        raise NotApplicable(f"{entry.name} has no model for {domain}: expected {' or '.join(spec.cls.domains)}")
    data, device = Data(request, store), resolve_device(request.device)
    training = None
    if spec.trained.trains:
        training, checkpoint = find_checkpoint(spec, data, device)
        if checkpoint is None or training is None:
            raise BenchError(_not_trained(spec, data, device, options))
    else:
        checkpoint = fit(spec.trained, None, seeds, request, store, progress)
    method = load_method(spec, checkpoint, None, seeds.fit, device)
    assert isinstance(method, PDR), f"{entry.name} was checked to be PDR"
    typical = None
    if training is not None:
        held_out = split(len(training), seeds.split)[2]
        typical = typical_misfit(spec, checkpoint, method, training, held_out, store, progress)
    return Trained(spec, checkpoint, method, training, typical)


def find_checkpoint(spec: MethodSpec, data: Data, device: str) -> tuple[Dataset | None, Checkpoint | None]:
    """The training images and the finished weights, as far as they are in the store. Nothing is decoded or trained.

    Weights that another device has trained in its own precision are taken where there are none of this one's.
    """
    training = data.find(DATASETS.get(TRAINING_DATASET[spec.domain]), spec.size)
    if training is None:
        return None, None
    ingredients = fit_ingredients(spec.trained, training, data.request.seeds[0], device)
    for precision in (ingredients["precision"], *get_args(Precision)):
        key = key_of({**ingredients, "precision": precision})
        if (found := open_checkpoint(key, data.store.checkpoint(key))) is not None:
            return training, found
    return training, None


def typical_misfit(
    spec: MethodSpec,
    checkpoint: Checkpoint,
    method: PDR,
    training: Dataset,
    held_out: np.ndarray,
    store: Store,
    progress: Progress,
) -> float | None:
    """The misfit that 95 % of the `held_out` images of a model's training set stay below; None where there are none.

    Measured once per checkpoint, on 500 of them at most, and kept beside what methods derive.
    """
    if len(held_out) == 0:
        return None
    chosen = held_out[np.linspace(0, len(held_out) - 1, min(MEASURED, len(held_out))).astype(int)]
    ingredients: dict[str, Any] = {
        "stage": "typical_misfit",
        "method": spec.identity(encoding=True),
        "weights": checkpoint.sha256,
        "data": training.digest,
        "images": [int(index) for index in chosen],
        "source": source_version("methods.pdr.relight"),
    }
    key = key_of(ingredients)
    folder = store.derived(key)

    def compute() -> None:
        starts = range(0, len(chosen), BATCH)
        found = [
            predict_scenes(method, to_float(training.images[chosen[start : start + BATCH]]))[1].cpu()
            for start in progress.track(starts, total=len(starts), what=f"measure {training.label}")
        ]
        value = float(torch.cat(found).double().quantile(TYPICAL))
        with atomic_folder(folder) as temporary:
            write_json(temporary / "typical.json", {"ingredients": ingredients, "misfit": value})

    return once("derived", key, folder, _open_typical, compute, store, progress, force=False)


def _open_typical(key: str, folder: Path) -> float | None:
    path = folder / "typical.json"
    return float(read_json(path)["misfit"]) if path.is_file() else None


def _not_trained(spec: MethodSpec, data: Data, device: str, options: Sequence[str]) -> str:
    """What to tell a user whose model is not there: the command that trains it, and what is there in its place."""
    task = data.request.methods[0].tasks[0] if data.request.methods[0].tasks else TASK[spec.domain]
    command = shlex.join(["python", "-m", "bench", "run", "--methods", spec.name, "--tasks", task, *options])
    instead = ""
    for other in spec.cls.domains:
        try:
            found = find_checkpoint(method_spec(data.request.methods[0], data.request, other, data.store), data, device)
        except DatasetMissing:
            continue
        if found[1] is not None:
            instead = f" (it is for {other}: --domain {other})"
    return f"{spec.name} is not trained for {spec.domain} with these settings{instead}; train it first: {command}"
