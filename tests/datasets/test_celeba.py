"""CelebA's label files: two spaces, CRLF, rows without images and images without rows."""

from pathlib import Path

import numpy as np
import pytest

from datasets.base import Silent
from datasets.celeba import CelebA
from datasets.errors import BenchError, DatasetMissing

NAMES = [f"Attribute_{index}" for index in range(40)]


@pytest.fixture
def root(draw, tmp_path: Path) -> Path:
    """Seven rows, the last without an image; image 8 without any row, image 6 without an identity."""
    folder = tmp_path / "celeba"
    for index in (1, 2, 3, 4, 5, 6, 8):
        draw(folder / "img_align_celeba" / f"{index:06d}.jpg", index, size=(178, 218))
    rows = [
        f"{index:06d}.jpg " + " ".join(" 1" if (index + column) % 3 == 0 else "-1" for column in range(40))
        for index in range(1, 8)
    ]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["7", " ".join(NAMES) + " ", *rows, ""]))
    identities = "".join(f"{index:06d}.jpg {100 + index}\r\n" for index in (1, 2, 3, 4, 5, 7))
    (folder / "identity_CelebA.txt").write_bytes(identities.encode())
    parts = "".join(f"{index:06d}.jpg {index % 3}\r\n" for index in range(1, 8))
    (folder / "list_eval_partition.txt").write_bytes(parts.encode())
    return tmp_path


def test_everything(root: Path) -> None:
    content = CelebA.open(root).read(8, Silent())
    assert content.images.shape == (5, 8, 8, 3)
    expected = [[int((index + column) % 3 == 0) for column in range(40)] for index in range(1, 6)]
    np.testing.assert_array_equal(content.labels["attributes"], expected)
    assert content.labels["identity"].tolist() == [101, 102, 103, 104, 105]
    assert content.labels["split"].tolist() == [1, 2, 0, 1, 2]
    assert content.classes["attributes"] == tuple(NAMES)
    assert content.skipped == {"image without a label": 2, "label without an image": 1}


def test_one_part_alone(root: Path) -> None:
    source = CelebA.open(root, splits=("test",))
    assert [file.name for file in source.listing.files] == ["000002.jpg", "000005.jpg"]
    assert source.fingerprint() != CelebA.open(root).fingerprint()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("list_attr_celeba.txt", "Attribute_7 ", "", r"line 2 of .* has 39 names, expected 40"),
        ("list_attr_celeba.txt", "000002.jpg -1", "000002.jpg", r"line 4 of .* is not a name and 40 values"),
        ("list_attr_celeba.txt", "000002.jpg -1", "000002.jpg 0", r"line 4 of .* is not a name and 40 values"),
        ("list_eval_partition.txt", "000003.jpg 0", "000003.jpg 3", r"line 3 of .* has '3'"),
        ("identity_CelebA.txt", "000003.jpg 103", "000003.jpg", r"line 3 of .* expected <name> <number>"),
    ],
)
def test_a_wrong_line_is_named(root: Path, file: str, old: str, new: str, message: str) -> None:
    text = (root / "celeba" / file).read_text()
    assert old in text
    (root / "celeba" / file).write_text(text.replace(old, new))
    with pytest.raises(BenchError, match=message):
        CelebA.open(root)


@pytest.mark.parametrize("file", ["list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt"])
def test_a_missing_file_is_named(root: Path, file: str) -> None:
    (root / "celeba" / file).unlink()
    with pytest.raises(DatasetMissing, match=f"celeba: no {file} in .*celeba;"):
        CelebA.open(root)


@pytest.mark.parametrize(
    ("file", "row", "message"),
    [
        (
            "list_attr_celeba.txt",
            "000002.jpg " + "1 " * 40,
            r"line 11 of .* gives 000002.jpg another Attribute_\d+ than",
        ),
        ("list_eval_partition.txt", "000003.jpg 1\r\n", "line 8 of .* gives 000003.jpg 1, an earlier line 0"),
        ("identity_CelebA.txt", "000003.jpg 104\r\n", "line 7 of .* gives 000003.jpg 104, an earlier line 103"),
    ],
)
def test_a_row_that_contradicts_an_earlier_one_is_an_error(root: Path, file: str, row: str, message: str) -> None:
    with (root / "celeba" / file).open("a", newline="") as handle:
        handle.write(("\n" if file.startswith("list_attr") else "") + row)
    with pytest.raises(BenchError, match=message):
        CelebA.open(root)


def test_a_repeated_row_is_passed_over(root: Path) -> None:
    before = CelebA.open(root).fingerprint()
    for file in ("list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt"):
        path = root / "celeba" / file
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines, lines[2]]))
    assert CelebA.open(root).fingerprint() == before


@pytest.mark.parametrize("number", ["9" * 5000, "1_0", "1e3", "\u0661", "4294967296", "-1"])
def test_an_odd_number_is_an_error_of_one_short_line(root: Path, number: str) -> None:
    path = root / "celeba" / "identity_CelebA.txt"
    path.write_text(f"000001.jpg {number}\n", encoding="utf-8")
    with pytest.raises(BenchError, match=r"line 1 of .* expected a whole number from 0 to") as caught:
        CelebA.open(root)
    assert len(str(caught.value)) < 400


def test_real_celeba(real_data: Path) -> None:
    listing = CelebA.open(real_data).listing
    assert len(listing.files) == 700
    assert np.bincount(listing.labels["split"]).tolist() == [575, 0, 125]
    assert listing.labels["attributes"].shape == (700, 40)
    assert int(listing.labels["attributes"].sum()) == 7159
    assert listing.classes["attributes"][0] == "5_o_Clock_Shadow"
    assert listing.labels["identity"][0] == 7399
    assert listing.skipped == {}
