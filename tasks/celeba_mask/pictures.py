"""Segmentations for the eye: image, true parts and predicted parts side by side, with a legend of the colours."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from tasks.contact_sheet import LINE, contact_sheet, font, panel, web_colour
from tasks.results import Legend, Picture

# Classes in the colours of CelebAMask-HQ's own code (Lee et al., 2020), in their order; black is the background.
COLOURS = np.array(
    [
        *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255)),
        *((255, 204, 204), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153), (0, 0, 204)),
        *((255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 0), (0, 204, 0)),
    ],
    dtype=np.uint8,
)

COLUMNS = ("input", "truth", "prediction")
PREDICTED = "Test images, their true parts and the predicted ones, with a legend of the colours."
LEGEND = 130  # pixels of the legend's width


def mask_pictures(
    images: UInt8[np.ndarray, "n s s 3"],
    truth: UInt8[np.ndarray, "n s s"],
    predicted: UInt8[np.ndarray, "n s s"],
    classes: Sequence[str],
) -> UInt8[np.ndarray, "h w 3"]:
    """A contact sheet with one row per image: the image, its true and its predicted parts.

    The legend has the classes that occur in either; a class beyond the known colours wraps around to the first ones.
    """
    columns = dict(zip(COLUMNS, (images, coloured(truth), coloured(predicted)), strict=True))
    pictures, shown = contact_sheet(columns), np.union1d(truth, predicted)
    page = Image.new("RGB", (pictures.width + LEGEND, max(pictures.height, LINE * (len(shown) + 1))), "white")
    page.paste(pictures)
    draw = ImageDraw.Draw(page)
    for line, number in enumerate(shown):
        top, left = LINE * (line + 1), pictures.width + 6
        draw.rectangle((left, top + 2, left + 9, top + 11), fill=tuple(coloured(number).tolist()))
        draw.text((left + 16, top + 1), classes[number], fill="black", font=font())
    return np.asarray(page)


def mask_picture(
    images: UInt8[np.ndarray, "n s s 3"],
    truth: UInt8[np.ndarray, "n s s"],
    predicted: UInt8[np.ndarray, "n s s"],
    classes: Sequence[str],
    frames: Sequence[int],
) -> Picture:
    """`mask_pictures` for the report, of the images at `frames` of their dataset."""
    shown = np.union1d(truth, predicted)
    return Picture(
        mask_pictures(images, truth, predicted, classes),
        PREDICTED,
        panels=(panel(dict.fromkeys(COLUMNS, images), names=[f"image {frame}" for frame in frames]),),
        legend=Legend(
            tuple(classes[number] for number in shown),
            tuple(web_colour(*coloured(number).tolist()) for number in shown),
        ),
    )


def coloured(parts: UInt8[np.ndarray, "*shape"] | np.uint8) -> UInt8[np.ndarray, "*shape 3"]:
    """Class numbers as colours."""
    return np.asarray(COLOURS[np.asarray(parts) % len(COLOURS)])
