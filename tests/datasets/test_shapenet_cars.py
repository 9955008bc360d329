"""ShapeNet cars: the crop, names from CSV and JSON, ambiguous and nameless models."""

import json
import os
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


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.json", '[{"id": "m1", "name": "jeep"}, {"id": "m2"}]', "entry 2 of .* has not both id and name"),
        ("m.json", '[{"id": "m1", "name": "jeep"}, null]', "entry 2 of .* has not both id and name"),
        ("m.json", '[{"id": "m1", "name": "jeep"}, {"id": ["m2"], "name": "x"}]', "entry 2 of .* has not both"),
        ("m.json", '{"m1": {"name": "jeep"}}', "entry 1 of .* has not both id and name"),
        ("m.json", '{"m1": "jeep", "m1": "sedan"}', "the key 'm1' has two values"),
        (
            "m.json",
            '[{"id": "a.m1", "name": "jeep"}, {"id": "b.m1", "name": "x"}]',
            "entry 2 .* names m1 'x', an earlier",
        ),
        ("m.json", "[" * 100_000, "is neither CSV nor JSON"),
        ("m.json", "9" * 5000, "is neither CSV nor JSON"),
        ("m.csv", "fullId,name\n3dw.a,jeep\n3dw.b\n", "line 3 of .* has not both fullId and name"),
        ("m.csv", "fullId,name\n3dw.a,jeep\nwss.a,sedan\n", "line 3 of .* names a 'sedan', an earlier line 'jeep'"),
        ("m.csv", b"fullId,name\na,Citro\xebn\n", r"is not a text file in UTF-8 \(line 2\)"),
    ],
)
def test_a_row_without_a_name_or_with_a_second_one_is_an_error(root: Path, name: str, text, message: str) -> None:
    (root / "shapenet_cars" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BenchError, match=message):
        ShapeNetCars.open(root)


def test_a_null_name_is_none_and_hidden_files_are_no_metadata(root: Path) -> None:
    rows = [{"id": "a1", "name": None}, {"id": "d4", "name": "Jeep"}]
    (root / "shapenet_cars" / "names.json").write_text(json.dumps(rows))
    (root / "shapenet_cars" / "._names.json").write_bytes(b"\0\5\x16\7")
    labels = ShapeNetCars.open(root).listing.labels["car"]
    assert sorted(set(labels.tolist())) == [-1, 3]


def test_links_in_a_circle_come_to_an_end_and_are_counted(root: Path) -> None:
    write(root, "csv")
    test = root / "shapenet_cars" / "syncar" / "test"
    for number in range(12):  # each way through them is another path
        (test / "d4" / f"back{number}").symlink_to("..", target_is_directory=True)
    (test / "d4" / "loop").symlink_to("loop")
    content = ShapeNetCars.open_test(root).read(8, Silent())
    assert len(content.images) == 3
    assert content.skipped["folder that is read already, by another link"] == 12
    assert content.skipped["link to a folder that is not there"] == 1


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"two\nlines.png"])
def test_names_of_another_encoding_are_read(root: Path, name: bytes) -> None:
    write(root, "csv")
    folder = os.fsencode(root / "shapenet_cars" / "syncar" / "test")
    os.rename(folder + b"/zz.png", folder + b"/" + name)
    source = ShapeNetCars.open_test(root)
    assert len(source.read(8, Silent()).images) == 3
    assert len(source.fingerprint()["sha256"]) == 64
