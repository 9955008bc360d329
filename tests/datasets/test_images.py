"""Decoding: torchvision's resize, grey and palette images, EXIF, damage."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from datasets.images import Unreadable, is_image, read_image, read_mask, read_photograph
from methods.torchvision_compat import declare_missing_operators


def test_resizing_equals_torchvisions_on_a_pil_image(draw, tmp_path: Path) -> None:
    declare_missing_operators()
    from torchvision.transforms import InterpolationMode, Resize

    path = draw(tmp_path / "a.jpg", size=(178, 218))
    expected = Resize((64, 64), InterpolationMode.BILINEAR, antialias=True)(Image.open(path))
    np.testing.assert_array_equal(read_image(path, 64), np.asarray(expected))


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", "png"), ("L", "pgm"), ("P", "png"), ("CMYK", "jpg"), ("RGBA", "png")]
)
def test_every_mode_becomes_rgb(draw, tmp_path: Path, mode: str, suffix: str) -> None:
    image = read_image(draw(tmp_path / f"a.{suffix}", mode=mode), 8)
    assert image.shape == (8, 8, 3)
    assert image.dtype == np.uint8
    if mode == "L":
        assert (image == image[..., :1]).all()
    assert image.std() > 5


def test_the_orientation_in_exif_is_ignored(draw, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    turned = draw(tmp_path / "turned.jpg", exif=exif)
    plain = draw(tmp_path / "plain.jpg")
    np.testing.assert_array_equal(read_image(turned, 16), read_image(plain, 16))


def test_a_crop_is_cut_before_the_resize(tmp_path: Path) -> None:
    pixels = np.full((20, 30, 3), 255, np.uint8)
    pixels[5:15, 10:20] = 40
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", 4, crop=(10, 5, 20, 15)) == 40).all()


def test_damage_is_unreadable_with_a_reason(draw, truncate, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("not an image")
    broken = [
        truncate(draw(tmp_path / "cut.jpg", size=(200, 200))),
        truncate(draw(tmp_path / "cut.png", size=(200, 200))),
        tmp_path / "empty.jpg",
        tmp_path / "text.png",
        tmp_path / "absent.png",
    ]
    for path in broken:
        with pytest.raises(Unreadable, match=r".{5}"):
            read_image(path, 8)
        with pytest.raises(Unreadable):
            read_mask(path, 8)


def test_a_mask_is_resized_by_nearest_neighbour(tmp_path: Path) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8:] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    small = read_mask(tmp_path / "m.png", 5)
    assert set(np.unique(small)) == {0, 255}


def test_what_counts_as_an_image() -> None:
    assert is_image("a.JPG")
    assert is_image("24_0_1_20170116220224657 .jpg.chip.jpg")
    assert not is_image(".hidden.jpg")
    assert not is_image("Thumbs.db")
    assert not is_image("jpg")


def halves(size: tuple[int, int]) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return image


def test_a_photograph_is_upright_and_its_centred_square(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right
    halves((40, 16)).rotate(90, expand=True).save(tmp_path / "a.png", exif=exif)
    image = read_photograph(tmp_path / "a.png", 8)
    assert image.shape == (8, 8, 3)
    assert image.dtype == np.uint8
    assert (image[:, :3] == (255, 0, 0)).all()
    assert (image[:, 5:] == (0, 0, 255)).all()
    strips = Image.new("RGB", (40, 16), "red")
    strips.paste("lime", (12, 0, 28, 16))
    strips.save(tmp_path / "b.png")
    assert (read_photograph(tmp_path / "b.png", 16) == (0, 255, 0)).all()


def test_a_square_photograph_is_resized_as_a_datasets_image_is(draw, tmp_path: Path) -> None:
    path = draw(tmp_path / "a.jpg", size=(200, 200))
    np.testing.assert_array_equal(read_photograph(path, 64), read_image(path, 64))


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", "png"), ("1", "png"), ("P", "png"), ("CMYK", "jpg"), ("RGBA", "png"), ("LA", "png")]
)
def test_photographs_of_every_mode(tmp_path: Path, mode: str, suffix: str) -> None:
    halves((20, 20)).convert(mode).save(tmp_path / f"a.{suffix}")
    image = read_photograph(tmp_path / f"a.{suffix}", 8)
    assert image.shape == (8, 8, 3)
    assert image.std() > 5


def test_deep_grey_is_scaled_and_what_is_transparent_white(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 16, dtype=np.uint16).repeat(16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_photograph(tmp_path / "deep.png", 16)[..., 0], np.round(values / 257))
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    clear.paste((10, 20, 30, 255), (0, 0, 16, 8))
    clear.save(tmp_path / "clear.png")
    image = read_photograph(tmp_path / "clear.png", 16)
    assert (image[8:] == 255).all()
    assert (image[:8] == (10, 20, 30)).all()


def test_a_photograph_may_be_too_small_or_damaged(draw, truncate, tmp_path: Path) -> None:
    path = draw(tmp_path / "a.png", size=(30, 70))
    with pytest.raises(Unreadable, match="30 x 70 pixels, too small: expected at least 64 x 64"):
        read_photograph(path, 64)
    with pytest.raises(Unreadable, match=r".{5}"):
        read_photograph(truncate(draw(tmp_path / "cut.jpg", size=(200, 200))), 64)


GREY = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)


def save_twelve_bits(path: Path) -> None:
    """A TIFF of 12 bits per sample, three bytes for two pixels, which Pillow reads and does not write."""
    deep = (GREY.astype(np.float64) * 4095 / 255).round().astype(np.uint16).reshape(-1, 2)
    packed = np.stack([deep[:, 0] >> 4, (deep[:, 0] & 15) << 4 | deep[:, 1] >> 8, deep[:, 1] & 255], axis=1)
    tags = {256: 16, 257: 16, 258: 12, 259: 1, 262: 1, 273: 0, 277: 1, 278: 16, 279: packed.size}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    fields = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + fields + bytes(4)
    path.write_bytes(head + packed.astype(np.uint8).tobytes())


def save_grey(path: Path, kind: str) -> None:
    """`GREY` in one of the forms of more than 8 bits."""
    deep = GREY.astype(np.uint16) * 257
    if kind == "pgm":
        path.write_bytes(b"P5 16 16 65535\n" + deep.astype(">u2").tobytes())
    elif kind == "pgm of 10 bits":
        path.write_bytes(b"P5 16 16 1023\n" + (GREY.astype(np.float64) * 1023 / 255).round().astype(">u2").tobytes())
    elif kind == "tif of 12 bits":
        save_twelve_bits(path)
    elif kind == "tif, white is zero":
        Image.fromarray(65535 - deep).save(path, "TIFF", tiffinfo={262: 0})
    elif kind == "float":
        Image.fromarray(GREY.astype(np.float32) / 255).save(path, "TIFF")
    else:
        order = ">u2" if kind == "tif, big end first" else "<u2"
        Image.fromarray(deep.astype(order)).save(path, "PNG" if kind == "png" else "TIFF")


@pytest.mark.parametrize(
    "kind",
    ["png", "tif", "tif, big end first", "tif, white is zero", "tif of 12 bits", "pgm", "pgm of 10 bits", "float"],
)
def test_deep_grey_decodes_as_its_8_bit_twin(tmp_path: Path, kind: str) -> None:
    save_grey(tmp_path / "deep.tif", kind)
    Image.fromarray(GREY).save(tmp_path / "twin.png")
    twin = read_image(tmp_path / "twin.png", 16).astype(int)
    for read in (read_image, read_photograph):
        assert abs(read(tmp_path / "deep.tif", 16).astype(int) - twin).max() <= 1
    assert abs(read_mask(tmp_path / "deep.tif", 16).astype(int) - twin[..., 0]).max() <= 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (GREY.astype(np.float32), "values from 0 to 255, expected 0 to 1"),
        (GREY.astype(np.float32) / 255 - 0.5, "values from -0.5 to 0.5, expected 0 to 1"),
        (np.full((16, 16), np.nan, np.float32), "values from nan to nan"),
        (GREY.astype(np.int32), "32-bit whole numbers"),
        (GREY.astype(np.int32) * 70_000, "32-bit whole numbers"),
    ],
)
def test_numbers_of_no_known_range_are_unreadable(tmp_path: Path, values: np.ndarray, reason: str) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    for read in (read_image, read_photograph, read_mask):
        with pytest.raises(Unreadable, match=reason):
            read(tmp_path / "a.tif", 8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "16 bits", "colours of 16 bits"])
def test_what_is_transparent_is_white_and_no_part_of_a_mask(tmp_path: Path, mode: str) -> None:
    hidden = GREY.copy()
    hidden[:8] = 40
    alpha = np.zeros((16, 16), np.uint8)
    alpha[:8] = 255
    if mode == "16 bits":
        hidden[8:] = 200
        Image.fromarray(hidden.astype(np.uint16) * 257).save(tmp_path / "a.png", transparency=200 * 257)
    elif mode == "colours of 16 bits":
        hidden[8:] = 200
        rows = b"".join(b"\0" + (row.repeat(3).astype(np.uint16) * 257).astype(">u2").tobytes() for row in hidden)
        parts = [(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)), (b"tRNS", struct.pack(">H", 51400) * 3)]
        parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
        chunks = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in parts)
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    elif mode == "P":
        hidden[8:] = 3
        Image.fromarray(hidden).convert("P").save(tmp_path / "a.png", transparency=3)
    else:
        Image.merge("LA", (Image.fromarray(hidden), Image.fromarray(alpha))).convert(mode).save(tmp_path / "a.png")
    for read in (read_image, read_photograph):
        image = read(tmp_path / "a.png", 16)
        assert (image[8:] == 255).all()
        assert (abs(image[:8].astype(int) - 40) <= 1).all()
    assert (read_mask(tmp_path / "a.png", 16)[8:] == 0).all()


def test_opaque_alpha_changes_nothing(draw, tmp_path: Path) -> None:
    Image.open(draw(tmp_path / "a.png")).convert("RGBA").save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", 16), read_image(tmp_path / "b.png", 16))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_users_picture_is_turned_upright(draw, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = draw(tmp_path / "a.png", size=(16, 16), exif=exif)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_image(path, 16, upright=True), upright)
    np.testing.assert_array_equal(read_photograph(path, 16), upright)
    turned = (read_image(path, 16, upright=True) != read_image(path, 16)).any()
    assert turned == (orientation > 1)


def test_damaged_exif_leaves_the_picture_as_it_is(draw, tmp_path: Path) -> None:
    plain = read_image(draw(tmp_path / "a.jpg"), 16)
    for exif in (b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0"):
        damaged = draw(tmp_path / "b.jpg", exif=exif)
        np.testing.assert_array_equal(read_image(damaged, 16, upright=True), plain)


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device", "link"])
def test_what_is_no_regular_file_is_unreadable_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "/nowhere/a.png")
    for read in (read_image, read_photograph, read_mask):
        with pytest.raises(Unreadable, match=kind):
            read(path, 8)
