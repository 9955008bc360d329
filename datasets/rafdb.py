"""RAF-DB, basic emotions (Li et al., CVPR 2017): 12,271 training and 3,068 test faces of seven emotions.

Two copies are in circulation: the original, `EmoLabel/list_patition_label.txt` (so spelt) with the images in
`Image/aligned`, and one sorted into `train/1` ... `test/7`.
"""

import os
import re
from pathlib import Path

import numpy as np

from datasets.entries import ImageFile, list_folders, list_images
from datasets.errors import BenchError
from datasets.imagefiles import ImageFiles, Listing
from datasets.layout import SPLITS, find, number_in, put, read_table
from datasets.names import at_home

EMOTIONS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
LABELS = "EmoLabel/list_patition_label.txt"
IMAGES = "Image/aligned"
PLACES = ("rafdb", "rafdb/basic", "RAF-DB", "RAF-DB/basic", ".")
_ALIGNED = "_aligned"
# An official name stands for one picture.
_OFFICIAL = re.compile(r"(train|test)_\d+")


class RAFDB(ImageFiles):
    """Faces with the labels `emotion` (0 to 6, in the order of `EMOTIONS`) and `split` (train, test)."""

    @classmethod
    def open(cls, root: Path) -> "RAFDB":
        """Open either copy in `root/rafdb` (or `RAF-DB`, or `root` itself).

        Images without a label and labels without an image are left out and counted.

        Raises
        ------
        DatasetMissing
            When neither copy is there.
        BenchError
            When the label file is not of the expected format, the text names the line; or when a picture has two
            emotions.
        """
        root = at_home(root)
        for place in PLACES:
            folder = root / place
            parts = all(os.path.isdir(folder / part) for part in ("train", "test"))
            if parts and not os.path.lexists(folder / LABELS):
                return cls("rafdb", folder, _sorted_copy(folder))
        folder = find("rafdb", root, [LABELS, IMAGES], PLACES)
        return cls("rafdb", folder / IMAGES, _original(folder))


def _original(folder: Path) -> Listing:
    """List the original: the part and the emotion of each image stand in one file."""
    path = folder / LABELS
    rows: dict[str, tuple[int, int]] = {}
    for number, (name, emotion) in read_table("rafdb", path, "<part>_<number>.jpg <emotion>"):
        part = name.partition("_")[0]
        if part not in ("train", "test"):
            raise BenchError(f"rafdb: line {number} of {path} has {name!r}, expected a name with train_ or test_")
        value = number_in("rafdb", path, number, emotion, 1, len(EMOTIONS)) - 1
        where = f"rafdb: line {number} of {path}"
        put(rows, Path(name).stem, (value, SPLITS.index(part)), where, "gives", lambda row: str(row[0] + 1))
    listing = Listing([])
    taken = listing.match(list_images(folder / IMAGES), rows, lambda name: Path(name).stem.removesuffix(_ALIGNED))
    return _labelled(listing, taken)


def _sorted_copy(folder: Path) -> Listing:
    """List the copy with one folder per part and emotion."""
    listing = Listing([])
    rows: list[tuple[int, int]] = []
    numbers = {str(value + 1): value for value in range(len(EMOTIONS))}
    emotions: dict[str, str] = {}
    for part in ("test", "train"):
        found: list[tuple[ImageFile, int]] = []
        for file in list_images(folder / part, f"{part}/"):
            listing.skip("image without a label", file.name)
        for name in list_folders(folder / part):
            for file in list_images(folder / part / name, f"{part}/{name}/"):
                if name in numbers:
                    found.append((file, numbers[name]))
                    own = file.name.rpartition("/")[2]
                    if _OFFICIAL.match(own) and emotions.setdefault(own, name) != name:
                        raise BenchError(f"rafdb: {own} is in {folder / part / emotions[own]} and in {name}: keep one")
                else:
                    listing.skip("image without a label", file.name)
        # By the images' own names, as in the original copy.
        for file, value in sorted(found, key=lambda pair: (pair[0].name.rpartition("/")[2], pair[0].name)):
            listing.files.append(file)
            rows.append((value, SPLITS.index(part)))
    return _labelled(listing, rows)


def _labelled(listing: Listing, rows: list[tuple[int, int]]) -> Listing:
    """`listing` with its labels, from (emotion, split) of each file."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 2)
    listing.labels = {"emotion": columns[:, 0], "split": columns[:, 1]}
    listing.classes = {"emotion": EMOTIONS, "split": SPLITS}
    return listing
