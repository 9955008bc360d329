"""A user's own images: `tracks:DIR`, one folder per track, and `images:DIR`, one folder per class.

They are read as photographs are: upright by their EXIF orientation, and white where transparent. `~` in DIR is the home
folder, unless there is a folder of that name.
"""

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from datasets.entries import list_folders, list_images
from datasets.errors import BenchError, DatasetMissing
from datasets.imagefiles import ImageFiles, Listing
from datasets.layout import put, read_text
from datasets.names import at_home, printable, same_form
from datasets.tracklists import list_tracks, skip_inner

LABELS = "labels.csv"
HEADER = ["track", "label"]
# What spreadsheets put between fields, by country.
DELIMITERS = (",", ";", "\t")
# The first line by which one says what it put there.
_SAID = re.compile(r'\s*sep=([^\w\s"]|\t)?', re.IGNORECASE)


class TrackFolder(ImageFiles):
    """One folder of frames per track, and `labels.csv` with the header `track,label`; label kind `identity`."""

    @classmethod
    def open(cls, folder: Path) -> "TrackFolder":
        """Open `folder`. Classes are the labels of the tracks that have images, in alphabetical order.

        Raises
        ------
        DatasetMissing
            When the folder or its labels.csv is not there, or no labelled track has an image.
        BenchError
            When labels.csv is not of the expected format; the text names the line.
        """
        folder, name = _found("tracks", folder)
        if not os.path.exists(folder / LABELS):
            raise DatasetMissing(
                f"{name}: no {LABELS} in {folder}; expected the header track,label and one row per track's folder"
            )
        labels = read_labels(name, folder / LABELS)
        folders = {track: [track] for track in list_folders(folder)}
        known = {track: label for track, label in labels.items() if label}
        listing = list_tracks(folder, known, folders, None)
        return cls(name, folder, listing, upright=True)


class ImageFolder(ImageFiles):
    """One folder of images per class; label kind `class`."""

    @classmethod
    def open(cls, folder: Path) -> "ImageFolder":
        """Open `folder`. Classes are the names of the folders that hold images, in alphabetical order.

        A folder without an image, and an image outside the class folders or in a folder inside one, are left out and
        counted.

        Raises
        ------
        DatasetMissing
            When the folder is not there, or no class folder holds an image.
        """
        folder, name = _found("images", folder)
        listing = Listing([])
        classes: list[str] = []
        labels: list[int] = []
        groups = list_folders(folder)
        for group in groups:
            files = list_images(folder / group, f"{group}/")
            if not files:
                listing.skip("class folder without an image", group)
                continue
            listing.files += files
            labels += [len(classes)] * len(files)
            classes.append(group)
        skip_inner(listing, folder, groups)
        for file in list_images(folder):
            if file.name not in groups:
                listing.skip("image outside the class folders", file.name)
        listing.labels["class"] = np.array(labels, dtype=np.int64)
        listing.classes["class"] = tuple(classes)
        return cls(name, folder, listing, upright=True)


def read_labels(name: str, path: Path) -> dict[str, str]:
    """Track -> label (empty: unlabelled), in the file's order; a BenchError names the line that is wrong.

    Commas, semicolons or tabs stand between the fields, or what a first line such as `sep=|` names; empty fields behind
    the second are passed over, as spreadsheets write them. Labels that differ in their Unicode form alone are the same.
    """
    labels: dict[str, str] = {}
    for line, fields in _rows(name, path):
        if len(fields) != len(HEADER) or not fields[0]:
            raise BenchError(f"{name}: line {line} of {path} has not the two fields {','.join(HEADER)}")
        put(labels, fields[0], same_form(fields[1]), f"{name}: line {line} of {path}", "labels")
    return labels


def _rows(name: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields below the header, which is checked; empty lines are passed over."""
    lines = io.StringIO(read_text(name, path), newline="").readlines()
    said = _SAID.match(lines[0]) if lines else None
    start = 0 if said is None else 1
    first = lines[start] if start < len(lines) else ""
    for delimiter in dict.fromkeys([*([said[1]] if said and said[1] else []), *DELIMITERS]):
        reader = csv.reader(lines[start:], delimiter=delimiter)
        try:
            if [field.lower() for field in _fields(next(reader, []))] != HEADER:
                continue
            for row in reader:
                if fields := _fields(row):
                    yield start + reader.line_num, fields
        except csv.Error as error:
            raise BenchError(f"{name}: line {start + reader.line_num} of {path} is not CSV ({error})") from error
        return
    raise BenchError(f"{name}: line {start + 1} of {path} is {first.strip()[:60]!r}, expected {','.join(HEADER)}")


def _fields(row: list[str]) -> list[str]:
    """A row's fields without the space around them; empty ones behind the second are dropped, and all if all are."""
    fields = [field.strip() for field in row]
    while len(fields) > len(HEADER) and not fields[-1]:
        fields.pop()
    return fields if any(fields) else []


def _found(kind: str, folder: Path) -> tuple[Path, str]:
    """The folder, with `~` taken for home, and `tracks:NAME` with the folder's own name: records hold no paths."""
    found = at_home(folder)
    if not os.path.isdir(found):
        raise DatasetMissing(f"{kind}:{folder}: no such folder")
    return found, f"{kind}:{printable(found.resolve().name)}"
