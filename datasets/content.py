"""What a source reads, checked where it enters: it is written to disk, and methods and tasks rely on its shape."""

import numpy as np

from datasets.base import Content
from datasets.errors import BenchError
from datasets.plain import number

# Kinds of numpy's types that ground truth may have: truth values and numbers, of which a file holds the bits.
NUMBERS = "biuf"


def check_content(content: object, size: int, label: str) -> None:
    """Raise BenchError, naming the source by `label`, unless `content` is as `Content` says, at `size` pixels."""
    if not isinstance(content, Content):
        raise BenchError(f"{label}: read gave a {type(content).__name__}: expected datasets.base.Content")
    images = content.images
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
        raise BenchError(f"{label}: images are {_shown(images)}: expected uint8 (n, {size}, {size}, 3)")
    count = len(images)
    if count == 0:
        raise BenchError(f"{label}: no image to read")
    for kind, labels in content.labels.items():
        _check_rows(labels, count, "iu", f"{label}: labels {kind!r}")
        names = content.classes.get(kind)
        if names is not None and (labels.min() < -1 or labels.max() >= len(names)):
            raise BenchError(
                f"{label}: labels {kind!r} go from {labels.min()} to {labels.max()}: expected -1 (unknown) to "
                f"{len(names) - 1}, an index of its {len(names)} classes"
            )
    for kind, names in (*content.classes.items(), ("tracks", content.track_names)):
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise BenchError(f"{label}: names of {kind!r} are not all text")
    for name, values in content.truth.items():
        _check_rows(values, count, NUMBERS, f"{label}: truth {name!r}")
    if content.tracks is not None:
        _check_tracks(content.tracks, len(content.track_names), count, label)
    for reason, items in content.skipped.items():
        number(items, f"{label}: skipped {reason!r}")


def _check_tracks(tracks: object, named: int, count: int, label: str) -> None:
    _check_rows(tracks, count, "iu", f"{label}: tracks")
    assert isinstance(tracks, np.ndarray)
    if tracks.ndim != 1 or tracks.min() < 0 or tracks.max() >= named or len(np.unique(tracks)) != named:
        raise BenchError(
            f"{label}: tracks {tracks.shape} go from {tracks.min()} to {tracks.max()}: expected one of the {named} "
            "tracks that have names for each image, and an image for each track"
        )


def _check_rows(values: object, count: int, kinds: str, place: str) -> None:
    """An array of some kinds of numbers with a row per image."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in kinds or values.ndim == 0 or len(values) != count:
        kind = "whole numbers" if kinds == "iu" else "numbers"
        raise BenchError(f"{place} are {_shown(values)}: expected an array of {kind} with {count} rows")


def _shown(values: object) -> str:
    return f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else f"a {type(values).__name__}"
