"""ShapeNet cars: the crop, names from CSV and JSON, ambiguous and nameless models."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.base import Silent
from datasets.errors import BenchError, DatasetMissing
from datasets.shapenet_cars import ShapeNetCars

NAMES = {"a1": "Ferrari F40", "b2": "Police Car, jeep", "c3": "sedan, coupe", "d4": "JEEP"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in (
        "train/a1/0.png",
        "val/c3_000.png",
        "test/b2.png",
        "test/d4/x/7.png",
        "test/zz.png",
        "test/view_a1.png",
    ):
        file = tmp_path / "shapenet_cars" / "syncar" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((128, 128, 3), np.uint8)
        pixels[8:108, 14:114] = 200
        Image.fromarray(pixels).save(file)
    return tmp_path


def write(root: Path, form: str) -> None:
    """Write the names in one of the known forms."""
    folder = root / "shapenet_cars"
    if form == "csv":
        rows = "".join(f'3dw.{model},car,"{name}"\n' for model, name in NAMES.items())
        (folder / "metadata.csv").write_text("fullId,category,name\n" + rows)
    else:
        rows = [{"id": model, "name": name} for model, name in NAMES.items()]
        (folder / "names.json").write_text(json.dumps(NAMES if form == "object" else rows))


@pytest.mark.parametrize("form", ["csv", "object", "list"])
def test_classes_splits_and_the_crop(root: Path, form: str) -> None:
    write(root, form)
    source = ShapeNetCars.open(root)
    content = source.read(64, Silent())
    assert [file.name for file in source.listing.files] == [
        "train/a1/0.png",
        "val/c3_000.png",
        "test/view_a1.png",
        "test/zz.png",
        "test/d4/x/7.png",
    ]
    assert content.labels["car"].tolist() == [4, -1, 4, -1, 3]
    assert content.labels["split"].tolist() == [0, 1, 2, 2, 2]
    assert content.classes["car"] == ("police car", "ambulance", "limousine", "jeep", "ferrari")
    assert content.skipped == {"name of two classes": 1}
    assert (content.images == 200).all()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.csv", "model,title\na1,Jeep\n", "names no models: expected the columns fullId and name"),
        ("m.json", "[1, 2]", "names no models"),
        ("m.json", "{", "is neither CSV nor JSON"),
    ],
)
def test_metadata_of_another_form_is_an_error(root: Path, name: str, text: str, message: str) -> None:
    (root / "shapenet_cars" / name).write_text(text)
    with pytest.raises(BenchError, match=message):
        ShapeNetCars.open(root)


def test_what_is_missing_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match=r"shapenet_cars: no metadata in .*one \.csv or \.json"):
        ShapeNetCars.open(root)
    with pytest.raises(DatasetMissing, match="shapenet_cars: no syncar in"):
        ShapeNetCars.open(tmp_path / "shapenet_cars" / "syncar")


def test_tests_and_trainings_see_their_own_split(root: Path) -> None:
    write(root, "csv")
    test, train = ShapeNetCars.open_test(root), ShapeNetCars.open_train(root)
    assert (test.name, len(test.listing.files), set(test.listing.labels["split"].tolist())) == ("shapenet_cars", 3, {2})
    assert (train.name, [file.name for file in train.listing.files]) == ("shapenet_cars_train", ["train/a1/0.png"])
