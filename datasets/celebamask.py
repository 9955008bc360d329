"""CelebAMask-HQ (Lee et al., CVPR 2020): 30,000 faces with a mask for each of 18 parts.

The parts are painted onto one map in class order, later over earlier. The split is that of the original CelebA images.
"""

from pathlib import Path
from typing import Any

import numpy as np

from datasets.entries import list_folders, list_images
from datasets.errors import BenchError
from datasets.imagefiles import ImageFiles, Listing
from datasets.images import read_mask
from datasets.layout import SPLITS, find, number_in, put, read_lines

IMAGES = "CelebA-HQ-img"
MASKS = "CelebAMask-HQ-mask-anno"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
# In the order of their integers. The left of the names is the person's, which is on the image's right.
PARTS = (
    *("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"),
    *("mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
# The first original indices of the validation and of the test images.
FIRST_VALIDATION, FIRST_TEST = 162_771, 182_638
_NUMBERS = {part: number for number, part in enumerate(PARTS) if number}


class CelebAMaskHQ(ImageFiles):
    """Faces by index, with the label `split` and, as `truth["parts"]`, the part maps.

    Part maps are uint8 (n, size, size), 0 to 18 in the order of `PARTS`, resized by nearest neighbour.
    """

    def __init__(self, folder: Path, listing: Listing, masks: list[list[tuple[int, str]]]) -> None:
        super().__init__("celebamask", folder, listing)
        self._masks = masks

    @classmethod
    def open(cls, root: Path) -> "CelebAMaskHQ":
        """Open `root/celebamask_hq` (or `CelebAMask-HQ`, or `root` itself).

        A part without a mask file is absent from the face. Images without any mask or without a row in the mapping,
        rows without an image, and mask files of no image or no known part are left out and counted.

        Raises
        ------
        DatasetMissing
            When the images, the masks or the mapping are not there.
        BenchError
            When the mapping is not of the expected format, or contradicts itself; the text names the line.
        """
        folder = find("celebamask", root, [MAPPING, IMAGES, MASKS], ["celebamask_hq", "CelebAMask-HQ", "."])
        listing = Listing([], classes={"split": SPLITS, "parts": PARTS})
        masks = _list_masks(folder, listing)
        rows = read_mapping(folder / MAPPING)
        files = []
        for file in sorted(list_images(folder / IMAGES, f"{IMAGES}/"), key=lambda file: _index(file.name).zfill(5)):
            if _index(file.name) in masks:
                files.append(file)
            else:
                listing.skip("image without a part mask", file.name)
        listing.labels["split"] = np.array(listing.match(files, rows, _index), dtype=np.int64)
        kept = [_index(file.name) for file in listing.files]
        for index in sorted(masks.keys() - set(kept)):
            listing.skip("part masks without an image", index)
        return cls(folder, listing, [sorted(masks[index]) for index in kept])

    def columns(self, size: int) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Images and part maps."""
        return {**super().columns(size), "parts": ((size, size), np.uint8)}

    def decode(self, index: int, size: int) -> dict[str, np.ndarray]:
        """One image and its part map; a damaged mask makes the image unreadable."""
        parts = np.zeros((size, size), dtype=np.uint8)
        for number, name in self._masks[index]:
            parts[read_mask(self.folder / name, size) > 127] = number
        return {**super().decode(index, size), "parts": parts}


def split_of(original: int) -> int:
    """The split (0 train, 1 val, 2 test) of the image whose index in CelebA, from 0, is `original`."""
    return 2 if original >= FIRST_TEST else int(original >= FIRST_VALIDATION)


def read_mapping(path: Path) -> dict[str, int]:
    """Index -> split, from rows `idx orig_idx orig_file`, under a header that some copies lack."""
    originals: dict[str, int] = {}
    for number, line in enumerate(read_lines("celebamask", path), start=1):
        fields = line.split()
        if not fields or (number == 1 and fields[0] == "idx"):
            continue
        if len(fields) != 3 or not _is_number(fields[0]):
            raise BenchError(f"celebamask: line {number} of {path} is {line[:60]!r}, expected idx orig_idx orig_file")
        original = number_in("celebamask", path, number, fields[1], 0, 202_598)
        put(originals, _index(fields[0]), original, f"celebamask: line {number} of {path}", "gives")
    return {index: split_of(original) for index, original in originals.items()}


def _index(name: str) -> str:
    """The index in a file's name, without leading zeros: `7` of `CelebA-HQ-img/7.jpg`."""
    stem = Path(name).stem
    return (stem.lstrip("0") or "0") if _is_number(stem) else stem


def _is_number(text: str) -> bool:
    """Whether `text` is a whole number of any length, which stays text: the longest are beyond Python's `int`."""
    return text.isascii() and text.isdecimal()


def _list_masks(folder: Path, listing: Listing) -> dict[str, list[tuple[int, str]]]:
    """(Class, file name) of the masks of each index, from `<idx // 2000>/<idx:05d>_<part>.png`."""
    masks: dict[str, list[tuple[int, str]]] = {}
    for group in list_folders(folder / MASKS):
        for file in list_images(folder / MASKS / group, f"{MASKS}/{group}/"):
            index, _, part = Path(file.name).stem.partition("_")
            if not _is_number(index) or part not in _NUMBERS:
                listing.skip("mask of no known part", file.name)
                continue
            masks.setdefault(_index(index), []).append((_NUMBERS[part], file.name))
            listing.companions.append(file)
    for file in list_images(folder / MASKS):
        listing.skip("mask outside the numbered folders", file.name)
    return masks
