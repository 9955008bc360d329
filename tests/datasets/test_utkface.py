"""UTKFace's layout, its odd names, and damaged files."""

from pathlib import Path

import numpy as np
import pytest

from datasets.base import Silent
from datasets.errors import BenchError, DatasetMissing
from datasets.prepared import prepare
from datasets.utkface import UTKFace, labels_of

ODD = [
    "24_0_1_20170116220224657 .jpg.chip.jpg",
    "39_1_20170116174525125.jpg.chip.jpg",
    "55_0_0_20170116232725357jpg.chip.jpg",
    "61_1_20170109142408075.jpg.chip.jpg",
    "61_1_20170109150557335.jpg.chip.jpg",
]
PLAIN = ["1_0_4_20170117195420803.jpg.chip.jpg", "116_1_0_20170112213507183.jpg.chip.jpg"]


@pytest.fixture
def root(draw, tmp_path: Path) -> Path:
    for seed, name in enumerate([*ODD, *PLAIN]):
        draw(tmp_path / "data" / "utkface" / "UTKFace" / name, seed)
    return tmp_path / "data"


def test_every_file_is_read_and_odd_names_have_no_label(root: Path) -> None:
    content = UTKFace.open(root).read(8, Silent())
    names = sorted([*ODD, *PLAIN])
    assert len(content.images) == 7
    expected = np.array([labels_of(name) for name in names]).T
    for kind, values in zip(("age", "gender", "race"), expected, strict=True):
        np.testing.assert_array_equal(content.labels[kind], values)
        assert (values < 0).sum() == len(ODD)
    assert content.skipped == {}
    assert content.classes["gender"] == ("male", "female")


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_unknown(name: str) -> None:
    assert labels_of(name) == (-1, -1, -1)


def test_a_plain_name_says_its_labels() -> None:
    assert labels_of(PLAIN[0]) == (1, 0, 4)
    assert labels_of(PLAIN[1]) == (116, 1, 0)


def test_the_folder_itself_may_be_the_root(root: Path) -> None:
    assert len(UTKFace.open(root / "utkface").listing.files) == 7


def test_a_damaged_image_is_left_out_counted_and_told(root: Path, told, truncate, tmp_path: Path) -> None:
    truncate(root / "utkface" / "UTKFace" / PLAIN[0])
    dataset = prepare(UTKFace.open(root), 8, tmp_path / "store", told)
    assert len(dataset) == 6
    assert dataset.skipped == {"unreadable image": 1}
    assert dataset.labels["age"].max() == 116
    assert (dataset.labels["age"] == 1).sum() == 0
    assert len(told.lines) == 1
    assert "utkface: unreadable image, 1 left out" in told.lines[0]
    assert PLAIN[0] in told.lines[0]


def test_images_stay_in_order_over_many_pieces(draw, tmp_path: Path) -> None:
    folder = tmp_path / "UTKFace"
    names = [f"{index}_0_0_{index:03d}.jpg.chip.jpg" for index in range(1, 101)]
    for seed, name in enumerate(names):
        draw(folder / name, seed)
    (folder / names[40]).write_bytes(b"")
    content = UTKFace.open(tmp_path).read(8, Silent())
    assert content.labels["age"].tolist() == [int(n.split("_")[0]) for n in sorted(names) if n != names[40]]
    single = tmp_path / "one" / "UTKFace"
    for name in (names[0], names[98]):
        single.mkdir(parents=True, exist_ok=True)
        (single / name).write_bytes((folder / name).read_bytes())
    alone = UTKFace.open(single.parent).read(8, Silent())
    ages = content.labels["age"].tolist()
    np.testing.assert_array_equal(alone.images[0], content.images[ages.index(1)])
    np.testing.assert_array_equal(alone.images[1], content.images[ages.index(99)])


def test_when_nothing_can_be_read_it_is_an_error(root: Path) -> None:
    for path in (root / "utkface" / "UTKFace").iterdir():
        path.write_bytes(b"")
    with pytest.raises(BenchError, match=r"utkface: none of the 7 images .* can be read"):
        UTKFace.open(root).read(8, Silent())


def test_a_missing_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing) as caught:
        UTKFace.open(tmp_path)
    assert str(caught.value).startswith(f"utkface: no UTKFace in {tmp_path / 'utkface'}")
    assert "--data synthetic" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(DatasetMissing, match=r"data root .*absent is not a folder.*--data synthetic"):
        UTKFace.open(tmp_path / "absent")


def test_an_empty_folder_is_missing(tmp_path: Path) -> None:
    (tmp_path / "UTKFace").mkdir()
    with pytest.raises(DatasetMissing, match="utkface: no image in"):
        UTKFace.open(tmp_path)


def test_the_fingerprint_follows_names_sizes_and_times(root: Path, draw) -> None:
    import os

    seen = [UTKFace.open(root).fingerprint()]
    assert seen[0] == UTKFace.open(root).fingerprint()
    folder = root / "utkface" / "UTKFace"
    os.utime(folder / PLAIN[0], ns=(5, 5))
    seen.append(UTKFace.open(root).fingerprint())
    with (folder / PLAIN[0]).open("ab") as handle:
        handle.write(b"x")
    os.utime(folder / PLAIN[0], ns=(5, 5))
    seen.append(UTKFace.open(root).fingerprint())
    (folder / PLAIN[0]).rename(folder / f"2{PLAIN[0]}")
    seen.append(UTKFace.open(root).fingerprint())
    draw(folder / "9_0_0_1.jpg.chip.jpg")
    seen.append(UTKFace.open(root).fingerprint())
    assert len({value["sha256"] for value in seen}) == len(seen)
    assert str(root) not in str(seen)


def test_images_of_another_kind_and_links_to_nothing_are_counted(root: Path, draw, told) -> None:
    folder = root / "utkface" / "UTKFace"
    draw(folder / "5_0_0_1.png")
    (folder / "6_0_0_1.jpg.chip.jpg").symlink_to("/nowhere/annex.jpg")
    (folder / "7_0_0_1.jpg.chip.jpg").symlink_to("7_0_0_1.jpg.chip.jpg")
    content = UTKFace.open(root).read(8, told)
    assert len(content.images) == 7
    assert content.skipped == {"image that is no .jpg": 1, "unreadable image": 2}
    assert any("6_0_0_1.jpg.chip.jpg (a link whose target is not there)" in line for line in told.lines)


def test_real_utkface(real_data: Path) -> None:
    source = UTKFace.open(real_data)
    labels = source.listing.labels
    assert len(source.listing.files) == 3005
    assert {kind: int((values < 0).sum()) for kind, values in labels.items()} == {"age": 5, "gender": 5, "race": 5}
    assert (labels["age"].max(), labels["gender"].max(), labels["race"].max()) == (116, 1, 4)
    image = source.decode(0, 32)["images"]
    assert image.std() > 10
