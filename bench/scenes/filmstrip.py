"""Pictures of a few objects in several poses, as one page or as an animation, with labels that stay readable."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from datasets.files import write_with

TEXT, LINE, GAP = 13, 17, 4  # pixels: size of letters, height of a line, space between pictures
INK, WARNING, PAPER = "black", (180, 40, 30), "white"
FRAME_MS = 80
PALETTE_FRAMES = 5


@dataclass(frozen=True)
class Column:
    """Pictures in [0, 1] of every object, one per row, and short lines that say what they show."""

    head: Sequence[str]
    pictures: Float[Tensor, "b 3 h w"]


@dataclass(frozen=True)
class Row:
    """What a row of pictures is called, and what is to be said against it (or nothing)."""

    name: str
    warning: str = ""


def page(rows: Sequence[Row], columns: Sequence[Column], size: int) -> Image.Image:
    """One picture of all: heads above the columns, names above the rows, every picture `size` pixels wide."""
    widest = max(_font().getlength(line) for column in columns for line in column.head)
    step, band = max(size, math.ceil(widest)) + GAP, LINE + size + GAP
    top = LINE * max(len(column.head) for column in columns) + GAP
    sheet = Image.new("RGB", (len(columns) * step + GAP, top + len(rows) * band), PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, column in enumerate(columns):
        left = GAP + place * step
        for line, text in enumerate(column.head):
            draw.text((left, 2 + line * LINE), text, fill=INK, font=_font())
        for number, picture in enumerate(column.pictures):
            sheet.paste(enlarged(picture, size), (left, top + number * band + LINE))
    for number, row in enumerate(rows):
        room = sheet.width - 2 * GAP
        name = fitting(row.name, room if not row.warning else room // 2)
        draw.text((GAP, top + number * band), name, fill=INK, font=_font())
        if row.warning:
            used = round(_font().getlength(name)) + 3 * GAP
            draw.text((GAP + used, top + number * band), fitting(row.warning, room - used), fill=WARNING, font=_font())
    return sheet


def write_sheet(sheet: Image.Image, target: Path) -> None:
    """Write a page as PNG, whole or not at all."""
    write_with(target, lambda path: sheet.save(path, format="PNG"))


def write_animation(frames: Sequence[Image.Image], target: Path) -> int:
    """Write pages as a GIF that plays forth and back without end, whole or not at all; returns its frames' number."""
    # One palette for all, taken from some of them: pictures that stay the same would flicker otherwise.
    some = [frames[round(place)] for place in np.linspace(0, len(frames) - 1, min(PALETTE_FRAMES, len(frames)))]
    palette = Image.fromarray(np.concatenate([np.asarray(frame) for frame in some])).quantize()
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    played = [*drawn, *drawn[-2:0:-1]]
    write_with(
        target,
        lambda path: played[0].save(
            path, format="GIF", save_all=True, append_images=played[1:], duration=FRAME_MS, loop=0
        ),
    )
    return len(played)


def enlarged(picture: Float[Tensor, "3 h w"], size: int) -> Image.Image:
    """A picture in [0, 1] at `size` pixels, bicubic."""
    pixels = (picture.permute(1, 2, 0).cpu().numpy().clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)


def fitting(text: str, room: float) -> str:
    """As much of a text as fits into `room` pixels; what is cut off shows as two dots."""
    if _font().getlength(text) <= room:
        return text
    while text and _font().getlength(text + "..") > room:
        text = text[:-1]
    return text + ".."


@cache
def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(TEXT)
