"""Clustering by identity: face tracks of two television series, and a user's own folders."""

from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Int
from pydantic import Field

from datasets.base import Dataset
from tasks.base import TaskConfig
from tasks.clustering.base import IDENTITY, SECONDARY, Clustering
from tasks.clustering.extras import SECONDARY as VERIFICATION
from tasks.clustering.rows import ClusteringConfig


class TracksConfig(ClusteringConfig):
    """How tracks are read."""

    protocol: Literal["default", "released"] = Field(
        "default",
        description="default: all frames; released: as the authors' published code, without each track's last frame. "
        "In which range frames are fed is the method's (`track_scale`)",
    )


class Tracks(Clustering):
    """Clusters tracks, each by the mean of its frames' features (PDR section 4.1)."""

    Config: ClassVar[type[TaskConfig]] = TracksConfig
    reduce: Literal["none", "track_mean"] = "track_mean"
    label_kind = "identity"
    metrics = IDENTITY
    secondary = (*SECONDARY, *VERIFICATION)

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """All frames; under the released protocol without the last of each track.

        A track of a single frame keeps it, or it would have no feature. (The released code would fail on one.)
        """
        everything = np.arange(len(dataset))
        if self.config.protocol == "default" or dataset.tracks is None:
            return everything
        tracks = np.asarray(dataset.tracks)
        last = np.zeros(len(dataset.track_names), dtype=np.int64)
        np.maximum.at(last, tracks, everything)
        single = np.bincount(tracks, minlength=len(last)) == 1
        return np.asarray(everything[(everything != last[tracks]) | single[tracks]])


class BBT(Tracks):
    """Five people of The Big Bang Theory s01e01, 644 tracks (the paper's count)."""

    dataset = "bbt"


class Buffy(Tracks):
    """Six people of Buffy the Vampire Slayer s05e02, 568 tracks."""

    dataset = "buffy"


class TrackFolderConfig(TracksConfig):
    """A user's own tracks."""

    folder: str = Field(description="folder with one folder per track and a labels.csv with columns track, label")


class TrackFolderTask(Tracks):
    """The same protocol on a user's own tracks, as `tracks:DIR`."""

    Config = TrackFolderConfig
    dataset = "tracks"


class ImageFolderConfig(ClusteringConfig):
    """A user's own images."""

    folder: str = Field(description="folder with one folder per class")


class ImageFolderTask(Clustering):
    """Clusters a user's own images, one folder per class, as `images:DIR`."""

    Config: ClassVar[type[TaskConfig]] = ImageFolderConfig
    dataset = "images"
