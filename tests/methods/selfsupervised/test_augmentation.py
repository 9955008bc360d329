"""Ordinary augmentations: what each changes, an image's numbers are its own, and the generator is all chance."""

import pytest
import torch
from kornia.color import rgb_to_grayscale

from methods.selfsupervised.augmentation import Augmentation

MANY = 512


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """A smooth picture, brighter to the right and redder to the bottom, many times."""
    place = torch.linspace(0.1, 0.9, 64)
    one = torch.stack([place[:, None].expand(64, 64), place.expand(64, 64), torch.full((64, 64), 0.3)])
    return one.expand(MANY, -1, -1, -1).contiguous()


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def changed(views: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return (views - images).flatten(1).abs().amax(dim=1) > 1e-4


def test_nothing_but_mirroring_is_left_at_zero(images: torch.Tensor) -> None:
    views = Augmentation(crop=1.0, colour=0.0, blur=False)(images, chance())
    grey = (views[:, 0] - views[:, 2]).flatten(1).abs().amax(dim=1) < 1e-6
    mirrored = ~grey & changed(views, images)
    torch.testing.assert_close(views[mirrored], images[mirrored].flip(3), atol=1e-5, rtol=0)
    assert 0.42 < mirrored[~grey].float().mean() < 0.58
    assert 0.14 < grey.float().mean() < 0.26
    torch.testing.assert_close(
        views[grey].mean(dim=3), rgb_to_grayscale(images[grey]).expand(-1, 3, -1, -1).mean(dim=3)
    )


def test_crops_show_a_share_of_the_image(images: torch.Tensor) -> None:
    views = Augmentation(crop=0.25, colour=0.0, blur=False)(images, chance())
    coloured = views[(views[:, 0] - views[:, 2]).flatten(1).abs().amax(dim=1) > 1e-6]
    span = [coloured[:, channel].flatten(1).amax(1) - coloured[:, channel].flatten(1).amin(1) for channel in (0, 1)]
    shares = span[0] * span[1] / 0.8**2
    assert 0.2 < shares.min() < 0.3, "the least crop is a quarter of the image"
    assert 0.9 < shares.max() <= 1.001
    assert 0.55 < shares.mean() < 0.7
    ratios = span[1] / span[0]
    assert 0.7 < ratios.min() < 0.85
    assert 1.2 < ratios.max() < 1.4


def test_colours_change_in_most_views(images: torch.Tensor) -> None:
    plain = Augmentation(crop=1.0, colour=0.0, blur=False)(images, chance())
    views = Augmentation(crop=1.0, colour=1.0, blur=False)(images, chance())
    assert 0.74 < changed(views, plain).float().mean() < 0.86
    assert 0 <= views.min() <= views.max() <= 1
    weak = Augmentation(crop=1.0, colour=0.1, blur=False)(images, chance())
    assert (weak - plain).abs().max() < 0.3 < (views - plain).abs().max()


def test_half_are_blurred() -> None:
    noise = torch.rand(MANY, 3, 64, 64, generator=chance())
    plain, views = (Augmentation(crop=1.0, colour=0.0, blur=blur)(noise, chance()) for blur in (False, True))
    assert 0.4 < changed(views, plain).float().mean() < 0.6
    assert (views.flatten(1).std(dim=1) <= plain.flatten(1).std(dim=1) + 1e-5).all()


def test_the_generator_is_all_that_decides(images: torch.Tensor) -> None:
    augment, few = Augmentation(crop=0.08, colour=1.0, blur=True), images[:16]
    torch.manual_seed(0)
    first = augment(few, chance())
    torch.manual_seed(1)
    assert torch.equal(augment(few, chance()), first)
    assert changed(augment(few, chance(1)), first).all()
    assert len(first.unique(dim=0)) == 16, "every image has numbers of its own"


def test_an_image_is_changed_without_regard_to_its_neighbours(images: torch.Tensor) -> None:
    augment, few = Augmentation(crop=0.08, colour=1.0, blur=True), images[:8]
    others = torch.cat([few[:1], torch.rand(7, 3, 64, 64, generator=chance(2))])
    torch.testing.assert_close(augment(few, chance())[0], augment(others, chance())[0])


def test_autocast_does_not_reach_the_views(images: torch.Tensor) -> None:
    augment, few = Augmentation(crop=0.08, colour=1.0, blur=True), images[:8]
    with torch.autocast("cpu", torch.bfloat16):
        views = augment(few, chance())
    assert views.dtype == torch.float32
    assert torch.equal(views, augment(few, chance()))
