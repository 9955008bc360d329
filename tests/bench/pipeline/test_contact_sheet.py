"""Contact sheets have a row per image and a column per picture, in the pixels given."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.pipeline.contact_sheet import write_contact_sheet
from tasks.contact_sheet import LINE


def test_pixels_are_where_they_belong(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    pictures = {"input": torch.rand(3, 3, 8, 8, generator=random), "output": torch.rand(3, 3, 8, 8, generator=random)}
    write_contact_sheet(pictures, tmp_path / "sheet.png", title="demo")
    page = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert page.shape == (2 * LINE + 3 * 16, 2 * 16, 3)
    for column, name in enumerate(pictures):
        for row in range(3):
            shown = page[2 * LINE + 16 * row : 2 * LINE + 16 * row + 16 : 2, 16 * column : 16 * column + 16 : 2]
            np.testing.assert_allclose(shown / 255, pictures[name][row].permute(1, 2, 0), atol=0.51 / 255)
