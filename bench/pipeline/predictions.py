"""What a cell leaves beside its record: per-item arrays, and pictures for a person."""

from pathlib import Path

import numpy as np

from bench.pipeline.records import Record
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
    """The PNG files of a record's pictures that are still in the store, each with what it shows."""
    if record.predictions is None:
        return []
    folder = store.root / record.predictions
    return [
        (folder / picture.file, picture.caption) for picture in record.pictures if (folder / picture.file).is_file()
    ]
