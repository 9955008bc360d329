"""ShapeNet cars as rendered for Unsup3D (Wu et al., CVPR 2020), with classes from the models' names.

Images lie in `syncar/{train,val,test}/**/*.png`; the metadata of ShapeNet (CSV or JSON) names each model.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.errors import BenchError, DatasetMissing
from datasets.imagefiles import ImageFile, ImageFiles, Listing, list_folders, list_images
from datasets.layout import SPLITS, find

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
            When the metadata is not of a known form.
        """
        folder = find("shapenet_cars", root, ["syncar"], ["shapenet_cars", "."])
        names = read_names(_metadata(folder))
        listing = Listing([], classes={"car": CLASSES, "split": SPLITS})
        cars: list[int] = []
        parts: list[int] = []
        for part in splits:
            if not (folder / "syncar" / part).is_dir():
                raise DatasetMissing(f"shapenet_cars: no {part} in {folder / 'syncar'}")
            for file in _below(folder / "syncar" / part, f"{part}/"):
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
    list of objects with those fields, or from a JSON object of names by id. An id's source (`3dw.`) is dropped."""
    try:
        if path.suffix.lower() == ".json":
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            if isinstance(content, dict):
                content = [{"id": model, "name": name} for model, name in content.items()]
            return _by_id(content, path)
        with path.open(newline="", encoding="utf-8-sig") as handle:
            return _by_id(list(csv.DictReader(handle)), path)
    except OSError as error:
        raise BenchError(f"shapenet_cars: cannot read {path}: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise BenchError(f"shapenet_cars: {path} is neither CSV nor JSON in UTF-8 ({error})") from error


def _by_id(rows: Any, path: Path) -> dict[str, str]:
    """Names by id from rows of named fields."""
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], Mapping) else {}
    column = next((name for name in _IDS if name in first), None)
    if column is None or "name" not in first:
        raise BenchError(f"shapenet_cars: {path} names no models: expected the columns {_IDS[0]} and name")
    return {str(row[column]).rpartition(".")[2]: str(row["name"] or "") for row in rows}


def _metadata(folder: Path) -> Path:
    """The one CSV or JSON file right in `folder`."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".json"))
    if len(found) != 1:
        what = "no" if not found else f"{len(found)} files of"
        raise DatasetMissing(
            f"shapenet_cars: {what} metadata in {folder}; expected one .csv or .json with the models' ids and names"
        )
    return found[0]


def _below(folder: Path, prefix: str) -> Iterator[ImageFile]:
    """The images in `folder` and in all folders below it, in the order of their names."""
    yield from list_images(folder, prefix)
    for name in list_folders(folder):
        yield from _below(folder / name, f"{prefix}{name}/")


def _name(file: str, names: Mapping[str, str]) -> str:
    """The name of the model that an image shows: the innermost part of its path that is an id, else none.

    Of a file's own name the whole stem counts, or what stands before its first `_` or after its last.
    """
    *folders, last = file.split("/")
    stem = last.rpartition(".")[0]
    candidates = [stem, stem.partition("_")[0], stem.rpartition("_")[2], *reversed(folders)]
    return next((names[candidate] for candidate in candidates if candidate in names), "")
