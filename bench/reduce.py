"""Means of the features of each track, as frames stream by."""

import numpy as np
from jaxtyping import Float, Int


class TrackMeans:
    """Writes each track's mean feature into `target` from blocks of frames that come in any order.

    Sums are kept in float64 for the tracks that still lack frames, and written as soon as a track is complete, so
    with frames in track order the memory is one track's sum.
    """

    def __init__(self, target: Float[np.ndarray, "t d"], tracks: Int[np.ndarray, " n"]) -> None:
        self.target = target
        self.tracks = tracks
        self.missing = np.bincount(tracks, minlength=len(target))
        self.counts = self.missing.copy()
        self.sums: dict[int, np.ndarray] = {}
        self.seen = 0

    def add(self, block: Float[np.ndarray, "b d"]) -> None:
        """Take the features of the next frames."""
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
