"""Files of tensors: read as they are, and one line for every other kind of file."""

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from datasets.errors import BenchError
from datasets.streams import generator
from methods.torch_files import read_torch_file


class Custom:
    """What unpickling would have to run code for."""


def pickled(path: Path) -> None:
    torch.save({"a": Custom()}, path)


def damaged(path: Path) -> None:
    path.write_bytes(b"\x00 junk")


def a_list(path: Path) -> None:
    torch.save([1], path)


def cut(path: Path) -> None:
    torch.save({"a": torch.arange(1000)}, path)
    path.write_bytes(path.read_bytes()[:3000])


def packed(path: Path) -> None:
    """What unpacks to a thousand times its size."""
    torch.save({"a": torch.zeros(1_000_000)}, path)
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)


@pytest.mark.parametrize("mapped", [False, True])
def test_tensors_and_plain_values_are_read(tmp_path: Path, mapped: bool) -> None:
    torch.save({"a": torch.arange(3), "epoch": 2}, tmp_path / "file.pth")
    found = read_torch_file(tmp_path / "file.pth", pickled="", damaged="", expected="", mapped=mapped)
    assert found["a"].tolist() == [0, 1, 2]
    assert found["epoch"] == 2


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (pickled, "holds objects"),
        (damaged, "is damaged"),
        (lambda path: path.write_bytes(b""), r"file\.pth is empty"),
        (lambda path: path.write_text("\n<!DOCTYPE HTML><title>Quota exceeded</title>"), r"file\.pth is a web page"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\nsize 3\n"), "is a Git LFS pointer"),
        (lambda path: path.write_text("Too many requests"), "is damaged"),
        (lambda path: save_file({"a": torch.zeros(2)}, path), r"is a safetensors file: expected a dictionary"),
        (cut, "is damaged"),
        (packed, r"is [\d,]+ bytes and would unpack to [\d,]+"),
        (lambda path: path.mkdir(), r"cannot read .*file\.pth: a folder, expected a regular file"),
        (lambda path: os.mkfifo(path), "a FIFO, expected a regular file"),
        (a_list, "file.pth holds a list: expected a dictionary"),
        (lambda path: None, "cannot read"),
    ],
)
def test_another_file_is_said_in_one_line(tmp_path: Path, write: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "file.pth"
    write(path)
    with pytest.raises(BenchError, match=said) as caught:
        read_torch_file(path, pickled="holds objects", damaged="is damaged", expected="expected a dictionary")
    assert "\n" not in str(caught.value)


def test_whatever_a_byte_becomes_is_tensors_or_one_line(tmp_path: Path) -> None:
    """Both formats of torch, with bytes changed, lost and added."""
    path = tmp_path / "file.pth"
    rng = generator(0, "test", "bytes")
    for zipped in (True, False):
        torch.save({"a": {"x": torch.arange(20.0)}, "n": 3}, path, _use_new_zipfile_serialization=zipped)
        whole = path.read_bytes()
        for _ in range(150):
            data = bytearray(whole)
            for place in rng.integers(0, len(data), rng.integers(1, 20)).tolist():
                data[place : place + int(rng.integers(0, 3))] = rng.bytes(int(rng.integers(0, 3)))
            path.write_bytes(data)
            with suppress(BenchError):
                assert isinstance(read_torch_file(path, pickled="p", damaged="d", expected="e"), dict)
