"""Describing and verifying datasets: counts, files left out, exit codes."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.commands.data import data_command, incomplete
from bench.grid.catalogue import DATASETS
from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.official import COUNTS


def run(name: str, tmp_path: Path, *, verify: bool, data_root: Path | None = None, data: str | None = None) -> int:
    return data_command(name, verify=verify, data_root=data_root, data=data, profile="smoke", store=tmp_path / "store")


def test_describe_a_stand_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bbt", tmp_path, verify=False, data="synthetic") == 0
    out = capsys.readouterr().out
    assert "bbt[synthetic]: 80 images" in out
    assert "40 tracks of 2 frames" in out
    assert "identity: howard 4, leonard 30" in out
    assert "643 tracks of the five people; the PDR paper counts 644" in out


def test_verify_finds_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    for group in ("a", "b"):
        (folder / group).mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(folder / group / "1.png")
    assert run(f"images:{folder}", tmp_path, verify=True) == 0
    assert "whole: nothing is left out" in capsys.readouterr().out
    (folder / "b" / "2.png").write_bytes(b"no picture")
    assert run(f"images:{folder}", tmp_path, verify=True) == 1
    assert "left out, unreadable image: 1" in capsys.readouterr().out


def test_links_that_lead_nowhere_are_counted_and_not_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "loop"
    for group in ("a", "b"):
        (folder / group).mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(folder / group / "1.png")
    (folder / "a" / "2.png").symlink_to("/nowhere/annex.png")
    (folder / "a" / "3.png").symlink_to("3.png")
    (folder / "c").symlink_to("/nowhere/c")
    assert run(f"images:{folder}", tmp_path, verify=True) == 1
    out = capsys.readouterr().out
    assert "images:loop: 2 images" in out
    assert "left out, unreadable image: 2" in out
    assert "left out, class folder without an image: 1 (c)" in out
    assert "whole" not in out


def test_an_incomplete_copy_is_told_from_a_complete_one(tmp_path: Path) -> None:
    images = np.zeros((5, 2, 2, 3), dtype=np.uint8)
    split = {"split": np.array([0, 0, 0, 2, 2])}
    part = Dataset(images, labels=split, classes={"split": ("train", "val", "test")}, name="rafdb")
    assert list(incomplete(part)) == [
        "  train: 3, the official distribution has 12271",
        "  test: 2, the official distribution has 3068",
    ]
    assert list(incomplete(Dataset(images, name="utkface"))) == ["  images: 5, the official distribution has 23708"]
    assert list(incomplete(Dataset(images, name="images"))) == []


@pytest.mark.parametrize("name", ["utkface", "bbt", "buffy", "rafdb", "celeba", "celebamask"])
def test_the_list_of_datasets_and_verify_count_alike(name: str) -> None:
    total = sum(COUNTS[name].values())
    assert re.findall(r"[\d,]{3,}", DATASETS.get(name).summary)[0] == f"{total:,}"


def test_verify_needs_real_data(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="name their folder by --data-root DIR"):
        run("bbt", tmp_path, verify=True)
