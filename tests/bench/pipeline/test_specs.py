"""What `--set` makes otherwise than a name means, as records keep it for tables."""

from pathlib import Path
from typing import Any

import pytest

from bench.grid.request import Options
from bench.pipeline.cell import Cell, cells
from bench.pipeline.records import with_settings
from bench.pipeline.store import Store


def cell(tmp_path: Path, *settings: str, method: str = "pdr", task: str = "bbt", profile: str = "smoke") -> Cell:
    options = Options(method, task, profile, data="synthetic", settings=settings, baselines=False)
    (only,) = cells(options.request(), Store(tmp_path / "store"))
    return only


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ([], {}),
        (["pdr.nf=32"], {"nf": 32}),
        (["pdr.nf=16"], {}),
        (["pdr.schedule.max_steps=3", "pdr.schedule.flip=false"], {"schedule.flip": False, "schedule.max_steps": 3}),
        (["pdr.features=light,view"], {"features": ["light", "view"]}),
        (["pdr.schedule.max_steps=20"], {}),
    ],
)
def test_what_is_as_the_profile_has_it_is_not_set_otherwise(
    settings: list[str], kept: dict[str, Any], tmp_path: Path
) -> None:
    assert cell(tmp_path, *settings).method.settings == kept


def test_a_familys_settings_are_each_methods(tmp_path: Path) -> None:
    own = cell(tmp_path, "pdr.nf=32", method="pdr_loocc_l").method.settings
    assert own == {"nf": 32}, "not loocc, which the name stands for"
    variant = cell(tmp_path, "pdr.nf=32", method="pdr[features=light]").method.settings
    assert variant == {"nf": 32}


def test_of_files_the_name_is_kept_and_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    file.touch()
    assert cell(tmp_path, f"pdr.vgg16={file}").method.settings == {"vgg16": "mine.pth"}


def test_settings_of_tasks(tmp_path: Path) -> None:
    assert cell(tmp_path, "bbt.normalise=l2").task.settings == {"normalise": "l2"}
    assert cell(tmp_path).task.settings == {}


@pytest.mark.parametrize(
    ("name", "settings", "row"),
    [
        ("vqvae", None, "vqvae"),
        ("vqvae", {}, "vqvae"),
        ("vqvae", {"schedule.max_steps": 1}, "vqvae[schedule.max_steps=1]"),
        ("pdr[features=light]", {"nf": 32}, "pdr[features=light;nf=32]"),
        ("mine.py:Mine", {"a": None, "b": ["x", "y"]}, "mine.py:Mine[a=null;b=x,y]"),
    ],
)
def test_a_row_is_called_as_it_could_be_typed(name: str, settings: dict[str, Any] | None, row: str) -> None:
    assert with_settings(name, settings) == row
