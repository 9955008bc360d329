"""CelebAMask-HQ: merging the parts, absent and damaged masks, the mapping with and without its header."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.base import Silent
from datasets.celebamask import PARTS, CelebAMaskHQ, split_of
from datasets.errors import BenchError, DatasetMissing
from datasets.prepared import prepare

# index -> original index: train, validation, test, and one without an image.
MAPPING = {0: 5, 7: 162771, 2001: 182638, 9: 1}


def mask(root: Path, index: int, part: str, box: tuple[int, int, int, int], group: int | None = None) -> Path:
    """Draw the mask of a part: white in the box (left, upper, right, lower) of 16 x 16 pixels."""
    folder = root / "celebamask_hq" / "CelebAMask-HQ-mask-anno" / str(index // 2000 if group is None else group)
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", (16, 16))
    image.paste(255, box)
    image.save(folder / f"{index:05d}_{part}.png")
    return folder / f"{index:05d}_{part}.png"


@pytest.fixture
def root(draw, tmp_path: Path) -> Path:
    folder = tmp_path / "celebamask_hq"
    for index in (0, 7, 2001, 3):
        draw(folder / "CelebA-HQ-img" / f"{index}.jpg", index, size=(32, 32))
        mask(tmp_path, index, "skin", (0, 0, 16, 16))
    mask(tmp_path, 0, "hair", (0, 0, 16, 8))
    mask(tmp_path, 0, "nose", (4, 4, 12, 12))
    mask(tmp_path, 0, "cloth", (0, 14, 16, 16))
    rows = [f"{index}\t{original}\t{original + 1:06d}.jpg" for index, original in MAPPING.items()]
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(["idx\torig_idx\torig_file", *rows, ""]))
    return tmp_path


def test_later_parts_overwrite_earlier_ones(root: Path) -> None:
    content = CelebAMaskHQ.open(root).read(16, Silent())
    expected = np.full((16, 16), PARTS.index("skin"))
    expected[4:12, 4:12] = PARTS.index("nose")
    expected[:8] = PARTS.index("hair")
    expected[14:] = PARTS.index("cloth")
    np.testing.assert_array_equal(content.truth["parts"][0], expected)
    assert (content.truth["parts"][1] == 1).all()
    assert len(PARTS) == 19


def test_order_splits_and_what_is_left_out(root: Path, draw) -> None:
    draw(root / "celebamask_hq" / "CelebA-HQ-img" / "8.jpg")
    mask(root, 4, "skin", (0, 0, 4, 4))
    mask(root, 0, "moustache", (0, 0, 4, 4))
    source = CelebAMaskHQ.open(root)
    content = source.read(8, Silent())
    assert [file.name for file in source.listing.files] == [f"CelebA-HQ-img/{index}.jpg" for index in (0, 7, 2001)]
    assert content.labels["split"].tolist() == [0, 1, 2]
    assert content.skipped == {
        "image without a label": 1,
        "label without an image": 1,
        "image without a part mask": 1,
        "part masks without an image": 2,
        "mask of no known part": 1,
    }


def test_a_mapping_without_its_header(root: Path) -> None:
    path = root / "celebamask_hq" / "CelebA-HQ-to-CelebA-mapping.txt"
    before = CelebAMaskHQ.open(root).fingerprint()
    path.write_text("  ".join(path.read_text().split("\n", 1)[1].split("\t")).replace("\n", "\r\n"))
    assert CelebAMaskHQ.open(root).fingerprint() == before


def test_the_fingerprint_follows_the_masks(root: Path) -> None:
    before = CelebAMaskHQ.open(root).fingerprint()
    mask(root, 7, "hat", (0, 0, 1, 1))
    assert CelebAMaskHQ.open(root).fingerprint() != before


def test_a_damaged_mask_leaves_its_image_out(root: Path, truncate, tmp_path: Path) -> None:
    truncate(mask(root, 7, "hat", (0, 0, 9, 9)))
    dataset = prepare(CelebAMaskHQ.open(root), 8, tmp_path / "store", Silent())
    assert dataset.labels["split"].tolist() == [0, 2]
    assert dataset.truth["parts"].shape == (2, 8, 8)
    assert dataset.skipped["unreadable image"] == 1


def test_the_split_is_that_of_the_original() -> None:
    assert [split_of(index) for index in (0, 162770, 162771, 182637, 182638, 202598)] == [0, 0, 1, 1, 2, 2]


def test_a_wrong_line_is_named(root: Path) -> None:
    path = root / "celebamask_hq" / "CelebA-HQ-to-CelebA-mapping.txt"
    path.write_text(path.read_text() + "10 x\n")
    with pytest.raises(BenchError, match=r"line 6 of .* is '10 x', expected idx orig_idx orig_file"):
        CelebAMaskHQ.open(root)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match=r"celebamask: no CelebA-HQ-to-CelebA-mapping.txt in .*celebamask_hq"):
        CelebAMaskHQ.open(tmp_path)


def test_a_row_that_contradicts_an_earlier_one_is_an_error(root: Path) -> None:
    path = root / "celebamask_hq" / "CelebA-HQ-to-CelebA-mapping.txt"
    path.write_text(path.read_text() + "007 162772 162773.jpg\n")
    with pytest.raises(BenchError, match=r"line 6 of .* gives 7 162772, an earlier line 162771"):
        CelebAMaskHQ.open(root)


def test_an_index_of_5000_digits_is_a_label_without_an_image(root: Path) -> None:
    path = root / "celebamask_hq" / "CelebA-HQ-to-CelebA-mapping.txt"
    path.write_text(path.read_text() + "9" * 5000 + " 7 000008.jpg\n")
    assert len(CelebAMaskHQ.open(root).listing.skipped["label without an image"]) == 2


def test_a_mask_that_is_not_there_leaves_its_image_out(root: Path) -> None:
    path = mask(root, 7, "hat", (0, 0, 9, 9))
    path.unlink()
    path.symlink_to("/nowhere/annex.png")
    mask(root, 2001, "hat", (0, 0, 9, 9)).rename(path.parent.parent / "02001_hat.png")
    content = CelebAMaskHQ.open(root).read(8, Silent())
    assert content.labels["split"].tolist() == [0, 2]
    assert content.skipped["unreadable image"] == 1
    assert content.skipped["mask outside the numbered folders"] == 1


def test_real_celebamask(real_data: Path) -> None:
    source = CelebAMaskHQ.open(real_data)
    assert np.bincount(source.listing.labels["split"]).tolist() == [100, 0, 50]
    assert source.listing.skipped.keys() == {"label without an image"}
    assert len(source.listing.companions) == 1834
    parts = source.decode(0, 64)["parts"]
    assert {1, 2, 17} <= set(np.unique(parts).tolist()) <= set(range(19))
