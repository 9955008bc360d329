"""A user's own images: `tracks:DIR`, one folder per track, and `images:DIR`, one folder per class."""

import csv
from pathlib import Path

import numpy as np

from datasets.errors import BenchError, DatasetMissing
from datasets.imagefiles import ImageFiles, Listing, list_folders, list_images
from datasets.tracklists import list_tracks

LABELS = "labels.csv"
HEADER = ["track", "label"]


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
        name = _name("tracks", folder)
        if not (folder / LABELS).is_file():
            raise DatasetMissing(
                f"{name}: no {LABELS} in {folder}; expected the header track,label and one row per track's folder"
            )
        labels = read_labels(name, folder / LABELS)
        folders = {track: [track] for track in list_folders(folder)}
        known = {track: label for track, label in labels.items() if label}
        listing = list_tracks(folder, known, folders, None)
        return cls(name, folder, listing)


class ImageFolder(ImageFiles):
    """One folder of images per class; label kind `class`."""

    @classmethod
    def open(cls, folder: Path) -> "ImageFolder":
        """Open `folder`. Classes are the names of the folders that hold images, in alphabetical order.

        A folder without an image, and an image outside the class folders, are left out and counted.

        Raises
        ------
        DatasetMissing
            When the folder is not there, or no class folder holds an image.
        """
        name = _name("images", folder)
        listing = Listing([])
        classes: list[str] = []
        labels: list[int] = []
        for group in list_folders(folder):
            files = list_images(folder / group, f"{group}/")
            if not files:
                listing.skip("class folder without an image", group)
                continue
            listing.files += files
            labels += [len(classes)] * len(files)
            classes.append(group)
        for file in list_images(folder):
            listing.skip("image outside the class folders", file.name)
        listing.labels["class"] = np.array(labels, dtype=np.int64)
        listing.classes["class"] = tuple(classes)
        return cls(name, folder, listing)


def read_labels(name: str, path: Path) -> dict[str, str]:
    """Track -> label (empty: unlabelled), in the file's order; a BenchError names the line that is wrong."""
    labels: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            header = [field.strip() for field in next(reader, [])]
            if header != HEADER:
                raise BenchError(f"{name}: line 1 of {path} is {','.join(header)[:60]!r}, expected track,label")
            for row in reader:
                fields = [field.strip() for field in row]
                if not any(fields):
                    continue
                if len(fields) != 2 or not fields[0]:
                    raise BenchError(f"{name}: line {reader.line_num} of {path} has not the two fields track,label")
                if labels.setdefault(fields[0], fields[1]) != fields[1]:
                    raise BenchError(
                        f"{name}: line {reader.line_num} of {path} labels {fields[0]} {fields[1]!r}, an earlier line "
                        f"{labels[fields[0]]!r}"
                    )
    except OSError as error:
        raise BenchError(f"{name}: cannot read {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{name}: {path} is not CSV in UTF-8 ({error})") from error
    return labels


def _name(kind: str, folder: Path) -> str:
    """`tracks:NAME` with the folder's own name: records hold no paths."""
    if not folder.is_dir():
        raise DatasetMissing(f"{kind}:{folder}: no such folder")
    return f"{kind}:{folder.resolve().name}"
