"""Where each encoder looks for an attribute, laid over the images."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw

from tasks.contact_sheet import LINE, as_bytes, contact_sheet, font, panel, web_colour
from tasks.results import Legend, Picture

STRENGTH = 0.65  # of the map, where it is largest
AGAINST, FOR = (0, 114, 178), (213, 94, 0)  # blue and vermilion, which the colour-blind tell apart too
GREY = (160, 160, 160)
BAR = 120  # pixels of the colour bar's width
TRUTH = {1: "yes", 0: "no", -1: "not known"}
PICTURED = (
    "The test images that the head is surest of, with the true label and the head's logit, and where each group's "
    "encoder looks: Grad-CAM at its last layer with places, before its cut at 0, so that what speaks against shows as "
    "well. Every map is scaled by its own largest absolute value."
)


def attribution_picture(
    images: UInt8[np.ndarray, "n s s 3"],
    maps: Mapping[str, Float[np.ndarray, "n s s"]],
    percent: Mapping[str, float],
    attribute: str,
    truth: Int[np.ndarray, " n"],
    logits: Float[np.ndarray, " n"],
) -> Picture:
    """A contact sheet with one row per image, called by its true label (-1: not known) and the head's logit: the image,
    and it again under each group's map, with a colour bar below.

    Each map is scaled by its own largest value, so colours compare places and not groups; those are told apart by
    their share, which stands above. A map that is 0 everywhere leaves the image as it is.
    """
    columns = {"input": images}
    columns |= {f"{name} {percent[name]:.0f} %": as_bytes(overlaid(images, values)) for name, values in maps.items()}
    title = f"{attribute}: the {len(images)} surest, Grad-CAM"
    rows = [f"{TRUTH[int(known)]}, logit {logit:+.2f}" for known, logit in zip(truth, logits, strict=True)]
    ends = (f"speaks against {attribute}", f"speaks for {attribute}")
    return Picture(
        np.asarray(_with_bar(contact_sheet(columns, title, rows), ends)),
        PICTURED,
        panels=(panel(columns, title, rows),),
        legend=Legend(ends, tuple(web_colour(*colour) for colour in (AGAINST, GREY, FOR)), bar=True),
    )


def overlaid(images: UInt8[np.ndarray, "n s s 3"], maps: Float[np.ndarray, "n s s"]) -> Float[np.ndarray, "n s s 3"]:
    """Images in [0, 1] under `FOR` where a map is positive and `AGAINST` where it is negative."""
    most = np.abs(maps).max(axis=(1, 2), keepdims=True)
    scaled = np.divide(maps, most, out=np.zeros_like(maps, dtype=np.float64), where=most > 0)[..., None]
    weight = STRENGTH * np.abs(scaled)
    return np.asarray((1 - weight) * (images / 255) + weight * np.where(scaled > 0, FOR, AGAINST) / 255)


def _with_bar(sheet: Image.Image, ends: Sequence[str]) -> Image.Image:
    """The sheet with a colour bar between its ends' names below."""
    draw = ImageDraw.Draw(sheet)
    left, right = (round(draw.textlength(end, font=font())) + 8 for end in ends)
    page = Image.new("RGB", (max(sheet.width, left + BAR + right), sheet.height + LINE + 4), "white")
    page.paste(sheet)
    middle = np.array([AGAINST, GREY, FOR]).T
    colours = np.stack([np.interp(np.linspace(0, 2, BAR), range(3), channel) for channel in middle], axis=1)
    page.paste(Image.fromarray(np.tile(colours.astype(np.uint8), (LINE - 6, 1, 1))), (left, sheet.height + 4))
    draw = ImageDraw.Draw(page)
    for text, place in zip(ends, (2, left + BAR + 6), strict=True):
        draw.text((place, sheet.height + 2), text, fill="black", font=font())
    return page
