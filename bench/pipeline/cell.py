"""A cell: one method on one task with one seed; and the cells that a request means."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from bench.grid.catalogue import DATASETS, TRAINING_DATASET
from bench.grid.registry import Entry
from bench.grid.request import Request
from bench.grid.seeds import Seeds, extended
from bench.pipeline.keys import key_of
from bench.pipeline.limit import limited
from bench.pipeline.specs import MethodSpec, TaskSpec, labelled, method_spec, task_spec
from bench.pipeline.store import Store
from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import seed_for
from methods.base import CAPABILITIES


def training_dataset(method: MethodSpec) -> str:
    """The name of the dataset that a method is trained on."""
    return method.cls.trains_on.get(method.domain, TRAINING_DATASET[method.domain])


@dataclass(frozen=True)
class Cell:
    """One method on one task with one seed (or one per source of variation).

    Attributes
    ----------
    profile, protocol: the names that the specifications were resolved for.
    """

    method: MethodSpec
    task: TaskSpec
    seeds: Seeds
    profile: str
    protocol: str

    @property
    def name(self) -> str:
        """`method/task/seed`."""
        return f"{self.method.name}/{self.task.label}/{self.seeds}"

    @property
    def dataset(self) -> Entry:
        """The task's dataset; `tracks:DIR` names the folder."""
        task = self.task
        return DATASETS.taking(task.task.dataset, task.folder) if task.folder else DATASETS.get(task.task.dataset)

    @property
    def training_dataset(self) -> Entry | None:
        """The dataset that the method is trained on, if it trains: the usual one, or that of its `trains_on`."""
        method = self.method.trained
        return DATASETS.get(training_dataset(method)) if method.trains else None

    @property
    def trained_elsewhere(self) -> bool:
        """Whether that is not the dataset that other methods are trained on."""
        method = self.method.trained
        return method.trains and training_dataset(method) != TRAINING_DATASET[method.domain]

    @property
    def derived_dataset(self) -> Entry | None:
        """The dataset from which the method derives what encoding needs besides its weights, if it does."""
        name = self.method.cls.derived_from(self.method.domain)
        return DATASETS.get(name) if name is not None else None

    @property
    def datasets(self) -> list[Entry]:
        """Every dataset that the cell reads."""
        return [entry for entry in (self.training_dataset, self.derived_dataset, self.dataset) if entry is not None]

    @property
    def not_applicable(self) -> str | None:
        """Why the method has nothing for this task, or None: what the task requires and the method does not provide."""
        if self.method.domain not in self.method.cls.domains:
            return f"{self.method.name} has no model for {self.method.domain}"
        if lacking := sorted(self.task.task.requires - self.method.cls.provides):
            known = CAPABILITIES.get(lacking[0], f"does not provide {lacking[0]!r}, which {self.task.label} requires")
            untaught = lacking[0] == "features" and not self.task.task.trains
            unlabelled = f", and {self.task.label} has none to train it with" if untaught else ""
            return f"{self.method.name} {known}{unlabelled}"
        return None

    @property
    def encodes(self) -> bool:
        """Whether the task's images are encoded beforehand."""
        return self.task.task.encodes and "features" in self.method.cls.provides

    def frames(self, dataset: Dataset) -> Int[np.ndarray, " m"]:
        """Indices of the images that the cell uses, ascending: those of the task, or of as many items as its `limit`
        says."""
        return limited(
            self.task.task, dataset, self.all_frames(dataset), seed_for(self.seeds.split, "limit", self._base)
        )

    def all_frames(self, dataset: Dataset) -> Int[np.ndarray, " m"]:
        """Indices of the images that the task uses, the same whatever settings its name ends with.

        Raises BenchError where the task gives anything but indices of the dataset's images, ascending.
        """
        task = self.task.task
        found: object = task.frames(dataset, seed=seed_for(self.seeds.split, "split", self._base))
        due = f"{type(task).__name__}.frames: expected an array of ascending indices of {len(dataset)} images"
        if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype.kind not in "iu":
            shown = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
            raise BenchError(f"{due}; got {shown}")
        if len(found) and (found[0] < 0 or found[-1] >= len(dataset) or (found[1:] <= found[:-1]).any()):
            raise BenchError(
                f"{due}; got {found.min()} to {found.max()}, in another order, beyond the images, or twice"
            )
        return found

    @property
    def _base(self) -> str:
        """The task's name without settings, which choose no other images."""
        return self.task.name.partition("[")[0]

    @cached_property
    def unit(self) -> str:
        """Equal for cells that share a checkpoint."""
        method = self.method.trained
        return key_of({"seeds": [self.seeds.fit, self.seeds.split], **method.identity(encoding=False)})


def cells(request: Request, store: Store) -> list[Cell]:
    """Every cell of a request. A method's cells follow each other.

    Where the reference rows are asked for, a method whose seeds are nearly free runs more than were named
    (`Entry.trainings`), after all that were.

    Raises BenchError where there is none: a method that is a row of some tasks only was asked for on others.
    """
    tasks = labelled([task_spec(entry, request) for entry in request.tasks])
    specs = {
        (entry.name, domain): method_spec(entry, request, domain, store)
        for entry in request.methods
        for domain in dict.fromkeys(task.task.domain for task in tasks)
    }
    rows = {entry.name: frozenset(_seeds_of(entry, request)) for entry in request.methods}
    found = [
        Cell(specs[entry.name, task.task.domain], task, seeds, request.profile.name, request.protocol)
        for seeds in _all_seeds(request)
        for entry in request.methods
        if seeds in rows[entry.name]
        for task in tasks
        if not entry.tasks or task.name.partition("[")[0] in entry.tasks  # whatever settings its name ends with
    ]
    if not found:
        only = {entry.name: entry.tasks for entry in request.methods}
        only_of = "; ".join(f"{name} is a row of {', '.join(names)} only" for name, names in only.items())
        raise BenchError(f"nothing to run: {only_of}")
    return found


def _seeds_of(entry: Entry, request: Request) -> tuple[Seeds, ...]:
    """The seeds that a method runs."""
    return extended(request.seeds, entry.trainings) if request.baselines else request.seeds


def _all_seeds(request: Request) -> list[Seeds]:
    """Every seed that some method runs, those that were asked for first."""
    return list(dict.fromkeys(seeds for entry in request.methods for seeds in _seeds_of(entry, request)))
