"""What a cell leaves beside its record: per-item arrays, and pictures for a person."""

from pathlib import Path

import numpy as np

from bench.pipeline.records import Record
from bench.pipeline.store import Store


def predictions_of(record: Record, store: Store) -> dict[str, np.ndarray]:
    """Per-item arrays of a record by name, first axis items, as read-only memory maps; nothing is unpickled."""
    if record.predictions is None:
        return {}
    folder = store.root / record.predictions
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}


def pictures_of(record: Record, store: Store) -> list[tuple[Path, str]]:
    """The PNG files of a record's pictures that are still in the store, each with what it shows."""
    if record.predictions is None:
        return []
    folder = store.root / record.predictions
    return [
        (folder / picture.file, picture.caption) for picture in record.pictures if (folder / picture.file).is_file()
    ]
