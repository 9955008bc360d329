"""The grid: which cells a request means, in the order that shares the most work, and what each still needs."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.grid.catalogue import DATASETS, TRAINING_DATASET
from bench.grid.registry import Entry
from bench.grid.request import Request
from bench.grid.seeds import Seeds
from bench.pipeline.data import Data, dataset_entry
from bench.pipeline.encode import Derived, derive_ingredients, encode_ingredients, open_derived
from bench.pipeline.environment import resolve_device
from bench.pipeline.fit import Checkpoint, fit_ingredients, open_checkpoint
from bench.pipeline.keys import key_of, source_version
from bench.pipeline.specs import MethodSpec, TaskSpec, method_spec, task_spec
from bench.pipeline.store import Store
from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import seed_for
from tasks.base import TrainingTask


@dataclass(frozen=True)
class Cell:
    """One method on one task with one seed (or one per source of variation)."""

    method: MethodSpec
    task: TaskSpec
    seeds: Seeds

    @property
    def name(self) -> str:
        """`method/task/seed`."""
        return f"{self.method.name}/{self.task.name}/{self.seeds}"

    @property
    def training_entry(self) -> Entry | None:
        """The dataset that the method is trained on, if it trains."""
        return DATASETS.get(TRAINING_DATASET[self.method.domain]) if self.method.trained.trains else None

    @property
    def derived_entry(self) -> Entry | None:
        """The dataset from which the method derives what encoding needs besides its weights, if it does."""
        name = self.method.cls.derives_from
        return DATASETS.get(name) if name is not None else None

    @property
    def not_applicable(self) -> str | None:
        """Why the method has nothing for this task, or None."""
        cls = self.method.cls
        if self.method.domain not in cls.domains:
            return f"{self.method.name} has no model for {self.method.domain}"
        if self.task.task.pyramids and not cls.pyramids:
            return f"{self.method.name} has no feature pyramid to segment with"
        if self.task.task.derenders and not cls.derenders:
            return f"{self.method.name} takes no image apart into depth, albedo, light and view"
        if cls.supervised and not isinstance(self.task.task, TrainingTask):
            return f"{self.method.name} has no features before a task's labels train it"
        return None

    @property
    def encodes(self) -> bool:
        """Whether the task's images are encoded beforehand."""
        return self.task.task.encodes and not self.method.cls.supervised

    def frames(self, dataset: Dataset) -> np.ndarray:
        """Indices of the images that the task uses."""
        return self.task.task.frames(dataset, seed=seed_for(self.seeds.split, "split", self.task.name))

    @property
    def checkpoint_group(self) -> str:
        """Equal for cells that share a checkpoint."""
        method = self.method.trained
        return key_of({"seeds": [self.seeds.fit, self.seeds.split], **method.identity(encoding=False)})


@dataclass(frozen=True)
class Outlook:
    """What can be said of one cell without computing anything.

    Attributes
    ----------
    stages: stage -> `cached` or `to do`, in order.
    ingredients: stage -> what its key hashes, as far as it is known before the stages ahead of it are done.
    missing: what is missing (files of a dataset, say), or None.
    """

    cell: Cell
    stages: dict[str, str] = field(default_factory=dict)
    ingredients: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: str | None = None


def cells(request: Request, store: Store) -> list[Cell]:
    """Every cell of a request. A method's cells follow each other.

    Raises BenchError where there is none: a method that is a row of some tasks only was asked for on others.
    """
    tasks = [task_spec(entry, request) for entry in request.tasks]
    specs = {
        (entry.name, domain): method_spec(entry, request, domain, store)
        for entry in request.methods
        for domain in dict.fromkeys(task.task.domain for task in tasks)
    }
    found = [
        Cell(specs[entry.name, task.task.domain], task, seeds)
        for seeds in request.seeds
        for entry in request.methods
        for task in tasks
        if not entry.tasks or task.name in entry.tasks
    ]
    if not found:
        only = {entry.name: entry.tasks for entry in request.methods}
        rows = "; ".join(f"{name} is a row of {', '.join(names)} only" for name, names in only.items())
        raise BenchError(f"nothing to run: {rows}")
    return found


