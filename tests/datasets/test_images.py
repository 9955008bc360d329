"""Decoding: torchvision's resize, grey and palette images, EXIF, damage."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
