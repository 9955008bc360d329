"""Contact sheets: what a method makes of a few images, one row per image, one named column per picture."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor

from datasets.files import write_with

BAND = 14  # pixels of a line of text


def contact_sheet(
    pictures: Mapping[str, Float[Tensor, "b 3 h w"]], target: Path, *, title: str, scale: int = 2
) -> None:
    """Write pictures in [0, 1] as a PNG, `title` above and the names over their columns; `scale` enlarges pixels.

    Raises BenchError where the file cannot be written.
    """
    count = len(next(iter(pictures.values())))
    rows = [np.concatenate([_bytes(picture[i]) for picture in pictures.values()], axis=1) for i in range(count)]
    body = Image.fromarray(np.concatenate(rows))
    body = body.resize((body.width * scale, body.height * scale), Image.Resampling.NEAREST)
    page = Image.new("RGB", (body.width, body.height + 2 * BAND), "white")
    page.paste(body, (0, 2 * BAND))
    draw = ImageDraw.Draw(page)
    draw.text((2, 1), title, fill="black")
    for column, name in enumerate(pictures):
        draw.text((2 + column * body.width // len(pictures), BAND), name, fill="black")
    write_with(target, lambda path: page.save(path, format="PNG"))


def _bytes(picture: Float[Tensor, "3 h w"]) -> np.ndarray:
    """[0, 1] to uint8 (h, w, 3)."""
    return (picture.permute(1, 2, 0).cpu().numpy().clip(0, 1) * 255).round().astype(np.uint8)
