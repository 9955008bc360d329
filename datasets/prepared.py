"""Datasets decoded once: a folder of `.npy` files that every later use opens by memory map.

    <store>/<fingerprint>-<size>/
        images.npy          uint8 (n, size, size, 3)
        label-<kind>.npy    one per label kind
        truth-<name>.npy    one per kind of ground truth
        tracks.npy          where there are tracks
        meta.json           name, digest, classes, track names, what was left out

The folder is written under a temporary name and renamed, so that it is whole or absent. Which source and size it
holds is in its name; its content's identity is the digest in `meta.json`.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from datasets.base import Content, Dataset, Progress, Source
from datasets.content import check_content
from datasets.errors import BenchError
from datasets.files import atomic_folder, remove
from datasets.plain import plain
from datasets.rows import FolderOfRows
from datasets.sealed import Damaged, read_array, read_sealed, write_sealed

# Layout of the folder; another number in meta.json means that the folder is prepared again.
FORMAT = 2
_META = "meta.json"
# Bytes hashed at a time.
_BLOCK = 1 << 24


def prepare(source: Source, size: int, store: Path, progress: Progress) -> Dataset:
    """Read `source` at `size` x `size` pixels into `store`, unless it is there already, and open it.

    Several processes may ask for the same dataset at once: one reads, the others wait for it. A damaged folder is
    removed and prepared again.

    Raises
    ------
    BenchError
        Where `store` cannot be written (full disk, no permission), the source cannot be read, or gives what is no
        `Content`.
    """
    folder = prepared_folder(source, size, store)
    if (found := _open_if_whole(folder)) is not None:
        return found
    with _locked(folder, source.label, progress):
        if (found := _open_if_whole(folder)) is not None:
            return found
        _sweep(folder, source.label, progress)
        with atomic_folder(folder) as temporary:
            _write(source, size, temporary, progress)
        return open_prepared(folder)


def find_prepared(source: Source, size: int, store: Path) -> Dataset | None:
    """The dataset if it is prepared and whole; writes nothing."""
    return _open_if_whole(prepared_folder(source, size, store))


def open_prepared(folder: Path) -> Dataset:
    """Open a prepared folder by memory map. Of its arrays nothing is hashed: this takes milliseconds at any size.
    Before anything is computed from them, `verify` compares them with the digest.

    Raises
    ------
    Damaged
        When the folder is absent, of another format, or a file of it is missing or cut short.
    """
    try:
        meta = read_sealed(folder / _META)
        if meta["format"] != FORMAT:
            raise ValueError(f"format {meta['format']}, expected {FORMAT}")
        count = int(meta["count"])
        return Dataset(
            images=_load(folder, "images", count),
            labels={kind: _load(folder, f"label-{kind}", count) for kind in meta["labels"]},
            classes={kind: tuple(names) for kind, names in meta["classes"].items()},
            tracks=_load(folder, "tracks", count) if meta["tracks"] else None,
            track_names=tuple(meta["track_names"]),
            truth={name: _load(folder, f"truth-{name}", count) for name in meta["truth"]},
            skipped=dict(meta["skipped"]),
            name=meta["name"],
            synthetic=meta["synthetic"],
            digest=meta["digest"],
            folder=folder,
            # Prepared by a version that did not say, it is of photographs.
            world=meta.get("world", ""),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else getattr(error, "strerror", None) or error
        raise Damaged.of(folder, str(reason)) from error


def prepared_folder(source: Source, size: int, store: Path) -> Path:
    """Where `source` is prepared at `size`: named by a hash of its fingerprint.

    Raises BenchError where that is no JSON.
    """
    fingerprint = plain(source.fingerprint(), f"{source.label}: fingerprint")
    identity = {"name": source.name, "synthetic": source.synthetic, "fingerprint": fingerprint}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return store / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}-{size}"


def content_digest(content: Content) -> str:
    """SHA-256 over images, labels with their class names, tracks with their names, and ground truth.

    It depends on neither paths nor how the files are stored: equal digests mean equal data.
    """
    digest = hashlib.sha256()
    names = {"classes": content.classes, "track_names": content.track_names}
    digest.update(json.dumps(names, sort_keys=True, separators=(",", ":")).encode())
    for name, array in sorted(_columns(content).items()):
        digest.update(f"\n{name} {array.dtype.newbyteorder('<').str} {array.shape}\n".encode())
        step = max(1, _BLOCK // max(1, array[:1].nbytes))
        for start in range(0, len(array), step):
            block = np.ascontiguousarray(array[start : start + step])
            digest.update(block.astype(block.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()


def _columns(content: Content) -> dict[str, np.ndarray]:
    """Every array of `content` by the name of its file."""
    columns = {"images": content.images}
    columns |= {f"label-{kind}": values for kind, values in content.labels.items()}
    columns |= {f"truth-{name}": values for name, values in content.truth.items()}
    if content.tracks is not None:
        columns["tracks"] = content.tracks
    return columns


def _write(source: Source, size: int, folder: Path, progress: Progress) -> None:
    """Read `source` into the files of `folder`."""
    rows = FolderOfRows(folder)
    try:
        content = source.read_into(_Named(rows), size, progress)
    finally:
        rows.close()
    check_content(content, size, source.label)
    count = len(content.images)
    for name, array in _columns(content).items():
        if not rows.holds(name, array):
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
    meta: dict[str, Any] = {
        "format": FORMAT,
        "name": source.name,
        "synthetic": source.synthetic,
        "fingerprint": plain(source.fingerprint(), f"{source.label}: fingerprint"),
        "world": source.world,
        "digest": content_digest(content),
        "count": count,
        "labels": sorted(content.labels),
        "truth": sorted(content.truth),
        "tracks": content.tracks is not None,
        "classes": content.classes,
        "track_names": content.track_names,
        "skipped": plain(content.skipped, f"{source.label}: skipped"),
    }
    write_sealed(folder / _META, meta)


class _Named:
    """Opens a source's growing arrays under the names of their files: all but the images, and what says that it is
    labels, are ground truth."""

    def __init__(self, rows: FolderOfRows) -> None:
        self._rows = rows

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        named = name == "images" or name.startswith(("label-", "truth-"))
        return self._rows(name if named else f"truth-{name}", shape, dtype)


def _load(folder: Path, name: str, count: int) -> np.ndarray:
    """Map `<name>.npy` of `count` rows; a ValueError, or Damaged, when it is not what meta.json says."""
    array = read_array(folder / f"{name}.npy")
    if len(array) != count:
        raise ValueError(f"{name}.npy has {len(array)} rows, expected {count}")
    return array


def _open_if_whole(folder: Path) -> Dataset | None:
    """The prepared dataset, or None when it is absent or damaged."""
    if not folder.is_dir():
        return None
    try:
        return open_prepared(folder)
    except Damaged:
        return None


def verify(dataset: Dataset) -> None:
    """Compare a prepared dataset's arrays, as they are mapped, with its digest; raises Damaged. One that only lives in
    memory is whole."""
    if dataset.folder is not None and not _is_whole(dataset):
        raise Damaged.of(dataset.folder, "its arrays are not what was written")


def mend(dataset: Dataset, progress: Progress) -> bool:
    """Remove a prepared dataset that is damaged; says whether it had to be opened or prepared anew."""
    folder = dataset.folder
    if folder is None or _is_whole(dataset):
        return False
    with _locked(folder, dataset.label, progress):
        found = _open_if_whole(folder)
        if found is None or not _is_whole(found):  # else another process has prepared it anew
            _sweep(folder, dataset.label, progress)
    return True


def _is_whole(dataset: Dataset) -> bool:
    return content_digest(dataset) == dataset.digest


@contextmanager
def _locked(folder: Path, label: str, progress: Progress) -> Iterator[None]:
    """Hold the lock beside `folder`; it is the operating system's and goes with the process, killed or not."""
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.say(f"waiting for another run that reads {label}")
            lock.acquire()
    except OSError as error:
        raise BenchError(f"cannot write to {folder.parent}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _sweep(folder: Path, label: str, progress: Progress) -> None:
    """Remove a damaged folder, and what a killed run left half written. Only the lock's holder may."""
    if folder.exists():
        progress.say(f"warning: the prepared copy of {label} is damaged and is made again")
    for path in [folder, *folder.parent.glob(f".{folder.name}.*.tmp")]:
        remove(path)
