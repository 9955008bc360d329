"""What a cell leaves beside its record: per-item arrays, and pictures for a person."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.pipeline.records import PictureFile, Record
from bench.pipeline.store import Store
from datasets.sealed import check_files, find_sealed, leaving_out_damaged, read_array

# Of a cell's predictions: the learning curves of what its task trained.
CURVES = "curves.json"


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
    return [(path, picture.caption) for path, picture in files_of(record, store) if not picture.rows]


def strips_of(record: Record, store: Store) -> list[tuple[Path, PictureFile]]:
    """The PNG files of pictures whose rows are strips (`tasks.results.Picture`)."""
    return [(path, picture) for path, picture in files_of(record, store) if picture.rows]


def curves_in(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The learning curves, epoch by epoch, of trainings that have their state in a folder, by the trainings' names."""
    found = {}
    for path in sorted(folder.glob("*/curve.jsonl")):
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # what is being written has no end yet
        found[path.parent.name] = [json.loads(line) for line in lines]
    return found


def curves_of(record: Record, store: Store) -> dict[str, list[dict[str, Any]]]:
    """The learning curves of what a record's task trained, by the trainings' names; damaged ones are said and left
    out."""
    if record.predictions is None or CURVES not in record.files:
        return {}
    folder = store.root / record.predictions
    with leaving_out_damaged():
        _check(folder / CURVES, record.files)
        return dict(json.loads((folder / CURVES).read_text(encoding="utf-8")))
    return {}


def sheets_of(folder: Path) -> list[tuple[Path, PictureFile]]:
    """The PNG files that a training or a derivation left in its folder, each with what is known of it. Damaged ones are
    said and left out, as is what the folder says of them where that is damaged."""
    found: list[tuple[Path, PictureFile]] = []
    with leaving_out_damaged():
        info = find_sealed(folder / "checkpoint.json") or find_sealed(folder / "derived.json") or {}
        known = {picture["file"]: PictureFile.model_validate(picture) for picture in info.get("pictures", ())}
        for path in sorted(folder.glob("*.png")):
            with leaving_out_damaged():
                _check(path, info.get("files", {}))
                found.append((path, known.get(path.name, PictureFile(file=path.name, caption=""))))
    return found


def files_of(record: Record, store: Store) -> list[tuple[Path, PictureFile]]:
    """Every picture that is still in the store; damaged ones are said and left out."""
    if record.predictions is None:
        return []
    folder, found = store.root / record.predictions, []
    for picture in record.pictures:
        if (path := folder / picture.file).is_file():
            with leaving_out_damaged():
                _check(path, record.files)
                found.append((path, picture))
    return found


def _check(path: Path, digests: Mapping[str, str]) -> None:
    """Compare a file with its digest, where one is known; raises Damaged."""
    if path.name in digests:
        check_files(path.parent, {path.name: digests[path.name]})
