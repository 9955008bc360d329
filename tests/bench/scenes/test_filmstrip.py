"""A page has every picture where it belongs, an animation plays forth and back without end."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from bench.scenes.filmstrip import GAP, LINE, Column, Row, fitting, page, write_animation, write_sheet
from datasets.errors import BenchError

COLOURS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])


def flat(colour: int) -> torch.Tensor:
    return COLOURS[colour][:, None, None].expand(3, 8, 8)


def sheet(first: int = 0, size: int = 100) -> Image.Image:
    columns = [
        Column(["one"], torch.stack([flat(first), flat(1)])),
        Column(["two", "lines", "here"], torch.stack([flat(2), flat(3)])),
    ]
    return page([Row("a.jpg"), Row("b.jpg", "something is wrong")], columns, size)


def test_pictures_are_in_their_row_and_column() -> None:
    drawn = np.asarray(sheet())
    top, band = 3 * LINE + GAP, LINE + 100 + GAP
    assert drawn.shape == (top + 2 * band, 2 * (100 + GAP) + GAP, 3)
    for row, column, colour in [(0, 0, 0), (1, 0, 1), (0, 1, 2), (1, 1, 3)]:
        upper, left = top + row * band + LINE, GAP + column * (100 + GAP)
        tile = drawn[upper : upper + 100, left : left + 100]
        assert (tile == (COLOURS[colour] * 255).numpy()).all(), (row, column)


def test_labels_are_where_they_are_read_and_a_warning_is_red() -> None:
    drawn = np.asarray(sheet()).astype(int)
    top, band = 3 * LINE + GAP, LINE + 100 + GAP
    dark, red = drawn.sum(axis=2) < 200, (drawn[..., 0] - drawn[..., 1] > 80) & (drawn[..., 0] < 255)
    for line, has_first in ((0, True), (1, False), (2, False)):
        strip = dark[line * LINE : (line + 1) * LINE]
        assert strip[:, :104].any() == has_first
        assert strip[:, 104:].any()
    names = [slice(top + row * band, top + row * band + LINE - 2) for row in (0, 1)]
    assert dark[names[0]].any()
    assert dark[names[1]].any()
    assert not red[names[0]].any()
    assert red[names[1]].any()


def test_columns_are_as_wide_as_their_names() -> None:
    names = ["light 60° right", "as seen"]
    narrow = page([Row("x")], [Column(names, flat(0)[None])], 20)
    assert narrow.width > 60
    assert fitting("light", 1000) == "light"
    assert fitting("a very long name of a photograph.jpg", 90).endswith("..")


def test_an_animation_goes_forth_and_back_for_ever(tmp_path: Path) -> None:
    frames = [sheet(first) for first in range(4)]
    target = tmp_path / "new" / "turn.gif"
    assert write_animation(frames, target) == 6
    with Image.open(target) as image:
        assert image.n_frames == 6
        assert image.info["loop"] == 0
        seen = [np.asarray(frame.convert("RGB"))[60 + LINE + 50, 50] for frame in ImageSequence.Iterator(image)]
    for found, first in zip(seen, (0, 1, 2, 3, 2, 1), strict=True):
        np.testing.assert_allclose(found, COLOURS[first] * 255, atol=12)
    assert [path.name for path in target.parent.iterdir()] == ["turn.gif"]


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(BenchError, match=r"cannot write .*sheet\.png"):
        write_sheet(sheet(), tmp_path / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
