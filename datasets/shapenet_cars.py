"""ShapeNet cars as rendered for Unsup3D (Wu et al., CVPR 2020), with classes from the models' names.

Images lie in `syncar/{train,val,test}/**/*.png`; the metadata of ShapeNet (CSV or JSON) names each model.
"""

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.entries import ImageFile, list_folders, list_images
from datasets.errors import BenchError, DatasetMissing
from datasets.imagefiles import ImageFiles, Listing
from datasets.layout import SPLITS, find, put, read_text

CLASSES = ("police car", "ambulance", "limousine", "jeep", "ferrari")
# Left, upper, right, lower: the crop (y0, x0, h, w) = (8, 14, 100, 100).
CROP = (14, 8, 114, 108)
_IDS = ("fullId", "modelId", "model_id", "id")


class ShapeNetCars(ImageFiles):
    """Cars by split and name, with the labels `car` (0 to 4 in the order of `CLASSES`; -1 of none) and `split`."""

    @classmethod
    def open_test(cls, root: Path) -> "ShapeNetCars":
        """The test split, as `shapenet_cars`."""
        return cls.open(root, splits=("test",))

    @classmethod
    def open_train(cls, root: Path) -> "ShapeNetCars":
        """The training split, as `shapenet_cars_train`."""
        return cls.open(root, splits=("train",), name="shapenet_cars_train")

    @classmethod
    def open(cls, root: Path, splits: Sequence[str] = SPLITS, name: str = "shapenet_cars") -> "ShapeNetCars":
        """Open `root/shapenet_cars/syncar` (or `root/syncar`) and the one CSV or JSON file beside `syncar`; `splits`
        are the parts that are read.

        A model whose name matches two classes is left out and counted. A model without a name has no class.

        Raises
        ------
        DatasetMissing
            When the images or the metadata are not there.
        BenchError
            When the metadata is not of a known form, or contradicts itself.
        """
        folder = find("shapenet_cars", root, ["syncar"], ["shapenet_cars", "."])
        names = read_names(_metadata(folder))
        listing = Listing([], classes={"car": CLASSES, "split": SPLITS})
        cars: list[int] = []
        parts: list[int] = []
        for part in splits:
            if not os.path.isdir(folder / "syncar" / part):
                raise DatasetMissing(f"shapenet_cars: no {part} in {folder / 'syncar'}")
            for file in _below(folder / "syncar" / part, f"{part}/", listing):
                matches = classes_of(_name(file.name, names))
                if len(matches) > 1:
                    listing.skip("name of two classes", file.name)
                    continue
                listing.files.append(file)
                cars.append(matches[0] if matches else -1)
                parts.append(SPLITS.index(part))
        listing.labels = {"car": np.array(cars, dtype=np.int64), "split": np.array(parts, dtype=np.int64)}
        return cls(name, folder / "syncar", listing, CROP)


def classes_of(name: str) -> list[int]:
    """The classes whose keyword is in a model's name, capitals aside.

    >>> classes_of("Ferrari 250 GTO"), classes_of("sedan"), classes_of("police car, jeep")
    ([4], [], [0, 3])
    """
    return [number for number, keyword in enumerate(CLASSES) if keyword in name.lower()]


def read_names(path: Path) -> dict[str, str]:
    """Model id -> name: from a CSV with the columns `fullId` (or `modelId`, `model_id`, `id`) and `name`, from a JSON
    list of objects with those fields, or from a JSON object of names by id. An id's source (`3dw.`) is dropped.

    A name may be empty or null. A BenchError names the row that lacks an id or a name, or gives an id a second name.
    """
    text = read_text("shapenet_cars", path)
    try:
        rows = _json_rows(text) if path.suffix.lower() == ".json" else _csv_rows(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise BenchError(f"shapenet_cars: {path} is neither CSV nor JSON ({error})") from error
    first = rows[0][1] if rows and isinstance(rows[0][1], Mapping) else {}
    column = next((name for name in _IDS if name in first), None)
    if column is None or "name" not in first:
        raise BenchError(f"shapenet_cars: {path} names no models: expected the columns {_IDS[0]} and name")
    names: dict[str, str] = {}
    for place, row in rows:
        where = f"shapenet_cars: {place} of {path}"
        model, name = (row.get(column), row.get("name", row)) if isinstance(row, Mapping) else (None, None)
        if not isinstance(model, str | int) or not isinstance(name, str | int | float | None) or model == "":
            raise BenchError(f"{where} has not both {column} and name: expected an id and a text")
        put(names, str(model).rpartition(".")[2], str(name or ""), where, "names")
    return names


def _json_rows(text: str) -> list[tuple[str, Any]]:
    """Where each row of a JSON file stands, and the row."""
    content = json.loads(text, object_pairs_hook=_once)
    if isinstance(content, dict):
        content = [{"id": model, "name": name} for model, name in content.items()]
    rows = content if isinstance(content, list) else []
    return [(f"entry {number}", row) for number, row in enumerate(rows, start=1)]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys do not contradict each other."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            raise ValueError(f"the key {key[:60]!r} has two values")
    return found


def _csv_rows(text: str) -> list[tuple[str, Any]]:
    """Where each row of a CSV file stands, and those of its fields that are there."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return [
        (f"line {reader.line_num}", {column: value for column, value in row.items() if value is not None})
        for row in reader
    ]


def _metadata(folder: Path) -> Path:
    """The one CSV or JSON file right in `folder`, hidden ones aside."""
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise BenchError(f"shapenet_cars: cannot read {folder}: {error.strerror or error}") from error
    found = [folder / name for name in names if Path(name).suffix.lower() in (".csv", ".json")]
    if len(found) != 1:
        what = "no" if not found else f"{len(found)} files of"
        raise DatasetMissing(
            f"shapenet_cars: {what} metadata in {folder}; expected one .csv or .json with the models' ids and names"
        )
    return found[0]


def _below(folder: Path, prefix: str, listing: Listing) -> Iterator[ImageFile]:
    """The images in `folder` and in all folders below it, in the order of their names.

    A folder that links lead to again is read once, so that links in a circle come to an end.
    """
    seen: set[tuple[int, int]] = set()
    ahead = [(folder, prefix)]
    while ahead:
        here, before = ahead.pop()
        folders = list_folders(here)
        try:
            status = os.stat(here)
        except OSError:
            listing.skip("link to a folder that is not there", before)
            continue
        if (status.st_dev, status.st_ino) in seen:
            listing.skip("folder that is read already, by another link", before)
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (file for file in list_images(here, before) if file.name.rpartition("/")[2] not in folders)
        ahead += [(here / name, f"{before}{name}/") for name in reversed(folders)]


def _name(file: str, names: Mapping[str, str]) -> str:
    """The name of the model that an image shows: the innermost part of its path that is an id, else none.

    Of a file's own name the whole stem counts, or what stands before its first `_` or after its last.
    """
    *folders, last = file.split("/")
    stem = last.rpartition(".")[0]
    candidates = [stem, stem.partition("_")[0], stem.rpartition("_")[2], *reversed(folders)]
    return next((names[candidate] for candidate in candidates if candidate in names), "")
