"""Tiny datasets that the tests draw, in the official layouts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.base import Silent


class Told(Silent):
    """A `Progress` that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def draw() -> Callable[..., Path]:
    """Draws a smooth random picture, so that a JPEG of it is close to it; `draw(path, seed, size, mode)`."""

    def draw_image(
        path: Path, seed: int = 0, size: tuple[int, int] = (24, 24), mode: str = "RGB", **options: object
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)
        image.save(path, **options)
        return path

    return draw_image


@pytest.fixture
def truncate() -> Callable[[Path], Path]:
    """Cuts an image file in half."""

    def cut(path: Path) -> Path:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        return path

    return cut
