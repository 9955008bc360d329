"""The grid: which cells a request means, in the order that shares the most work, and what each still needs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.catalogue import DATASETS, TRAINING_DATASET
from bench.environment import resolve_device
from bench.keys import key_of
from bench.registry import Entry
from bench.request import Request
from bench.specs import MethodSpec, TaskSpec, method_spec, task_spec
from bench.stages import (
    Checkpoint,
    open_checkpoint,
    dataset_entry,
    encode_ingredients,
    find_dataset,
    fit_ingredients,
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
    """What a dry run says of one cell: stage -> `cached`, `to do`, or what is missing."""

    cell: Cell
    stages: dict[str, str] = field(default_factory=dict)


def cells(request: Request, store: Store) -> list[Cell]:
    """Every cell of a request. A method's cells follow each other, so that its weights stay at hand."""
    tasks = [task_spec(entry, request) for entry in request.tasks]
    return [
        Cell(method_spec(entry, request, task.task.domain, store), task, seed)
        for seed in request.seeds
        for entry in request.methods
        for task in tasks
    ]


def outlooks(plan: list[Cell], request: Request, store: Store) -> Iterator[Outlook]:
    """What each cell would do, found out without decoding, training or encoding anything."""
    for cell in plan:
        stages: dict[str, str] = {}
        try:
            _look(cell, request, store, stages)
        except BenchError as error:
            stages["missing"] = str(error)
        yield Outlook(cell, stages)


def _look(cell: Cell, request: Request, store: Store, stages: dict[str, str]) -> None:
    """Fill `stages` in order; the first that is not cached leaves the later ones to do."""
    device = resolve_device(request.device)
    size = cell.method.cls.image_size
    later = ["fit", "encode", "evaluate"] if cell.method.trains else ["encode", "evaluate"]
    stages.update(dict.fromkeys(["data", *later], "to do"))
    task_entry, training_entry = dataset_entry(cell.task), cell.training_entry
    training = find_dataset(training_entry, size, request, store) if training_entry else None
    dataset = find_dataset(task_entry, size, request, store)
    if dataset is not None and (training is not None or training_entry is None):
        stages["data"] = "cached"
    if training_entry is not None and training is None:
        return
    fit_key = key_of(fit_ingredients(cell.method, training, cell.seed, device))
    checkpoint: Checkpoint | None = Checkpoint(fit_key, None, None, {})
    if not cell.method.cls.stateless:
        checkpoint = open_checkpoint(fit_key, store.checkpoint(fit_key))
    if checkpoint is None:
        return
    if cell.method.trains:
        stages["fit"] = "cached"
    if dataset is None:
        return
    frames = cell.task.task.frames(dataset)
    encode_key = key_of(encode_ingredients(cell.method, checkpoint, cell.task, dataset, frames))
    if (store.features(encode_key) / "features.json").is_file():
        stages["encode"] = "cached"
    if store.record(key_of(evaluate_ingredients(cell, request, encode_key))) is not None:
        stages["encode"] = stages["evaluate"] = "cached"


def evaluate_ingredients(cell: Cell, request: Request, encode_key: str) -> dict[str, Any]:
    """What a cell's record depends on, besides what the features depend on."""
    return {
        "stage": "evaluate",
        "cell": {"method": cell.method.name, "profile": request.profile.name, "protocol": request.protocol},
        "features": encode_key,
        "task": {"class": type(cell.task.task).__qualname__, "config": cell.task.config, "source": cell.task.source},
        "seed": cell.seed,
    }
