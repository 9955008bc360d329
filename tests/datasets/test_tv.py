"""The television series' layout and everything that may be wrong with it."""

import os
from pathlib import Path

import numpy as np
import pytest

from datasets.base import Silent
from datasets.errors import BenchError, DatasetMissing
from datasets.prepared import prepare
from datasets.tv import BBT, Buffy, Series

FRAMES = 2


@pytest.fixture
def media(draw, tmp_path: Path) -> Path:
    """Ten tracks of BBT: sparse ids, three of other people, one without folder, one folder without label."""
    media = tmp_path / "root" / "tv" / "multimedia"
    rows = ["900 raj", "7 howard", "12 leonard", "3 sheldon", "4 penny", "12a sheldon", "5 kurt", "6 unknown"]
    (media).mkdir(parents=True)
    (media / "bbt_s01e01.ids").write_text("\n".join(["CVHCI_TRACKLABELS_V1", *rows, "8 howard", ""]))
    folders = ["bbt_900", "bbt_7", "bbt_12_face_left", "bbt_3", "bbt_4", "bbt_12a", "bbt_5", "bbt_99", "notes"]
    for seed, folder in enumerate(folders):
        for frame in range(FRAMES):
            draw(media / "bbt_tracks" / folder / f"{9 - frame:05d}.png", seed=10 * seed + frame)
    (media / "bbt_tracks" / "bbt_7" / "Thumbs.db").write_bytes(b"x")
    return media


def test_tracks_labels_and_everything_left_out(media: Path, told) -> None:
    content = BBT.open(media.parent.parent).read(8, told)
    assert content.track_names == ("900", "7", "12", "3", "4", "12a")
    assert content.tracks.tolist() == [track for track in range(6) for _ in range(FRAMES)]
    assert content.classes == {"identity": ("howard", "leonard", "penny", "raj", "sheldon")}
    people = [content.classes["identity"][label] for label in content.labels["identity"]]
    assert people[::FRAMES] == ["raj", "howard", "leonard", "sheldon", "penny", "sheldon"]
    assert people[1::FRAMES] == people[::FRAMES]
    assert content.skipped == {
        "track of someone else": 2,
        "labelled track without a folder": 1,
        "track folder without a label": 1,
        "folder without a track id in its name": 1,
    }
    told_of = " | ".join(told.lines)
    assert "labelled track without a folder, 1 left out: 8 (howard)" in told_of
    assert "track folder without a label, 1 left out: bbt_99" in told_of


def test_frames_are_in_the_order_of_their_names(media: Path) -> None:
    names = [file.name for file in BBT.open(media).listing.files[:FRAMES]]
    assert names == ["bbt_900/00008.png", "bbt_900/00009.png"]


def test_damaged_frames_and_tracks_are_left_out_and_counted(media: Path, truncate, told, tmp_path: Path) -> None:
    tracks = media / "bbt_tracks"
    truncate(tracks / "bbt_900" / "00008.png")
    for path in (tracks / "bbt_7").glob("*.png"):
        truncate(path)
    for path in (tracks / "bbt_3").iterdir():
        path.unlink()
    dataset = prepare(BBT.open(media), 8, tmp_path / "store", told)
    assert dataset.track_names == ("900", "12", "4", "12a")
    assert dataset.tracks.tolist() == [0, 1, 1, 2, 2, 3, 3]
    assert dataset.labels["identity"].tolist() == [3, 1, 1, 2, 2, 4, 4]
    assert dataset.skipped["unreadable image"] == 1 + FRAMES
    assert dataset.skipped["track without a readable image"] == 1
    assert dataset.skipped["track folder without an image"] == 1
    assert any("bbt_7/00008.png" in line for line in told.lines)


@pytest.mark.parametrize("place", ["tv/multimedia", "multimedia", "tv", "bbt/multimedia", "bbt", "."])
def test_where_the_files_may_lie(media: Path, tmp_path: Path, place: str) -> None:
    target = tmp_path / "other" / place
    target.parent.mkdir(parents=True, exist_ok=True)
    if place == ".":
        media.rename(tmp_path / "other")
    else:
        media.rename(target)
    assert len(BBT.open(tmp_path / "other").listing.track_names) == 6


def test_the_content_does_not_depend_on_the_place(media: Path, tmp_path: Path) -> None:
    near = prepare(BBT.open(media), 8, tmp_path / "store", Silent())
    far = prepare(BBT.open(media.parent.parent), 8, tmp_path / "store", Silent())
    assert near.digest == far.digest
    assert near.folder == far.folder


