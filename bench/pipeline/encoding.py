"""Encoding a dataset into a file of features, block by block.

This module is an ingredient of every features' key, so it knows nothing of the harness around it.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from datasets.base import Dataset, Progress
from datasets.blocks import blocks
from datasets.errors import BenchError
from datasets.features import as_features
from datasets.files import new_array
from methods.base import Method


def write_features(
    method: Method,
    dataset: Dataset,
    frames: Int[np.ndarray, " n"],
    target: Path,
    *,
    device: str,
    by_track: bool,
    scale: float,
    progress: Progress,
    what: str,
) -> list[int]:
    """Write the features of the images `frames` into `target`, a `.npy`; returns their shape (n, d).

    Rows are the images in their order or, `by_track`, the means of each track's images. Images in [0, 1] are
    multiplied by `scale` first. Memory is bounded by a batch, and with tracks in order by one track's sum.

    The file holds float32 or, where the method is `binary` and means are not taken, rows packed by `numpy.packbits`.

    Raises BenchError where what `encode` gives are no features (`datasets.features`), where their number changes from
    batch to batch, and where those of a `binary` method are not 0 or 1.
    """
    tracks = dataset.tracks[frames] if by_track and dataset.tracks is not None else None
    rows = len(frames) if tracks is None else len(dataset.track_names)
    packed = stores_bits(method, by_track=by_track)
    width = 0
    values: np.memmap | None = None
    means: TrackMeans | None = None
    start = 0
    with torch.inference_mode():
        for _, images in blocks(
            dataset.images, frames, method.encode_batch, device=device, progress=progress, what=what
        ):
            found = method.encode(images if scale == 1.0 else images * scale)
            block = as_features(found, len(images), f"{type(method).__name__}.encode")
            if values is None:
                width = block.shape[1]
                columns, dtype = (-(-width // 8), np.uint8) if packed else (width, np.float32)
                values = new_array(target, dtype, (rows, columns))
                means = None if tracks is None else TrackMeans(values, tracks)
            if block.shape[1] != width:
                raise BenchError(
                    f"{type(method).__name__}.encode gave {block.shape[1]} features per image after {width} of "
                    "the first batch: expected as many of every batch"
                )
            if means is None:
                values[start : start + len(block)] = _bits(block, what) if packed else block
            else:
                means.add(block)
            start += len(block)
    assert values is not None, "the caller checks that there are frames"
    values.flush()
    return [rows, width]


def stores_bits(method: Method, *, by_track: bool) -> bool:
    """Whether the file of a method's features holds packed bits; means of bits are no bits."""
    return method.binary and not by_track


def _bits(block: Float[np.ndarray, "b d"], what: str) -> UInt8[np.ndarray, "b bytes"]:
    """Rows of zeros and ones, packed."""
    ones = block == 1
    if not (ones | (block == 0)).all():
        raise BenchError(f"{what}: the method declares binary features, but gives values other than 0 and 1")
    return np.packbits(ones, axis=1)


class TrackMeans:
    """Writes each track's mean feature into `target` from blocks of frames.

    Sums are kept in float64 for the tracks that still lack frames, and written as soon as a track is complete.
    """

    def __init__(self, target: Float[np.ndarray, "t d"], tracks: Int[np.ndarray, " n"]) -> None:
        self.target = target
        self.tracks = tracks
        self.counts = np.bincount(tracks, minlength=len(target))
        self.missing = self.counts.copy()
        self.sums: dict[int, np.ndarray] = {}
        self.seen = 0

    def add(self, block: Float[np.ndarray, "b d"]) -> None:
        """Take the features of the next frames, in the order of `tracks`."""
        tracks = self.tracks[self.seen : self.seen + len(block)]
        self.seen += len(block)
        for track in np.unique(tracks).tolist():
            rows = block[tracks == track]
            total = self.sums.pop(track, 0.0) + rows.sum(axis=0, dtype=np.float64)
            self.missing[track] -= len(rows)
            if self.missing[track]:
                self.sums[track] = total
            else:
                self.target[track] = total / self.counts[track]
