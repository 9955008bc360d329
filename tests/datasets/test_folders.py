"""A user's own folders."""

from pathlib import Path

import pytest

from datasets.base import Silent
from datasets.errors import BenchError, DatasetMissing
from datasets.folders import ImageFolder, TrackFolder
from datasets.prepared import prepare


@pytest.fixture
def tracks(draw, tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for track, frames in {"b": 2, "a": 1, "c c": 3, "unlabelled": 1, "blank": 1}.items():
        for frame in range(frames):
            draw(folder / track / f"{frame}.JPG", seed=frame, format="JPEG")
    (folder / "empty").mkdir()
    (folder / "labels.csv").write_bytes(
        b'\xef\xbb\xbftrack,label\r\nb,zoe\r\na,anna\r\n"c c",zoe\r\nempty,ben\r\ngone,anna\r\nblank,\r\n\r\n'
    )
    return folder


def test_tracks(tracks: Path, told) -> None:
    source = TrackFolder.open(tracks)
    content = source.read(8, told)
    assert (source.label, source.synthetic) == ("tracks:mine", False)
    assert content.track_names == ("b", "a", "c c")
    assert content.tracks.tolist() == [0, 0, 1, 2, 2, 2]
    assert content.classes == {"identity": ("anna", "zoe")}
    assert content.labels["identity"].tolist() == [1, 1, 0, 1, 1, 1]
    assert content.skipped == {
        "track folder without an image": 1,
        "labelled track without a folder": 1,
        "track folder without a label": 2,
    }
    assert any("gone (anna)" in line for line in told.lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("b,zoe\n", r"line 1 of .*labels.csv is 'b,zoe', expected track,label"),
        ("", r"line 1 of .*labels.csv is '', expected track,label"),
        ("track,label\nb\n", r"line 2 of .*labels.csv has not the two fields"),
        ("track,label\nb,zoe,2\n", r"line 2 of .*labels.csv has not the two fields"),
        ("track,label\nb,zoe\nb,anna\n", r"line 3 of .*labels.csv labels b 'anna', an earlier line 'zoe'"),
    ],
)
def test_a_wrong_label_file_is_an_error_with_its_line(tracks: Path, content: str, message: str) -> None:
    (tracks / "labels.csv").write_text(content)
    with pytest.raises(BenchError, match=message):
        TrackFolder.open(tracks)


def test_what_is_missing_is_named(tracks: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match=r"tracks:.*nowhere: no such folder"):
        TrackFolder.open(tmp_path / "nowhere")
    (tracks / "labels.csv").unlink()
    with pytest.raises(DatasetMissing, match=r"tracks:mine: no labels.csv in .*mine; expected the header track,label"):
        TrackFolder.open(tracks)
    with pytest.raises(DatasetMissing, match=r"images:.*nowhere: no such folder"):
        ImageFolder.open(tmp_path / "nowhere")


def test_images_of_classes(draw, truncate, tmp_path: Path) -> None:
    folder = tmp_path / "classes"
    for path in ("dog/1.png", "dog/0.png", "cat/x.jpg", "cat/broken.jpg", "loose.png"):
        draw(folder / path)
    truncate(folder / "cat" / "broken.jpg")
    (folder / "fish").mkdir()
    (folder / ".git").mkdir()
    dataset = prepare(ImageFolder.open(folder), 8, tmp_path / "store", Silent())
    assert dataset.label == "images:classes"
    assert dataset.classes == {"class": ("cat", "dog")}
    assert dataset.labels["class"].tolist() == [0, 1, 1]
    assert dataset.tracks is None
    assert dataset.skipped == {
        "class folder without an image": 1,
        "image outside the class folders": 1,
        "unreadable image": 1,
    }


def test_a_folder_without_classes_is_missing(draw, tmp_path: Path) -> None:
    draw(tmp_path / "flat" / "a.png")
    with pytest.raises(DatasetMissing, match=r"images:flat: no image in .*image outside the class folders: 1"):
        ImageFolder.open(tmp_path / "flat")
