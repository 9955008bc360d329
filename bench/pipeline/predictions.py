"""What a cell leaves beside its record: per-item arrays, and pictures for a person."""

from pathlib import Path

import numpy as np

from bench.pipeline.records import PictureFile, Record
from bench.pipeline.store import Store
from datasets.sealed import leaving_out_damaged, read_array


def predictions_of(record: Record, store: Store) -> dict[str, np.ndarray]:
    """Per-item arrays of a record by name, first axis items, as read-only memory maps; nothing is unpickled.

    Damaged ones are said and left out.
    """
    found: dict[str, np.ndarray] = {}
    if record.predictions is not None:
        with leaving_out_damaged():
            store.check_predictions(record)
            paths = sorted((store.root / record.predictions).glob("*.npy"))
            found |= {path.stem: read_array(path) for path in paths}
    return found


def pictures_of(record: Record, store: Store) -> list[tuple[Path, str]]:
    """The PNG files of a record's pictures that are still in the store, each with what it shows; without strips, which
    `strips_of` has."""
    return [(path, picture.caption) for path, picture in _files(record, store) if not picture.rows]


def strips_of(record: Record, store: Store) -> list[tuple[Path, PictureFile]]:
    """The PNG files of pictures whose rows are strips (`tasks.results.Picture`)."""
    return [(path, picture) for path, picture in _files(record, store) if picture.rows]


def _files(record: Record, store: Store) -> list[tuple[Path, PictureFile]]:
    """Every picture that is still in the store."""
    if record.predictions is None:
        return []
    folder = store.root / record.predictions
    return [(folder / picture.file, picture) for picture in record.pictures if (folder / picture.file).is_file()]
