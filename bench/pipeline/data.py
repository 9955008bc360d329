"""The datasets of a grid: which source a name means, and each opened once however many cells use it."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.grid.registry import Entry
from bench.grid.request import Request
from bench.timing import part
from datasets.base import Dataset, Progress, Source
from datasets.errors import BenchError
from datasets.prepared import find_prepared, mend, prepare, verify


def is_drawn(entry: Entry, data_root: Path | None) -> bool:
    """Whether an entry means its synthetic stand-in; some stand-ins have no real counterpart."""
    return "folder" not in entry.preset and (data_root is None or not entry.target)


def open_source(entry: Entry, data_root: Path | None, subset: str) -> Source:
    """The real dataset below the data root, the user's own folder, or the synthetic stand-in of size `subset`.

    Raises BenchError where what the entry names opens none.
    """
    if "folder" in entry.preset:
        source = entry.load()(Path(entry.preset["folder"]))
    elif is_drawn(entry, data_root):
        source = entry.load_stand_in()(subset)
    else:
        source = entry.load()(data_root)
    if not isinstance(source, Source):
        raise BenchError(f"{entry.name} opens a {type(source).__name__}: expected a datasets.base.Source")
    return source


@dataclass
class Data:
    """Opens datasets and remembers them: opening one lists all its files, which a grid should do once.

    Attributes
    ----------
    root: folder with one folder per real dataset, or None for the synthetic stand-ins.
    subset: size of the stand-ins: `smoke`, `mini` or `full`.
    folder: where prepared datasets lie.
    """

    root: Path | None
    subset: str
    folder: Path
    _ready: dict[tuple[str, int], Dataset] = field(default_factory=dict)
    _whole: dict[int, Dataset] = field(default_factory=dict)  # kept, so that no other gets the same id

    @classmethod
    def of(cls, request: Request, folder: Path) -> "Data":
        """The datasets that a request means, prepared in `folder`."""
        return cls(request.data_root, request.profile.subset, folder)

    def find(self, entry: Entry, size: int) -> Dataset | None:
        """The dataset at `size` pixels if it is prepared already. Raises DatasetMissing where its files are not."""
        found = self._ready.get((entry.name, size))
        if found is None:
            found = find_prepared(open_source(entry, self.root, self.subset), size, self.folder)
        return found if found is None else self._ready.setdefault((entry.name, size), found)

    def prepare(self, entry: Entry, size: int, progress: Progress) -> Dataset:
        """The dataset at `size` pixels, from the store or prepared now."""
        key = (entry.name, size)
        if key not in self._ready:
            with part("data"):
                source = open_source(entry, self.root, self.subset)
                self._ready[key] = prepare(source, size, self.folder, progress)
        return self._ready[key]

    def verify(self, dataset: Dataset) -> None:
        """Compare a dataset with its digest, once; raises Damaged."""
        if id(dataset) not in self._whole:
            verify(dataset)
            self._whole[id(dataset)] = dataset

    def mend(self, entry: Entry, size: int, progress: Progress) -> None:
        """Remove the prepared dataset if it is damaged, so that it is prepared again."""
        dataset = self._ready.get((entry.name, size))
        if dataset is not None and mend(dataset, progress):
            del self._ready[entry.name, size]
