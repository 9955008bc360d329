"""Pictures side by side under their names, one row per image: the layout of every contact sheet."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

SCALE = 2  # screen pixels of a pixel
LINE = 14  # pixels of a line of text


def contact_sheet(columns: Mapping[str, UInt8[np.ndarray, "n s s 3"]], title: str = "") -> Image.Image:
    """The columns with their names above, and above these the title, where there is one."""
    body = Image.fromarray(np.concatenate(np.concatenate(list(columns.values()), axis=2)))
    body = body.resize((body.width * SCALE, body.height * SCALE), Image.Resampling.NEAREST)
    top = 2 * LINE if title else LINE
    page = Image.new("RGB", (body.width, top + body.height), "white")
    page.paste(body, (0, top))
    draw = ImageDraw.Draw(page)
    draw.text((2, 1), title, fill="black")
    for place, name in enumerate(columns):
        draw.text((2 + place * body.width // len(columns), LINE if title else 1), name, fill="black")
    return page


def as_bytes(pictures: Float[np.ndarray, "n s s 3"]) -> UInt8[np.ndarray, "n s s 3"]:
    """[0, 1] to 0 to 255; what is outside is cut off."""
    return (pictures.clip(0, 1) * 255).round().astype(np.uint8)
