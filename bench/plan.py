"""The grid: which cells a request means, in the order that shares the most work, and what each still needs."""

from dataclasses import dataclass, field, replace
from typing import Any

from bench.catalogue import DATASETS, TRAINING_DATASET
from bench.data import Data, dataset_entry
from bench.environment import resolve_device
from bench.keys import key_of
from bench.registry import Entry
from bench.request import Request
from bench.specs import MethodSpec, TaskSpec, method_spec, task_spec
from bench.stages import (
    Checkpoint,
    encode_ingredients,
    fit_ingredients,
    open_checkpoint,
)
from bench.store import Store
from datasets.errors import BenchError


@dataclass(frozen=True)
class Cell:
    """One method on one task with one seed."""

    method: MethodSpec
    task: TaskSpec
    seed: int

    @property
    def name(self) -> str:
        """`method/task/seed`."""
        return f"{self.method.name}/{self.task.name}/{self.seed}"

    @property
    def training_entry(self) -> Entry | None:
        """The dataset that the method is trained on, if it trains."""
        return DATASETS.get(TRAINING_DATASET[self.method.domain]) if self.method.trains else None


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
    """Every cell of a request. A method's cells follow each other, so that its weights stay at hand."""
    tasks = [task_spec(entry, request) for entry in request.tasks]
    return [
        Cell(method_spec(entry, request, task.task.domain, store), task, seed)
        for seed in request.seeds
        for entry in request.methods
        for task in tasks
    ]


def outlook(cell: Cell, data: Data) -> Outlook:
    """What a cell would do, found out without decoding, training or encoding anything."""
    seen = Outlook(cell)
    try:
        _look(cell, data, seen)
        if seen.stages.get("fit") == "to do":
            cell.method.cls.check_resources(cell.method.config)
    except BenchError as error:
        return replace(seen, missing=str(error))
    return seen


def _look(cell: Cell, data: Data, seen: Outlook) -> None:
    """Fill in `seen`, stage by stage; the first that is not cached leaves the later ones to do."""
    request, store = data.request, data.store
    device = resolve_device(request.device)
    size = cell.method.cls.image_size
    later = ["fit", "encode", "evaluate"] if cell.method.trains else ["encode", "evaluate"]
    seen.stages.update(dict.fromkeys(["data", *later], "to do"))
    training_entry = cell.training_entry
    training = data.find(training_entry, size) if training_entry else None
    dataset = data.find(dataset_entry(cell.task), size)
    if dataset is not None and (training is not None or training_entry is None):
        seen.stages["data"] = "cached"
    if training_entry is not None and training is None:
        return
    seen.ingredients["fit"] = fit_ingredients(cell.method, training, cell.seed, device)
    fit_key = key_of(seen.ingredients["fit"])
    checkpoint: Checkpoint | None = Checkpoint(fit_key, None, None, {})
    if not cell.method.cls.stateless:
        checkpoint = open_checkpoint(fit_key, store.checkpoint(fit_key))
    if checkpoint is None:
        return
    if cell.method.trains:
        seen.stages["fit"] = "cached"
    if dataset is None:
        return
    frames = cell.task.task.frames(dataset)
    seen.ingredients["encode"] = encode_ingredients(cell.method, checkpoint, cell.task, dataset, frames)
    encode_key = key_of(seen.ingredients["encode"])
    if (store.features(encode_key) / "features.json").is_file():
        seen.stages["encode"] = "cached"
    seen.ingredients["evaluate"] = evaluate_ingredients(cell, request, encode_key)
    if store.record(key_of(seen.ingredients["evaluate"])) is not None:
        seen.stages["encode"] = seen.stages["evaluate"] = "cached"


def evaluate_ingredients(cell: Cell, request: Request, encode_key: str) -> dict[str, Any]:
    """What a cell's record depends on, besides what the features depend on."""
    return {
        "stage": "evaluate",
        "cell": {"method": cell.method.name, "profile": request.profile.name, "protocol": request.protocol},
        "features": encode_key,
        "task": cell.task.identity,
        "seed": cell.seed,
    }
