"""A user's own folders."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


@pytest.mark.parametrize(
    "content",
    [
        b"track;label\r\nb;zoe\r\na;anna\r\n",
        "track\tlabel\r\nb\tzoe\r\na\tanna\r\n".encode("utf-16"),
        b"sep=;\r\ntrack;label\r\nb;zoe\r\na;anna\r\n",
        b"sep=|\r\ntrack|label\r\nb|zoe\r\na|anna\r\n",
        b"sep=\t\r\ntrack\tlabel\r\nb\tzoe\r\na\tanna\r\n",
        b"Track,Label,\r\nb,zoe,\r\na,anna,,\r\n,,\r\n",
        b"track,label\rb,zoe\ra,anna\r",
        b'"track","label"\n"b","zoe"\n"a","anna"\n"a","anna"\n',
    ],
)
def test_labels_as_spreadsheets_save_them(tracks: Path, content: bytes) -> None:
    (tracks / "labels.csv").write_bytes(content)
    source = TrackFolder.open(tracks)
    assert source.listing.track_names == ("b", "a")
    assert source.listing.labels["identity"].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"track,label\nb,Zo\xeb\n", r"labels.csv is not a text file in UTF-8 \(line 2\): save it as UTF-8"),
        (b",track,label\n0,b,zoe\n", r"line 1 of .*labels.csv is ',track,label', expected track,label"),
        (b"sep=;\nb;zoe\n", r"line 2 of .*labels.csv is 'b;zoe', expected track,label"),
        (b"sep=;\ntrack;label\nb;zoe\nb;anna\n", r"line 4 of .* labels b 'anna', an earlier line 'zoe'"),
        (b"track,label\nb," + b"x" * 200_000, r"line 2 of .*labels.csv is not CSV \(field larger"),
    ],
)
def test_what_no_spreadsheet_saves_is_an_error_with_its_line(tracks: Path, content: bytes, message: str) -> None:
    (tracks / "labels.csv").write_bytes(content)
    with pytest.raises(BenchError, match=message):
        TrackFolder.open(tracks)


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder"])
def test_labels_that_are_no_regular_file_are_an_error_at_once(tracks: Path, kind: str) -> None:
    path = tracks / "labels.csv"
    path.unlink()
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(BenchError, match=f"cannot read .*labels.csv: a {kind}, expected a regular file"):
        TrackFolder.open(tracks)


@pytest.mark.parametrize(("label", "folder"), [("Zoe\u0308", "Zo\u00eb"), ("Zo\u00eb", "Zoe\u0308")])
def test_unicode_forms_do_not_matter(draw, tmp_path: Path, label: str, folder: str) -> None:
    draw(tmp_path / "mine" / folder / "0.png")
    draw(tmp_path / "mine" / "b" / "0.png")
    rows = f"track,label\n{label},{label}\nb,{folder}\n"
    (tmp_path / "mine" / "labels.csv").write_text(rows, encoding="utf-8")
    source = TrackFolder.open(tmp_path / "mine")
    assert source.listing.classes["identity"] == ("Zo\u00eb",)
    assert source.listing.track_names == (label, "b")
    assert source.listing.skipped == {}


def test_two_folders_of_the_same_look_stay_apart(draw, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("Zoe\u0308", "Zo\u00eb"):
        draw(folder / name / "0.png")
    (folder / "labels.csv").write_text("track,label\nZoe\u0308,a\nZo\u00eb,b\n", encoding="utf-8")
    source = TrackFolder.open(folder)
    assert source.listing.labels["identity"].tolist() == [0, 1]
    (folder / "labels.csv").write_text("track,label\nZoe\u0308,a\n", encoding="utf-8")
    assert TrackFolder.open(folder).listing.skipped == {"track folder without a label": ["Zo\u00eb"]}


def test_names_that_do_not_match_are_shown(draw, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    draw(folder / "001" / "0.png")
    (folder / "labels.csv").write_text("track,label\n1,A\n")
    wanted = r"labelled track without a folder: 1 \(1 \(A; a folder of 001 differs in leading zeros\)\); .*1 \(001\)"
    with pytest.raises(DatasetMissing, match=wanted):
        TrackFolder.open(folder)


def test_names_of_another_encoding_are_read_and_shown(draw, tmp_path: Path) -> None:
    for path in ("classes/a/0.png", "classes/z/0.png", "tracks/t/0.png", "tracks/z/0.png"):
        draw(tmp_path / path)
    root = os.fsencode(tmp_path)
    os.rename(root + b"/classes/a/0.png", root + b"/classes/a/Zo\xe9.png")
    os.rename(root + b"/classes/z", root + b"/classes/caf\xe9")
    os.rename(root + b"/tracks/z", root + b"/tracks/two\n\xe9")
    (tmp_path / "tracks" / "labels.csv").write_text("track,label\nt,\x1b[31mred\n")
    os.rename(root + b"/classes", root + b"/cl\xe9")
    images = prepare(ImageFolder.open(Path(os.fsdecode(root + b"/cl\xe9"))), 8, tmp_path / "store", Silent())
    assert images.label == "images:cl\\xe9"
    assert images.classes["class"] == ("a", "caf\\xe9")
    assert len(images) == 2
    source = TrackFolder.open(tmp_path / "tracks")
    assert source.listing.classes["identity"] == ("\\x1b[31mred",)
    assert source.listing.skipped == {"track folder without a label": ["two\\n\\xe9"]}
    assert prepare(source, 8, tmp_path / "store", Silent()).skipped == {"track folder without a label": 1}


def test_links_that_lead_nowhere_are_counted_and_the_rest_is_used(draw, tmp_path: Path, told) -> None:
    folder = tmp_path / "mine"
    for name in ("a/0.png", "a/1.png", "b/0.png"):
        draw(folder / name)
    (folder / "a" / "2.png").symlink_to("/nowhere/annex/2.png")
    (folder / "a" / "3.png").symlink_to("3.png")
    os.mkfifo(folder / "b" / "4.png")
    (folder / "b" / "5.png").mkdir()
    (folder / "c").symlink_to("/nowhere/c")
    (folder / "d").symlink_to("d")
    (folder / "e.png").symlink_to("/nowhere/e.png")
    dataset = prepare(ImageFolder.open(folder), 8, tmp_path / "store", told)
    assert dataset.labels["class"].tolist() == [0, 0, 1]
    assert dataset.skipped == {
        "unreadable image": 4,
        "class folder without an image": 2,
        "image outside the class folders": 1,
    }
    assert "a/2.png (a link whose target is not there)" in " ".join(told.lines)
    (folder / "a" / "2.png").unlink()
    draw(folder / "a" / "2.png")
    assert len(prepare(ImageFolder.open(folder), 8, tmp_path / "store", told)) == 4


def test_tracks_whose_frames_are_not_there_are_counted(tracks: Path) -> None:
    (tracks / "a" / "0.JPG").unlink()
    (tracks / "a" / "0.JPG").symlink_to("/nowhere/0.jpg")
    (tracks / "b" / "1.JPG").unlink()
    (tracks / "b" / "1.JPG").symlink_to("/nowhere/1.jpg")
    content = TrackFolder.open(tracks).read(8, Silent())
    assert content.track_names == ("b", "c c")
    assert content.skipped["unreadable image"] == 2
    assert content.skipped["track without a readable image"] == 1


def test_images_too_deep_or_beside_the_tracks_are_counted(tracks: Path, draw) -> None:
    draw(tracks / "a" / "deeper" / "0.png")
    draw(tracks / "loose.png")
    skipped = TrackFolder.open(tracks).listing.skipped
    assert skipped["image in a folder too deep"] == ["a/deeper/0.png"]
    assert skipped["image outside the track folders"] == ["loose.png"]


def test_pictures_are_upright_and_opaque_as_photographs_are(draw, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = draw(tmp_path / "upright.png", size=(16, 16))
    with Image.open(upright) as image:
        for kind in ("classes", "tracks"):
            (tmp_path / kind / "a").mkdir(parents=True)
            image.rotate(90).save(tmp_path / kind / "a" / "0.png", exif=exif)
            hidden = image.copy()
            hidden.putalpha(0)
            hidden.save(tmp_path / kind / "a" / "1.png")
    (tmp_path / "tracks" / "labels.csv").write_text("track,label\na,x\n")
    for source in (ImageFolder.open(tmp_path / "classes"), TrackFolder.open(tmp_path / "tracks")):
        images = source.read(16, Silent()).images
        with Image.open(upright) as image:
            np.testing.assert_array_equal(images[0], np.asarray(image))
        assert (images[1] == 255).all()


@pytest.mark.parametrize("home", [True, False])
def test_home_unless_there_is_such_a_folder(draw, tmp_path: Path, monkeypatch, home: bool) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "home" / "photos" / "at home" / "0.png")
    if not home:
        draw(tmp_path / "~" / "photos" / "here" / "0.png")
    source = ImageFolder.open(Path("~/photos"))
    assert source.label == "images:photos"
    assert source.listing.classes["class"] == (("at home",) if home else ("here",))