@pytest.mark.parametrize("missing", ["bbt_s01e01.ids", "bbt_tracks"])
def test_a_missing_part_is_named_where_the_other_is(media: Path, missing: str) -> None:
    (media / missing).rename(media / "away")
    with pytest.raises(DatasetMissing) as caught:
        BBT.open(media.parent.parent)
    text = str(caught.value)
    assert text.startswith(f"bbt: no {missing} in {media};")
    assert "--data synthetic" in text
    assert "\n" not in text


@pytest.mark.parametrize(("series", "file"), [(BBT, "bbt_s01e01.ids"), (Buffy, "buffy_s05e02.ids")])
def test_without_anything_the_first_place_is_named(tmp_path: Path, series: type[Series], file: str) -> None:
    with pytest.raises(DatasetMissing, match=f"{series.series}: no {file} in .*multimedia .*nor in multimedia, tv"):
        series.open(tmp_path)


def test_without_a_track_left_it_is_missing(media: Path) -> None:
    (media / "bbt_s01e01.ids").write_text("CVHCI_TRACKLABELS_V1\n5 kurt\n")
    with pytest.raises(DatasetMissing, match=r"bbt: no image in .*track of someone else: 1"):
        BBT.open(media)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1 howard\n", r"line 1 of .*bbt_s01e01.ids is '1 howard', expected CVHCI_TRACKLABELS_V1"),
        ("", r"line 1 of .* is 'nothing'"),
        ("CVHCI_TRACKLABELS_V1\n1 howard\n2\n", r"line 3 of .* is '2', expected <track id> <name>"),
        ("CVHCI_TRACKLABELS_V1\n7 howard\n7 raj\n", r"line 3 of .* calls track 7 raj, an earlier line howard"),
        (b"CVHCI_TRACKLABELS_V1\n\xff\xfe\n", r"is not a text file"),
    ],
)
def test_a_label_file_of_another_format_is_an_error_with_its_line(media: Path, content, message: str) -> None:
    (media / "bbt_s01e01.ids").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BenchError, match=message):
        BBT.open(media)


def test_line_ends_and_repeated_lines_do_not_matter(media: Path) -> None:
    plain = BBT.open(media).fingerprint()
    text = (media / "bbt_s01e01.ids").read_text()
    (media / "bbt_s01e01.ids").write_bytes((text + "7 howard\n\n").replace("\n", "\r\n").encode())
    assert BBT.open(media).fingerprint() == plain


def test_the_fingerprint_follows_labels_and_frames(media: Path) -> None:
    seen = {BBT.open(media).fingerprint()["sha256"]}
    text = (media / "bbt_s01e01.ids").read_text()
    (media / "bbt_s01e01.ids").write_text(text.replace("7 howard", "7 penny"))
    seen.add(BBT.open(media).fingerprint()["sha256"])
    os.utime(media / "bbt_tracks" / "bbt_7" / "00009.png", ns=(1, 1))
    seen.add(BBT.open(media).fingerprint()["sha256"])
    (media / "bbt_tracks" / "bbt_7" / "00009.png").unlink()
    seen.add(BBT.open(media).fingerprint()["sha256"])
    assert len(seen) == 4


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder"])
def test_a_label_file_that_is_no_regular_file_is_an_error_at_once(media: Path, kind: str) -> None:
    path = media / "bbt_s01e01.ids"
    path.unlink()
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(BenchError, match=f"bbt: cannot read .*bbt_s01e01.ids: a {kind}, expected a regular file"):
        BBT.open(media)


@pytest.mark.parametrize(("series", "tracks", "people"), [(BBT, 45, 5), (Buffy, 48, 6)])
def test_real_tracks(real_data: Path, tmp_path: Path, told, series: type[Series], tracks: int, people: int) -> None:
    dataset = prepare(series.open(real_data), 16, tmp_path, told)
    assert len(dataset.track_names) == tracks
    assert len(dataset) == 3 * tracks
    assert dataset.skipped == {"track of someone else": 2, "labelled track without a folder": 1}
    assert np.unique(dataset.labels["identity"]).tolist() == list(range(people))
    assert np.unique(dataset.tracks).tolist() == list(range(tracks))
    assert len(told.lines) == 2
