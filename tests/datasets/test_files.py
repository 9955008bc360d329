"""Files that are whole or absent."""

import os
from pathlib import Path

import pytest

from datasets.errors import BenchError
from datasets.files import read_json, regular_size, write_text


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000, b"9" * 5000, b""])
def test_damaged_json_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BenchError, match=r"a\.json is not valid JSON.*: delete it and run again"):
        read_json(tmp_path / "a.json")


def test_names_of_another_encoding_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / "a.md", os.fsdecode(b"caf\xe9") + " Zoë")
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "caf\\udce9 Zoë"


def test_the_size_of_a_regular_file_and_of_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert regular_size(tmp_path / "a") == regular_size(tmp_path / "link") == 3
    os.mkfifo(tmp_path / "fifo")
    for name, kind in {"fifo": "FIFO", ".": "folder", "absent": "No such file"}.items():
        with pytest.raises(OSError, match=kind):
            regular_size(tmp_path / name)
