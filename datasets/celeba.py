"""CelebA (Liu et al., ICCV 2015): 202,599 aligned faces, 40 attributes, 10,177 identities, an official split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.entries import list_images
from datasets.errors import BenchError
from datasets.imagefiles import ImageFiles, Listing
from datasets.layout import SPLITS, find, number_in, put, read_lines, read_table

IMAGES = "img_align_celeba"
ATTRIBUTES = "list_attr_celeba.txt"
IDENTITIES = "identity_CelebA.txt"
PARTITION = "list_eval_partition.txt"
ATTRIBUTE_COUNT = 40


class CelebA(ImageFiles):
    """Faces by name, with the labels `attributes` (n, 40; 0 or 1), `identity` (the official number) and `split`.

    The classes of `attributes` are its columns' names.
    """

    @classmethod
    def open(cls, root: Path, splits: Sequence[str] = SPLITS) -> "CelebA":
        """Open `root/celeba` (or `CelebA`, or `root` itself); `splits` are the official parts that are read.

        Images without a row in every label file, and rows without an image, are left out and counted.

        Raises
        ------
        DatasetMissing
            When a label file or the image folder is not there.
        BenchError
            When a label file is not of the expected format, or contradicts itself; the text names the line.
        """
        folder = find("celeba", root, [PARTITION, ATTRIBUTES, IDENTITIES, IMAGES], ["celeba", "CelebA", "."])
        names, attributes = read_attributes(folder / ATTRIBUTES)
        parts = _numbers(folder / PARTITION, 0, len(SPLITS) - 1)
        identities = _numbers(folder / IDENTITIES, 0, 1 << 31)
        chosen = {SPLITS.index(part) for part in splits}
        elsewhere = {name for name, part in parts.items() if part not in chosen}
        rows = {
            name: (row, identities[name], parts[name])
            for name, row in attributes.items()
            if name in identities and name in parts and name not in elsewhere
        }
        files = [file for file in list_images(folder / IMAGES) if file.name not in elsewhere]
        listing = Listing([], classes={"attributes": names, "split": SPLITS})
        taken = listing.match(files, rows, lambda name: name)
        listing.labels = {
            "attributes": np.array([row for row, _, _ in taken], dtype=np.int64).reshape(-1, ATTRIBUTE_COUNT),
            "identity": np.array([identity for _, identity, _ in taken], dtype=np.int64),
            "split": np.array([part for _, _, part in taken], dtype=np.int64),
        }
        return cls("celeba", folder / IMAGES, listing)


def read_attributes(path: Path) -> tuple[tuple[str, ...], dict[str, list[bool]]]:
    """The names of the attributes, and each image's values.

    Line 1 is the number of rows, line 2 the names; then `name v1 ... v40` with -1 or 1, separated by one or two
    spaces. A line of another format is a BenchError that names it.
    """
    lines = read_lines("celeba", path)
    names = tuple(lines[1].split()) if len(lines) > 1 else ()
    if len(names) != ATTRIBUTE_COUNT:
        raise BenchError(f"celeba: line 2 of {path} has {len(names)} names, expected {ATTRIBUTE_COUNT} attributes")
    rows: dict[str, list[bool]] = {}
    signs = {"-1", "1"}
    for number, line in enumerate(lines[2:], start=3):
        name, *values = line.split() or [""]
        if not name:
            continue
        if len(values) != ATTRIBUTE_COUNT or not signs.issuperset(values):
            raise BenchError(f"celeba: line {number} of {path} is not a name and {ATTRIBUTE_COUNT} values -1 or 1")
        row = [value == "1" for value in values]
        if (earlier := rows.setdefault(name, row)) != row:
            other = next(attribute for attribute, old, new in zip(names, earlier, row, strict=True) if old != new)
            raise BenchError(f"celeba: line {number} of {path} gives {name} another {other} than an earlier line")
    return names, rows


def _numbers(path: Path, low: int, high: int) -> dict[str, int]:
    """The number of each image in a file of `name number`."""
    numbers: dict[str, int] = {}
    for line, (name, text) in read_table("celeba", path, "<name> <number>"):
        put(numbers, name, number_in("celeba", path, line, text, low, high), f"celeba: line {line} of {path}", "gives")
    return numbers
