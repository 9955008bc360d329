"""Pictures side by side under their names, one row per image: the layout of every contact sheet."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image, ImageDraw, ImageFont

from tasks.results import Panel

SCALE = 2  # screen pixels of a pixel
LINE = 16  # pixels of a line of text
LETTERS = 12  # pixels of its letters, which a page that shows the file smaller leaves readable


def contact_sheet(
    columns: Mapping[str, UInt8[np.ndarray, "n s s 3"]], title: str = "", rows: Sequence[str] = ()
) -> Image.Image:
    """The columns with their names above, above these the title and left of them the rows' names, where there are any.

    `panel` says where in it the pictures are.
    """
    body = Image.fromarray(np.concatenate(np.concatenate(list(columns.values()), axis=2)))
    body = body.resize((body.width * SCALE, body.height * SCALE), Image.Resampling.NEAREST)
    left, top = _margin(rows), _head(title)
    page = Image.new("RGB", (left + body.width, top + body.height), "white")
    page.paste(body, (left, top))
    draw = ImageDraw.Draw(page)
    draw.text((2, 1), title, fill="black", font=font())
    for place, name in enumerate(columns):
        draw.text(
            (left + 2 + place * body.width // len(columns), LINE if title else 1), name, fill="black", font=font()
        )
    for place, name in enumerate(rows):
        draw.text((2, top + 2 + place * body.height // len(rows)), name, fill="black", font=font())
    return page


def panel(
    columns: Mapping[str, Shaped[np.ndarray, "n s s 3"]],
    title: str = "",
    rows: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Panel:
    """Where the pictures are in `contact_sheet` of the same columns, title and rows.

    `names` are those of rows that the sheet itself does not name; where there are none either, they are counted.
    """
    count, height, width, _ = next(iter(columns.values())).shape
    return Panel(
        columns=tuple(columns),
        rows=tuple(rows or names or map(str, range(1, count + 1))),
        left=_margin(rows),
        top=_head(title),
        width=len(columns) * width * SCALE,
        height=count * height * SCALE,
        scale=SCALE,
    )


@cache
def font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """What sheets are lettered in."""
    return ImageFont.load_default(LETTERS)


def web_colour(red: int, green: int, blue: int) -> str:
    """`#rrggbb`, as a `Legend` has it."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def _head(title: str) -> int:
    """Pixels of the lines above the pictures."""
    return 2 * LINE if title else LINE


def _margin(rows: Sequence[str]) -> int:
    """Pixels of the names left of the pictures."""
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    return max((round(draw.textlength(name, font=font())) + 8 for name in rows), default=0)


def as_bytes(pictures: Float[np.ndarray, "n s s 3"]) -> UInt8[np.ndarray, "n s s 3"]:
    """[0, 1] to 0 to 255; what is outside is cut off."""
    return (pictures.clip(0, 1) * 255).round().astype(np.uint8)
