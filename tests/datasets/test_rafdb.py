"""RAF-DB's two copies."""

from pathlib import Path

import numpy as np
import pytest

from datasets.base import Silent
from datasets.errors import BenchError, DatasetMissing
from datasets.prepared import prepare
from datasets.rafdb import EMOTIONS, RAFDB

ROWS = {"train_00001": 5, "train_00002": 1, "test_0001": 4, "test_0002": 7}


@pytest.fixture
def original(draw, tmp_path: Path) -> Path:
    folder = tmp_path / "original" / "rafdb"
    for seed, name in enumerate([*ROWS, "test_0009"]):
        draw(folder / "Image" / "aligned" / f"{name}_aligned.jpg", seed)
    (folder / "EmoLabel").mkdir()
    lines = [*(f"{name}.jpg {value}" for name, value in ROWS.items()), "train_00077.jpg 3"]
    (folder / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    return folder.parent


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy" / "rafdb"
    for name, value in ROWS.items():
        target = folder / name.partition("_")[0] / str(value) / f"{name}_aligned.jpg"
        target.parent.mkdir(parents=True)
        source = original / "rafdb" / "Image" / "aligned" / target.name
        target.write_bytes(source.read_bytes())
    return folder.parent


def test_the_original(original: Path) -> None:
    content = RAFDB.open(original).read(8, Silent())
    assert content.classes == {"emotion": EMOTIONS, "split": ("train", "val", "test")}
    assert [EMOTIONS[value] for value in content.labels["emotion"]] == ["happiness", "neutral", "sadness", "surprise"]
    assert content.labels["split"].tolist() == [2, 2, 0, 0]
    assert content.skipped == {"image without a label": 1, "label without an image": 1}


def test_both_copies_hold_the_same(original: Path, copy: Path, tmp_path: Path) -> None:
    one = prepare(RAFDB.open(original), 8, tmp_path / "store", Silent())
    other = prepare(RAFDB.open(copy), 8, tmp_path / "store", Silent())
    assert one.digest == other.digest
    assert other.skipped == {}


def test_a_folder_of_no_emotion_is_counted(copy: Path, draw) -> None:
    draw(copy / "rafdb" / "test" / "8" / "test_0003_aligned.jpg")
    assert RAFDB.open(copy).read(8, Silent()).skipped == {"image without a label": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train_1.jpg 8", r"line 1 of .* has '8', expected a whole number from 1 to 7"),
        ("train_1.jpg x", r"line 1 of .* has 'x'"),
        ("valid_1.jpg 3", r"line 1 of .* has 'valid_1.jpg', expected a name with train_ or test_"),
        ("train_1.jpg", r"line 1 of .* is 'train_1.jpg', expected <part>_<number>.jpg <emotion>"),
    ],
)
def test_a_wrong_line_is_named(original: Path, line: str, message: str) -> None:
    (original / "rafdb" / "EmoLabel" / "list_patition_label.txt").write_text(line)
    with pytest.raises(BenchError, match=message):
        RAFDB.open(original)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match=r"rafdb: no EmoLabel/list_patition_label.txt in .*--data synthetic"):
        RAFDB.open(tmp_path)


def test_a_row_that_contradicts_an_earlier_one_is_an_error(original: Path) -> None:
    path = original / "rafdb" / "EmoLabel" / "list_patition_label.txt"
    path.write_text(path.read_text() + "\ntrain_00001.jpg 5\n")
    assert len(RAFDB.open(original).listing.files) == 4
    path.write_text(path.read_text() + "train_00001.jpg 6\n")
    with pytest.raises(BenchError, match=r"line 7 of .* gives train_00001 6, an earlier line 5"):
        RAFDB.open(original)


def test_a_picture_of_two_emotions_is_an_error(copy: Path, draw) -> None:
    draw(copy / "rafdb" / "train" / "1" / "train_00001_aligned.jpg")
    with pytest.raises(BenchError, match=r"train_00001_aligned.jpg is in .*train/1 and in 5: keep one"):
        RAFDB.open(copy)


def test_an_image_beside_the_emotions_is_counted(copy: Path, draw) -> None:
    draw(copy / "rafdb" / "train" / "train_00009_aligned.jpg")
    assert RAFDB.open(copy).read(8, Silent()).skipped == {"image without a label": 1}


def test_real_rafdb(real_data: Path) -> None:
    listing = RAFDB.open(real_data).listing
    assert len(listing.files) == 456
    assert np.bincount(listing.labels["split"]).tolist() == [312, 0, 144]
    assert np.bincount(listing.labels["emotion"], minlength=7).tolist() == [120, 33, 87, 108, 36, 72, 0]
    assert listing.skipped == {}
