"""A source made of image files: what every real dataset shares.

A dataset's module lists its files and their labels (cheap, nothing decoded); this decodes them in parallel, leaves
out and counts what cannot be read, and fingerprints the rest.
"""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from datasets.base import Content, OpenRows, Progress, Source, shortened
from datasets.cores import usable_cores
from datasets.entries import ImageFile
from datasets.errors import BenchError, DatasetMissing
from datasets.images import Box, Unreadable, read_image
from datasets.names import printable
from datasets.rows import in_memory

T = TypeVar("T")

UNREADABLE = "unreadable image"
EMPTIED = "track without a readable image"

# Bump when images are decoded differently, so that prepared datasets are read again.
_READER = 2
# Images per piece of work handed to a thread.
_CHUNK = 32


@dataclass
class Listing:
    """What a dataset's folder and label files say, before anything is decoded.

    Attributes
    ----------
    files: the images, in the dataset's order.
    companions: files that are decoded beside the images, such as part masks.
    labels, classes, tracks, track_names: as `Content`'s, for `files`.
    skipped: reason -> the names of what is left out for it, printable.
    """

    files: list[ImageFile]
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tracks: np.ndarray | None = None
    track_names: tuple[str, ...] = ()
    skipped: dict[str, list[str]] = field(default_factory=dict)
    companions: list[ImageFile] = field(default_factory=list)

    def skip(self, reason: str, name: str) -> None:
        """Note that `name` is left out."""
        self.skipped.setdefault(reason, []).append(printable(name))

    def match(self, files: Iterable[ImageFile], rows: Mapping[str, T], key: Callable[[str], str]) -> list[T]:
        """Take those `files` that have a row of labels, found by `key(file name)`; returns the rows, in their order.

        Images without a row and rows without an image are left out and counted.
        """
        taken: list[T] = []
        used = set()
        for file in files:
            found = key(file.name)
            if found not in rows:
                self.skip("image without a label", file.name)
                continue
            used.add(found)
            taken.append(rows[found])
            self.files.append(file)
        for name in rows:
            if name not in used:
                self.skip("label without an image", name)
        return taken


