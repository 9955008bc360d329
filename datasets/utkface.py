"""UTKFace (Zhang et al., 2017): faces in the wild, the training set of the face models.

One flat folder of `[age]_[gender]_[race]_[datetime].jpg.chip.jpg`. Five names of the original break that pattern:
three lack the race, one has a space before `.jpg`, one lacks the dot. Training ignores labels, so all files are
used; the labels of an odd name are unknown.
"""

import re
from pathlib import Path

import numpy as np

from datasets.entries import list_images
from datasets.imagefiles import ImageFiles, Listing
from datasets.layout import find

_PATTERN = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+\.jpg\.chip\.jpg")
UNKNOWN = (-1, -1, -1)


def labels_of(name: str) -> tuple[int, int, int]:
    """Age in years, gender (0 male, 1 female) and race (0 to 4) from a file's name; -1 each for an odd name.

    >>> labels_of("26_1_2_20170116184024662.jpg.chip.jpg")
    (26, 1, 2)
    >>> labels_of("39_1_20170116174525125.jpg.chip.jpg")
    (-1, -1, -1)
    """
    match = _PATTERN.fullmatch(name)
    if match is None:
        return UNKNOWN
    age, gender, race = map(int, match.groups())
    return age, gender, race


class UTKFace(ImageFiles):
    """The images in the order of their names, with labels `age` (years), `gender` and `race`."""

    @classmethod
    def open(cls, root: Path) -> "UTKFace":
        """Open `root/utkface/UTKFace` (or `root/UTKFace`); DatasetMissing where neither exists."""
        folder = find("utkface", root, ["UTKFace"], ["utkface", "."]) / "UTKFace"
        found = list_images(folder)
        files = [file for file in found if file.name.lower().endswith(".jpg")]
        labels = np.array([labels_of(file.name) for file in files], dtype=np.int64).reshape(-1, 3)
        listing = Listing(
            files,
            labels={kind: labels[:, column] for column, kind in enumerate(("age", "gender", "race"))},
            classes={
                "gender": ("male", "female"),
                "race": ("white", "black", "asian", "indian", "others"),
            },
        )
        for file in found:
            if not file.name.lower().endswith(".jpg"):
                listing.skip("image that is no .jpg", file.name)
        return cls("utkface", folder, listing)
