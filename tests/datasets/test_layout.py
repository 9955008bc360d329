"""Finding folders and reading lists, whatever stands in their place."""

import os
from pathlib import Path

import pytest

from datasets.errors import BenchError, DatasetMissing
from datasets.layout import find, number_in, put, read_lines, read_text


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder"])
def test_what_is_no_regular_file_is_one_line_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.txt"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(BenchError, match=f"bbt: cannot read .*list.txt: a {kind}, expected a regular file"):
        read_text("bbt", path)


@pytest.mark.parametrize("target", ["/nowhere/annex", "list.txt"])
def test_a_link_that_leads_nowhere_is_one_line(tmp_path: Path, target: str) -> None:
    (tmp_path / "list.txt").symlink_to(target)
    with pytest.raises(BenchError, match=r"bbt: cannot read .*list\.txt: .*(link)"):
        read_text("bbt", tmp_path / "list.txt")


def test_a_file_without_an_end_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "list.txt").open("wb") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(BenchError, match="has 1099511627776 bytes, expected a label file of at most"):
        read_text("bbt", tmp_path / "list.txt")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_which_they_are(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "list.txt").write_text("one\nZoë\n", encoding=encoding)
    assert read_lines("bbt", tmp_path / "list.txt") == ["one", "Zoë"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be"])
def test_other_encodings_are_an_error_with_the_line(tmp_path: Path, encoding: str) -> None:
    content = "one\nZoë\n".encode(encoding)
    (tmp_path / "list.txt").write_bytes(content)
    line = 2 if encoding == "cp1252" else 1
    with pytest.raises(BenchError, match=rf"is not a text file in UTF-8 \(line {line}\): save it as UTF-8"):
        read_lines("bbt", tmp_path / "list.txt")


def test_numbers_are_digits(tmp_path: Path) -> None:
    assert [number_in("bbt", tmp_path, 1, text, -5, 20) for text in ("7", "007", "+7", "-5")] == [7, 7, 7, -5]
    for text in ("", "1_0", "\u0667", "7.0", "21", "9" * 5000):
        with pytest.raises(BenchError, match="expected a whole number from -5 to 20"):
            number_in("bbt", tmp_path, 1, text, -5, 20)


def test_a_row_may_be_repeated_and_not_contradicted() -> None:
    rows: dict[str, int] = {}
    put(rows, "a", 1, "x: line 1 of y", "gives")
    put(rows, "a", 1, "x: line 2 of y", "gives")
    with pytest.raises(BenchError, match=r"^x: line 3 of y gives a 2, an earlier line 1$"):
        put(rows, "a", 2, "x: line 3 of y", "gives")


def test_home_unless_there_is_such_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "data" / "bbt").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert find("bbt", Path("~/data"), ["bbt"], ["."]) == tmp_path / "home" / "data"
    (tmp_path / "~" / "data" / "bbt").mkdir(parents=True)
    assert find("bbt", Path("~/data"), ["bbt"], ["."]) == Path("~/data")
    with pytest.raises(DatasetMissing, match="~nobody-of-that-name/x is not a folder"):
        find("bbt", Path("~nobody-of-that-name/x"), ["bbt"], ["."])
