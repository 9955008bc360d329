"""The datasets of one invocation: which source a name means, and each opened once however many cells use it."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.grid.catalogue import DATASETS
from bench.grid.registry import Entry
from bench.grid.request import Request
from bench.pipeline.specs import TaskSpec
from bench.pipeline.store import Store
from bench.timing import span
from datasets.base import Dataset, Progress, Source
from datasets.prepared import find_prepared, prepare


def dataset_entry(task: TaskSpec) -> Entry:
    """The registry entry of a task's dataset; `tracks:DIR` names the folder."""
    folder = getattr(task.task.config, "folder", None)
    return DATASETS.get(f"{task.task.dataset}:{folder}" if folder else task.task.dataset)


def open_source(entry: Entry, request: Request) -> Source:
    """The real dataset below the request's data root, the user's own folder, or the synthetic stand-in."""
    if "folder" in entry.preset:
        return entry.load()(Path(entry.preset["folder"]))
    if request.data_root is None or not entry.target:  # some stand-ins have no real counterpart
        return entry.load_stand_in()(request.profile.subset)
    return entry.load()(request.data_root)


@dataclass
class Data:
    """Opens a request's datasets. Opening one lists all its files, which a grid of many cells should do once."""

    request: Request
    store: Store
    _ready: dict[tuple[str, int], Dataset] = field(default_factory=dict)

    def find(self, entry: Entry, size: int) -> Dataset | None:
        """The dataset at `size` pixels if it is prepared already. Raises DatasetMissing where its files are not."""
        found = self._ready.get((entry.name, size))
        if found is None:
            found = find_prepared(open_source(entry, self.request), size, self.store.data)
        return found if found is None else self._ready.setdefault((entry.name, size), found)

    def prepare(self, entry: Entry, size: int, progress: Progress) -> Dataset:
        """The dataset at `size` pixels, from the store or prepared now."""
        key = (entry.name, size)
        if key not in self._ready:
            with span("data"):
                self._ready[key] = prepare(open_source(entry, self.request), size, self.store.data, progress)
        return self._ready[key]
