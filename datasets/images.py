"""How an image file becomes an array: the same for every dataset.

The whole image is resized to a square by bilinear interpolation with antialiasing, which is what torchvision's
`Resize((size, size))` does to a PIL image. EXIF orientation is ignored and grey images become three equal channels,
as in the loaders of the datasets' authors. A photograph that a user hands in is no benchmark: it is turned upright and
cut to a square.
"""

import struct
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

# What counts as an image in a folder; anything else there (Thumbs.db, .DS_Store, notes) is not looked at.
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

# Whatever Pillow's decoders raise on damaged bytes.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, Image.DecompressionBombError)

Box = tuple[int, int, int, int]


class Unreadable(Exception):
    """An image that cannot be decoded; `str(error)` says why."""


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for an image: a known suffix, not hidden."""
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and not name.startswith(".") and (dot + suffix).lower() in SUFFIXES


def read_image(path: Path, size: int, crop: Box | None = None) -> UInt8[np.ndarray, "size size 3"]:
    """Decode `path`, cut out `crop` (left, upper, right, lower; pixels), resize to `size` x `size`; RGB, 0 to 255.

    A JPEG is decoded in full and then resized: decoding at a reduced scale is faster and gives other values.

    Raises
    ------
    Unreadable
        When the file is no image, damaged, truncated or absent.
    """
    try:
        with Image.open(path) as image:
            rgb = image.convert("RGB")
            # A `box` given to resize would interpolate across the crop's border.
            square = (rgb.crop(crop) if crop else rgb).resize((size, size), Image.Resampling.BILINEAR)
            return np.array(square, dtype=np.uint8)
    except _DAMAGE as error:
        raise Unreadable(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error


def read_photograph(path: Path, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Decode a user's own photograph, turn it upright (EXIF), cut out the largest centred square, and resize that to
    `size` x `size` as `read_image` does; RGB, 0 to 255. What is transparent becomes white.

    Raises `Unreadable` as `read_image` does, and where a side is shorter than `size`.
    """
    try:
        with Image.open(path) as image:
            upright = _eight_bit(ImageOps.exif_transpose(image))
            if upright.has_transparency_data:
                opaque = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
            rgb = upright.convert("RGB")
    except _DAMAGE as error:
        raise Unreadable(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
    side = min(rgb.size)
    if side < size:
        raise Unreadable(f"{rgb.width} x {rgb.height} pixels, too small: expected at least {size} x {size}")
    left, upper = (rgb.width - side) // 2, (rgb.height - side) // 2
    square = rgb.crop((left, upper, left + side, upper + side))
    return np.array(square.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of 16 bits (PNG, TIFF) as 8 bits, which Pillow's own conversion would clip instead of scaling."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image, dtype=np.float64) / 257).round().clip(0, 255).astype(np.uint8))


def read_mask(path: Path, size: int) -> UInt8[np.ndarray, "size size"]:
    """Decode `path` as one grey channel, resized to `size` x `size` by nearest neighbour; 0 to 255.

    Raises `Unreadable` as `read_image` does.
    """
    try:
        with Image.open(path) as image:
            return np.array(image.convert("L").resize((size, size), Image.Resampling.NEAREST), dtype=np.uint8)
    except _DAMAGE as error:
        raise Unreadable(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
