"""Files of tensors: read as they are, and one line for every other kind of file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from datasets.errors import BenchError
from methods.torch_files import read_torch_file


class Custom:
    """What unpickling would have to run code for."""


def pickled(path: Path) -> None:
    torch.save({"a": Custom()}, path)


def damaged(path: Path) -> None:
    path.write_bytes(b"")


def a_list(path: Path) -> None:
    torch.save([1], path)


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
