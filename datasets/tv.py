"""Face tracks of two television series with the identity of each track (Baeuml et al., CVPR 2013).

The label file's first line is `CVHCI_TRACKLABELS_V1`; then one `<track id> <name>` per line, ids sparse. The frames of
a track lie in `<prefix>_<track id>[_...]`; the id is the second field, compared as text.
"""

from pathlib import Path
from typing import ClassVar

from datasets.entries import list_folders
from datasets.errors import BenchError
from datasets.imagefiles import ImageFiles
from datasets.layout import find, put, read_lines
from datasets.tracklists import list_tracks

HEADER = "CVHCI_TRACKLABELS_V1"


class Series(ImageFiles):
    """The tracks of a series' main people, with the label `identity`; tracks of other people are counted.

    Attributes
    ----------
    series: the registry name, which is also the track folder's prefix.
    label_file: the label file of the one episode that is used.
    people: the classes, in the order of their integers.
    """

    series: ClassVar[str]
    label_file: ClassVar[str]
    people: ClassVar[tuple[str, ...]]

    @classmethod
    def open(cls, root: Path) -> "Series":
        """Open the label file and the track folder in `root/tv/multimedia`, or in `multimedia`, `tv`, the series'
        own folder, or `root` itself.

        Raises
        ------
        DatasetMissing
            When either is not there, or no track of the main people is left.
        BenchError
            When the label file is not of the expected format; the text names the line.
        """
        tracks = f"{cls.series}_tracks"
        places = ["tv/multimedia", "multimedia", "tv", f"{cls.series}/multimedia", cls.series, "."]
        folder = find(cls.series, root, [cls.label_file, tracks], places)
        labels = read_track_labels(cls.series, folder / cls.label_file)
        folders: dict[str, list[str]] = {}
        nameless: list[str] = []
        for name in list_folders(folder / tracks):
            fields = name.split("_")
            if len(fields) > 1 and fields[1]:
                folders.setdefault(fields[1], []).append(name)
            else:
                nameless.append(name)
        listing = list_tracks(folder / tracks, labels, folders, cls.people)
        for name in nameless:
            listing.skip("folder without a track id in its name", name)
        return cls(cls.series, folder / tracks, listing)


class BBT(Series):
    """The Big Bang Theory, season 1, episode 1.

    The published label file has 643 tracks of these five people; the paper counts 644.
    """

    series = "bbt"
    label_file = "bbt_s01e01.ids"
    people = ("howard", "leonard", "penny", "raj", "sheldon")


class Buffy(Series):
    """Buffy the Vampire Slayer, season 5, episode 2: 568 tracks of six people, as in the paper."""

    series = "buffy"
    label_file = "buffy_s05e02.ids"
    people = ("xander", "buffy", "dawn", "anya", "willow", "giles")


def read_track_labels(name: str, path: Path) -> dict[str, str]:
    """Track id -> person, in the file's order; a BenchError names the line that is not of the format."""
    lines = read_lines(name, path)
    if not lines or lines[0].strip() != HEADER:
        first = lines[0].strip() if lines else "nothing"
        raise BenchError(f"{name}: line 1 of {path} is {first[:60]!r}, expected {HEADER}")
    labels: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        fields = line.split(maxsplit=1)
        if len(fields) != 2:
            raise BenchError(f"{name}: line {number} of {path} is {line[:60]!r}, expected <track id> <name>")
        track, person = fields[0], fields[1].strip()
        put(labels, track, person, f"{name}: line {number} of {path}", "calls track", str)
    return labels
