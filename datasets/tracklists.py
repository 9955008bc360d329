"""From labels and folders to a `Listing` of tracks: what the television series and a user's own tracks share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from datasets.imagefiles import Listing, list_images

KIND = "identity"

# Why tracks are left out of a complete dataset too.
OTHERS = "track of someone else"


def list_tracks(
    folder: Path,
    labels: Mapping[str, str],
    folders: Mapping[str, Sequence[str]],
    classes: Sequence[str] | None,
) -> Listing:
    """List the frames of every labelled track, tracks in the order of `labels`, frames by name.

    Parameters
    ----------
    folder: what the track folders lie in.
    labels: the class of each track, by the track's name.
    folders: the folders of each track, by the track's name.
    classes: the classes that are kept, in the order of their integers; tracks of others are left out and counted.
        None keeps all that have an image, in alphabetical order.

    Left out and counted, too: a labelled track without a folder, a track whose folder holds no image, a folder
    without a label.
    """
    listing = Listing([])
    tracks: list[int] = []
    track_names: list[str] = []
    labelled: list[str] = []
    for track, label in labels.items():
        if classes is not None and label not in classes:
            listing.skip(OTHERS, f"{track} ({label})")
        elif track not in folders:
            listing.skip("labelled track without a folder", f"{track} ({label})")
        else:
            files = [file for name in sorted(folders[track]) for file in list_images(folder / name, f"{name}/")]
            if not files:
                listing.skip("track folder without an image", f"{track} ({label})")
                continue
            listing.files += files
            tracks += [len(track_names)] * len(files)
            labelled += [label] * len(files)
            track_names.append(track)
    for track, names in sorted(folders.items()):
        if track not in labels:
            for name in names:
                listing.skip("track folder without a label", name)
    kept = tuple(sorted(set(labelled)) if classes is None else classes)
    numbers = {name: number for number, name in enumerate(kept)}
    listing.tracks = np.array(tracks, dtype=np.int64)
    listing.track_names = tuple(track_names)
    listing.labels[KIND] = np.array([numbers[label] for label in labelled], dtype=np.int64)
    listing.classes[KIND] = kept
    return listing