def outlook(cell: Cell, data: Data) -> Outlook:
    """What a cell would do, found out without decoding, training or encoding anything."""
    seen = Outlook(cell)
    try:
        _look(cell, data, seen)
        if seen.stages.get("fit") == "to do":
            cell.method.trained.cls.check_resources(cell.method.trained.config)
    except BenchError as error:
        return replace(seen, missing=str(error))
    return seen


def _look(cell: Cell, data: Data, seen: Outlook) -> None:
    """Fill in `seen`, stage by stage; the first that is not cached leaves the later ones to do."""
    request, store = data.request, data.store
    device = resolve_device(request.device)
    size, method = cell.method.size, cell.method.trained
    fits, encodes = ["fit"] * method.trains, ["encode"] * cell.encodes
    seen.stages.update(dict.fromkeys(["data", *fits, *encodes, "evaluate"], "to do"))
    training_entry = cell.training_entry
    training = data.find(training_entry, size) if training_entry else None
    dataset = data.find(dataset_entry(cell.task), size)
    if dataset is not None and (training is not None or training_entry is None):
        seen.stages["data"] = "cached"
    if training_entry is not None and training is None:
        return
    seen.ingredients["fit"] = fit_ingredients(method, training, cell.seeds, device)
    fit_key = key_of(seen.ingredients["fit"])
    checkpoint: Checkpoint | None = Checkpoint(fit_key, None, None, {})
    if not method.cls.stateless:
        checkpoint = open_checkpoint(fit_key, store.checkpoint(fit_key))
    if checkpoint is None:
        return
    if method.trains:
        seen.stages["fit"] = "cached"
    derived: Derived | None = None
    if cell.derived_entry is not None:
        source = data.find(cell.derived_entry, size)
        if source is None:
            return
        seen.ingredients["derive"] = derive_ingredients(cell.method, checkpoint, source, cell.seeds.fit)
        derive_key = key_of(seen.ingredients["derive"])
        derived = open_derived(derive_key, store.derived(derive_key))
        if derived is None:
            return
    if dataset is None:
        return
    frames = cell.frames(dataset)
    encode_key = None
    if cell.encodes:
        seen.ingredients["encode"] = encode_ingredients(cell.method, checkpoint, derived, cell.task, dataset, frames)
        encode_key = key_of(seen.ingredients["encode"])
        if (store.features(encode_key) / "features.json").is_file():
            seen.stages["encode"] = "cached"
    seen.ingredients["evaluate"] = evaluate_ingredients(
        cell, request, dataset, frames, checkpoint, derived, encode_key, device
    )
    if store.record(key_of(seen.ingredients["evaluate"])) is not None:
        seen.stages.update({stage: "cached" for stage in (*encodes, "evaluate")})


def evaluate_ingredients(
    cell: Cell,
    request: Request,
    dataset: Dataset,
    frames: np.ndarray,
    checkpoint: Checkpoint,
    derived: Derived | None,
    encode_key: str | None,
    device: str,
) -> dict[str, Any]:
    """What a cell's record depends on, besides what its features depend on: for a task that trains, the model too."""
    ingredients = {
        "stage": "evaluate",
        "cell": {"method": cell.method.name, "profile": request.profile.name, "protocol": request.protocol},
        "features": encode_key,
        "task": cell.task.identity,
        "seed": cell.seeds.evaluate,
    }
    if not isinstance(cell.task.task, TrainingTask):
        return ingredients
    return {
        **ingredients,
        "model": encode_ingredients(cell.method, checkpoint, derived, cell.task, dataset, frames),
        "training": source_version("bench.training.loop"),
        "device": device,  # with it goes the precision that a schedule's `auto` means
    }
