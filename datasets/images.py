"""How an image file becomes an array: one decoder for every dataset and for a user's own pictures.

The whole image is resized to a square by bilinear interpolation with antialiasing, which is what torchvision's
`Resize((size, size))` does to a PIL image. Grey images become three equal channels, deeper ones are scaled to 8 bits,
and what is transparent becomes white. EXIF orientation is ignored in the official layouts, as in the loaders of the
datasets' authors; a user's own pictures are turned upright. A photograph to render is also cut to a square.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image

from datasets.files import regular_size

# What counts as an image in a folder; anything else there (Thumbs.db, .DS_Store, notes) is not looked at.
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

# How far floating point numbers may overshoot 0 to 1, as rounding and resampling make them.
_SLACK = 1e-3
# What undoes each EXIF orientation but the upright one. (Of a TIFF, Pillow does so itself.)
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# TIFF tags: bits per sample, and whether 0 is black or white.
_BITS, _PHOTOMETRIC = 258, 262

Box = tuple[int, int, int, int]


class Unreadable(Exception):
    """An image that cannot be decoded; `str(error)` says why."""


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for an image: a known suffix, not hidden."""
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and not name.startswith(".") and (dot + suffix).lower() in SUFFIXES


def read_image(
    path: Path, size: int, crop: Box | None = None, *, upright: bool = False
) -> UInt8[np.ndarray, "size size 3"]:
    """Decode `path`, cut out `crop` (left, upper, right, lower; pixels), resize to `size` x `size`; RGB, 0 to 255.

    `upright` turns the picture as its EXIF orientation says. A JPEG is decoded in full and then resized: decoding at a
    reduced scale is faster and gives other values.

    Raises
    ------
    Unreadable
        When the file is no image, damaged, truncated, absent or no regular file, or holds numbers of no known range.
    """
    with _decoded(path) as image:
        rgb = _turned(_rgb(image), image) if upright else _rgb(image)
        # A `box` given to resize would interpolate across the crop's border.
        square = (rgb.crop(crop) if crop else rgb).resize((size, size), Image.Resampling.BILINEAR)
        return np.array(square, dtype=np.uint8)


def read_photograph(path: Path, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Decode a user's own photograph, turn it upright (EXIF), cut out the largest centred square, and resize that to
    `size` x `size` as `read_image` does; RGB, 0 to 255.

    Raises `Unreadable` as `read_image` does, and where a side is shorter than `size`.
    """
    with _decoded(path) as image:
        rgb = _turned(_rgb(image), image)
    side = min(rgb.size)
    if side < size:
        raise Unreadable(f"{rgb.width} x {rgb.height} pixels, too small: expected at least {size} x {size}")
    left, upper = (rgb.width - side) // 2, (rgb.height - side) // 2
    square = rgb.crop((left, upper, left + side, upper + side))
    return np.array(square.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def read_mask(path: Path, size: int) -> UInt8[np.ndarray, "size size"]:
    """Decode `path` as one grey channel, resized to `size` x `size` by nearest neighbour; 0 to 255. What is transparent
    is 0, outside the mask.

    Raises `Unreadable` as `read_image` does.
    """
    with _decoded(path) as image:
        grey = _opaque(image, "black").convert("L")
        return np.array(grey.resize((size, size), Image.Resampling.NEAREST), dtype=np.uint8)


@contextmanager
def _decoded(path: Path) -> Iterator[Image.Image]:
    """The decoded image, closed afterwards; whatever is wrong with the file is `Unreadable`."""
    try:
        regular_size(path)
        with Image.open(path) as image:
            deep = image.format == "PNG" and "16B" in str(image.tile)
            image.load()
            transparent = image.info.get("transparency")
            if deep and isinstance(transparent, tuple):  # a colour of 16 bits, where Pillow has made the pixels 8
                image.info["transparency"] = tuple(value >> 8 for value in transparent)
            yield image
    except Unreadable:
        raise
    except Exception as error:  # Pillow's decoders raise errors of a dozen types on damaged bytes
        raise Unreadable(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error


def _turned(image: Image.Image, original: Image.Image) -> Image.Image:
    """The image upright, as the EXIF orientation of its original says; as it is where the EXIF data is damaged."""
    try:
        turn = _TURNS.get(original.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # the pixels are sound, and the parser raises whatever the bytes lead it to
        turn = None
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    """The image in RGB, what is transparent on white."""
    return _opaque(image, "white").convert("RGB")


def _opaque(image: Image.Image, background: str) -> Image.Image:
    """The image at 8 bits, over `background` where it is transparent."""
    shallow = _eight_bit(image)
    if not shallow.has_transparency_data:
        return shallow
    picture = shallow.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, background), picture)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits scaled to 8, which Pillow's own conversion would clip to white or to black.

    Whole numbers are scaled by the range that the file format declares, floating point numbers from 0 to 1; others are
    `Unreadable`, since their range is anyone's guess.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    values = np.asarray(image, dtype=np.float64)
    top = _white(image)
    if not (values.min() >= -_SLACK * top and values.max() <= (1 + _SLACK) * top):  # not a number is neither
        raise Unreadable(f"values from {values.min():g} to {values.max():g}, expected 0 to {top:g}")
    if _tag(image, _PHOTOMETRIC) == 0:  # TIFF's "white is zero"
        values = top - values
    scaled = Image.fromarray((values / (top / 255)).round().clip(0, 255).astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is not None:  # the one value that a PNG declares to be
        scaled.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return scaled


def _white(image: Image.Image) -> float:
    """The number that means white in an image of mode F or I."""
    if image.mode == "F":
        return 1.0
    if image.mode.startswith("I;16"):
        return 4095.0 if _tag(image, _BITS) == (12,) else 65535.0
    if image.format in ("PNG", "PPM"):  # of 16 bits at most, which Pillow has scaled to 16
        return 65535.0
    raise Unreadable(
        "signed or 32-bit whole numbers, expected at most 16 bits without a sign, or floating point 0 to 1"
    )


def _tag(image: Image.Image, number: int) -> object:
    """A TIFF file's tag, or None."""
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(number)