class ImageFiles(Source):
    """A `Source` that decodes the files of a `Listing` below `folder`.

    A dataset with something beside the images (such as part masks) overrides `columns` and `decode`. `upright` turns
    pictures as their EXIF orientation says.
    """

    synthetic = False

    def __init__(
        self, name: str, folder: Path, listing: Listing, crop: Box | None = None, *, upright: bool = False
    ) -> None:
        self.name = name
        self.folder = folder
        # Classes and tracks are shown and written to files; the files' own names are not, and stay as they are.
        self.listing = replace(
            listing,
            classes={kind: tuple(map(printable, names)) for kind, names in listing.classes.items()},
            track_names=tuple(map(printable, listing.track_names)),
        )
        self.crop = crop
        self.upright = upright
        if not listing.files:
            left_out = "; ".join(
                f"{reason}: {len(names)} ({shortened(names)})" for reason, names in listing.skipped.items()
            )
            raise DatasetMissing(f"{name}: no image in {folder}" + (f" (left out: {left_out})" if left_out else ""))

    def fingerprint(self) -> dict[str, Any]:
        """The name, the number of files, and a hash of all names, sizes, times, labels and what is left out."""
        listing = self.listing
        digest = hashlib.sha256()
        for files in (listing.files, listing.companions):
            rows = (os.fsencode(file.name) + f"\t{file.size}\t{file.mtime_ns}".encode() for file in files)
            digest.update(b"\n".join(rows))
            digest.update(b"\n\n")
        columns = {**listing.labels, **({} if listing.tracks is None else {"tracks": listing.tracks})}
        for name, column in sorted(columns.items()):
            digest.update(f"\n{name} {column.shape}\n".encode())
            digest.update(np.ascontiguousarray(column, dtype="<i8").data)
        rest = [self.crop, listing.classes, listing.track_names, listing.skipped]
        digest.update(json.dumps(rest, sort_keys=True).encode())
        return {
            "name": self.name,
            "reader": _READER,
            "files": len(listing.files),
            "sha256": digest.hexdigest(),
        }

    def columns(self, size: int) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Shape and type of one row of each array that `decode` gives; `images` are the images, others the truth."""
        return {"images": ((size, size, 3), np.uint8)}

    def decode(self, index: int, size: int) -> dict[str, np.ndarray]:
        """Row `index` of every column; raises `Unreadable`. Called from several threads at once."""
        path = self.folder / self.listing.files[index].name
        return {"images": read_image(path, size, self.crop, upright=self.upright)}

    def read(self, size: int, progress: Progress) -> Content:
        """Decode everything as `size` x `size` images, in memory."""
        return self.read_into(in_memory, size, progress)

    def read_into(self, open_rows: OpenRows, size: int, progress: Progress) -> Content:
        """Decode everything in parallel, in order; what cannot be read is left out, counted and told.

        Raises
        ------
        BenchError
            When not one image can be read.
        """
        files = self.listing.files
        columns = self.columns(size)
        rows = {name: open_rows(name, shape, dtype) for name, (shape, dtype) in columns.items()}
        kept: list[int] = []
        damaged: dict[str, str] = {}
        decoded = self._decode_all(size)
        for index, row in progress.track(enumerate(decoded), total=len(files), what=f"decode {self.label}"):
            if isinstance(row, Unreadable):
                damaged[printable(files[index].name)] = printable(str(row))
                continue
            kept.append(index)
            for name, value in row.items():
                rows[name].append(value[None])
        if not kept:
            name, why = next(iter(damaged.items()))
            raise BenchError(
                f"{self.label}: none of the {len(files)} images in {self.folder} can be read; {name}: {why}"
            )
        arrays = {name: column.array() for name, column in rows.items()}
        return self._content(np.array(kept), arrays, damaged, progress)

    def _content(
        self, kept: np.ndarray, arrays: dict[str, np.ndarray], damaged: dict[str, str], progress: Progress
    ) -> Content:
        """What is left with only the rows `kept`."""
        listing = self.listing
        skipped = dict(listing.skipped)
        if damaged:
            skipped[UNREADABLE] = [f"{name} ({why})" for name, why in damaged.items()]
        tracks, track_names = listing.tracks, listing.track_names
        if tracks is not None:
            present, tracks = np.unique(tracks[kept], return_inverse=True)
            if emptied := [name for index, name in enumerate(track_names) if index not in set(present.tolist())]:
                skipped[EMPTIED] = emptied
            track_names = tuple(track_names[index] for index in present)
            tracks = tracks.astype(np.int64)
        for reason, names in skipped.items():
            progress.say(f"warning: {self.label}: {reason}, {len(names)} left out: {shortened(names)}")
        return Content(
            images=arrays.pop("images"),
            labels={kind: values[kept] for kind, values in listing.labels.items()},
            classes=dict(listing.classes),
            tracks=tracks,
            track_names=track_names,
            truth=arrays,
            skipped={reason: len(names) for reason, names in skipped.items()},
        )

    def _decode_all(self, size: int) -> Iterator[dict[str, np.ndarray] | Unreadable]:
        """Every row in order, decoded by one thread per core (Pillow works outside the interpreter's lock).

        At most a few pieces per thread are under way, so memory does not grow with the dataset.
        """
        Image.init()  # registers Pillow's formats here; threads doing so at once would race
        count = len(self.listing.files)
        threads = usable_cores()

        def piece(start: int) -> list[dict[str, np.ndarray] | Unreadable]:
            return [self._decode_one(index, size) for index in range(start, min(start + _CHUNK, count))]

        pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        pending: deque[Future[list[dict[str, np.ndarray] | Unreadable]]] = deque()
        try:
            for start in range(0, count, _CHUNK):
                pending.append(pool.submit(piece, start))
                if len(pending) > 3 * threads:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _decode_one(self, index: int, size: int) -> dict[str, np.ndarray] | Unreadable:
        try:
            return self.decode(index, size)
        except Unreadable as error:
            return error
