"""Text and arguments without a machine's folders."""

from pathlib import Path

import pytest

from bench.grid.portable import last_parts, portable, without_folders


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ("/data/faces/real", ".../real"),
        ("--store=/data/a=b/store", "--store=.../store"),
        ("tracks:/home/me/my faces,bbt", "tracks:.../my faces,bbt"),
        ("bbt,images:/home/me/x[normalise=l2]", "bbt,images:.../x[normalise=l2]"),
        ("/home/me/mine.py:Mine,pdr", ".../mine.py:Mine,pdr"),
        ("tracks:HERE/mine", "tracks:mine"),
        ("tracks:mine/faces", "tracks:mine/faces"),
        ("pdr.nf=16", "pdr.nf=16"),
    ],
)
def test_arguments(given: str, short: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert portable(given.replace("HERE", str(tmp_path))) == short


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ("tracks:/home/me/x: no such folder", "tracks:.../x: no such folder"),
        ("no 'labels.csv' in /home/me/a (nor in /data/b/c)", "no 'labels.csv' in .../a (nor in .../c)"),
        ('File "/usr/lib/torch/nn.py", line 3', 'File ".../nn.py", line 3'),
        ("HOME/my faces/x.png", ".../my faces/x.png"),
        ("see https://example.org/a/b, 3/4 of tv/bbt and a/b", "see https://example.org/a/b, 3/4 of tv/bbt and a/b"),
    ],
)
def test_running_text(given: str, short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/John Smith")
    assert without_folders(given.replace("HOME", "/home/John Smith")) == short
    assert without_folders({"a": [given.replace("HOME", "/home/John Smith"), 3]}) == {"a": [short, 3]}


def test_folders_are_called_by_as_few_of_their_last_parts_as_tell_them_apart() -> None:
    assert last_parts(["/a/x", "/b/x/", "/a/y", "x/y", "/x/y", "/x/y"]) == {
        "/a/x": "x",
        "/b/x/": "b/x",
        "/a/y": "y",
        "x/y": "x/y",
        "/x/y": "/x/y",
    }


def test_known_folders_are_found_whatever_signs_they_have() -> None:
    place = "/home/John Smith/a: (b)"
    assert without_folders(f"no image in {place}/c d", [place, None, "mine"]) == "no image in .../a: (b)/c d"


def test_without_a_home_or_a_working_folder_texts_are_shortened_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert without_folders("no image in /home/me/faces: add some") == "no image in .../faces: add some"
    assert portable("--store=/data/store") == "--store=.../store"


def test_the_root_as_a_known_path_changes_nothing_else() -> None:
    assert without_folders("pdr/bbt/0 failed", ["/"]) == "pdr/bbt/0 failed"
