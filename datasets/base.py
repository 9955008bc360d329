"""What a dataset is to the rest of the project.

Two stages keep opening cheap and reading fast:

* a `Source` knows what lies on disk (or what a generator would draw) without decoding anything; its `fingerprint`
  is cheap and says whether it changed;
* `datasets.prepared.prepare` reads a source once at the wanted size into a folder of `.npy` files, and returns it as
  a `Dataset` of memory maps. Every later use, by any method or task, reads that.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

T = TypeVar("T")


@runtime_checkable
class Progress(Protocol):
    """Reports how far a long piece of work is; the harness draws it, tests and libraries ignore it."""

    def track(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """Iterate over `items`, reporting each against `total`."""
        ...

    def say(self, text: str) -> None:
        """Show one line, such as a training epoch's losses."""
        ...


class Silent:
    """A `Progress` that shows nothing."""

    def track(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """Iterate over `items`."""
        return iter(items)

    def say(self, text: str) -> None:
        """Show nothing."""


@runtime_checkable
class Rows(Protocol):
    """An array that grows at its end, in memory or in a file."""

    def append(self, rows: np.ndarray) -> None:
        """Add `rows`, of the shape (k, *one row) and the type that the array was opened with."""
        ...

    def array(self) -> np.ndarray:
        """Everything appended, first axis the rows; nothing may be appended any more."""
        ...


@runtime_checkable
class OpenRows(Protocol):
    """Opens the growing array of a name, such as `images`; `shape` is one row's."""

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> Rows:
        """The growing array of that name."""
        ...


@dataclass(frozen=True)
class Content:
    """Everything read from a source, in memory or memory mapped.

    Attributes
    ----------
    images: uint8 (n, size, size, 3), RGB.
    labels: one int64 array per label kind, first axis n; -1 is "unknown". For tracks the label of each frame.
    classes: the class names of a label kind, in the order of its integers.
    tracks: int64 (n,): index of each image's track, 0 to T-1, in the order of `track_names`; None without tracks.
    track_names: the tracks' names (T,).
    truth: exact ground truth that only a synthetic source has (depth, normals, ...), first axis n.
    skipped: reason -> how many items were left out for it.
    """

    images: np.ndarray
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tracks: np.ndarray | None = None
    track_names: tuple[str, ...] = ()
    truth: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)


class Source(ABC):
    """A dataset before anything is decoded.

    Attributes
    ----------
    name: the registry name, without the `[synthetic]` mark.
    synthetic: whether the images are drawn by the project.
    world: how they are drawn, to follow the word "drawn" under a table; empty where nothing is to be said of it.
    """

    name: str
    synthetic: bool
    world: str = ""

    @property
    def label(self) -> str:
        """The name that a person or a record reads: `bbt`, or `bbt[synthetic]`."""
        return f"{self.name}[synthetic]" if self.synthetic else self.name

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """JSON that changes whenever the content may have: names, sizes and modification times of the files read,
        or the generator's parameters and version. It costs no decoding and holds no absolute path."""

    @abstractmethod
    def read(self, size: int, progress: Progress) -> Content:
        """Decode (or draw) everything as `size` x `size` images. Unreadable items are skipped and counted."""

    def read_into(self, open_rows: OpenRows, size: int, progress: Progress) -> Content:
        """Like `read`, with arrays that may be larger than memory: they are those that `open_rows` gives.

        A source that has no large arrays need not define it.
        """
        return self.read(size, progress)


@dataclass(frozen=True)
class Dataset(Content):
    """A prepared dataset: `Content` behind memory maps, with its identity.

    Attributes
    ----------
    name, synthetic, world: as the source's.
    digest: SHA-256 over the decoded content (images, labels, tracks): equal digests mean equal data.
    folder: where it is prepared, or None when it only lives in memory.
    """

    name: str = ""
    synthetic: bool = False
    digest: str = ""
    folder: Path | None = None
    world: str = ""

    @property
    def label(self) -> str:
        """`bbt`, or `bbt[synthetic]`."""
        return f"{self.name}[synthetic]" if self.synthetic else self.name

    @property
    def size(self) -> int:
        """Height and width of the images in pixels."""
        return int(self.images.shape[1])

    def __len__(self) -> int:
        return len(self.images)


def track_labels(labels: np.ndarray, tracks: np.ndarray, count: int) -> np.ndarray:
    """Label of each track (T,), from the labels of its frames (n,), which agree within a track."""
    out = np.full(count, -1, dtype=np.int64)
    out[tracks] = labels
    return out


def shortened(names: Sequence[str], limit: int = 3) -> str:
    """`a, b, c and 4 more`, for messages; a name of more than 80 letters is cut."""
    head = ", ".join(name if len(name) <= 80 else f"{name[:77]}..." for name in names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"
