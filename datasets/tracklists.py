"""From labels and folders to a `Listing` of tracks: what the television series and a user's own tracks share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from datasets.entries import list_folders, list_images
from datasets.imagefiles import Listing
from datasets.names import same_form

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

    Names that differ in their Unicode form alone are the same track's. Left out and counted, too: a labelled track
    without a folder, a track whose folder holds no image, a folder without a label, and images anywhere else.
    """
    listing = Listing([])
    found = _folders_of(labels, folders)
    unlabelled = sorted(folders.keys() - found.values())
    without_zeros = {track.lstrip("0"): track for track in unlabelled}
    tracks: list[int] = []
    track_names: list[str] = []
    labelled: list[str] = []
    for track, label in labels.items():
        if classes is not None and label not in classes:
            listing.skip(OTHERS, f"{track} ({label})")
        elif track not in found:
            near = without_zeros.get(track.lstrip("0"))
            hint = "" if near is None else f"; a folder of {near} differs in leading zeros"
            listing.skip("labelled track without a folder", f"{track} ({label}{hint})")
        else:
            names = sorted(folders[found[track]])
            files = [file for name in names for file in list_images(folder / name, f"{name}/")]
            skip_inner(listing, folder, names)
            if not files:
                listing.skip("track folder without an image", f"{track} ({label})")
                continue
            listing.files += files
            tracks += [len(track_names)] * len(files)
            labelled += [label] * len(files)
            track_names.append(track)
    for track in unlabelled:
        for name in folders[track]:
            listing.skip("track folder without a label", name)
    inside = {name for names in folders.values() for name in names}
    for file in list_images(folder):
        if file.name not in inside:
            listing.skip("image outside the track folders", file.name)
    kept = tuple(sorted(set(labelled)) if classes is None else classes)
    numbers = {name: number for number, name in enumerate(kept)}
    listing.tracks = np.array(tracks, dtype=np.int64)
    listing.track_names = tuple(track_names)
    listing.labels[KIND] = np.array([numbers[label] for label in labelled], dtype=np.int64)
    listing.classes[KIND] = kept
    return listing


def skip_inner(listing: Listing, folder: Path, names: Iterable[str]) -> None:
    """Count the images in folders inside the folders `names` of `folder`: they belong to no track and no class."""
    for name in names:
        for inner in list_folders(folder / name):
            for file in list_images(folder / name / inner, f"{name}/{inner}/"):
                listing.skip("image in a folder too deep", file.name)


def _folders_of(labels: Iterable[str], folders: Iterable[str]) -> dict[str, str]:
    """The key of `folders` of each labelled track that has one: the same text, else the one of the same form."""
    there = set(folders)
    found = {track: track for track in labels if track in there}
    alike: dict[str, list[str]] = {}
    for key in sorted(there - found.keys()):
        alike.setdefault(same_form(key), []).append(key)
    for track in labels:
        if track not in found and len(alike.get(same_form(track), [])) == 1:
            found[track] = alike[same_form(track)].pop()
    return found
