"""Membership of style channels in parts, against the formula written out."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor

from datasets.streams import generator
from methods.ris.catalogue import PARTS
from methods.ris.membership import (
    hard_membership,
    kept,
    part_energies,
    part_masks,
    soft_membership,
    straight_through,
)

SIZES = [6, 6, 5, 4, 4, 3]
RGB = [False, True, False, False, True, False]


def layers(batch: int = 3) -> list[Tensor]:
    """Activations of layers of 4 to 16 px."""
    rng = generator(0, "layers")
    sides = [4, 4, 4, 8, 8, 16]
    shapes = [(batch, size, side, side) for size, side in zip(SIZES, sides, strict=True)]
    return [torch.from_numpy(2 * rng.standard_normal(shape) + 1).float() for shape in shapes]


def cells(batch: int = 3) -> Tensor:
    """The part of each of 8 x 8 cells, in patches; no image has all parts."""
    patches = generator(1, "cells").integers(0, len(PARTS) - 1, (batch, 2, 2))
    return torch.from_numpy(patches.repeat(4, axis=1).repeat(4, axis=2))


def resized(mask: np.ndarray, side: int) -> np.ndarray:
    """Bilinear, pixel centres aligned as by align_corners=False, the border repeated."""
    places = (np.arange(side) + 0.5) * len(mask) / side - 0.5
    return map_coordinates(mask, np.meshgrid(places, places, indexing="ij"), order=1, mode="nearest")


def written_out(activations: list[Tensor], parts: Tensor) -> np.ndarray:
    """Softmax at temperature 0.1 of masked means of normalised squares, one number at a time."""
    images = []
    for image in range(len(parts)):
        energy = []
        for layer in activations:
            for channel in layer[image].double().numpy():
                squares = ((channel - channel.mean()) / np.sqrt(channel.var() + 1e-5)) ** 2
                masks = [(parts[image].numpy() == part).astype(float) for part in range(8)]
                energy.append([(squares * resized(mask, len(channel))).sum() / channel.size for mask in masks])
        exponents = np.exp(np.array(energy).T / 0.1)
        images.append(exponents / exponents.sum(axis=0))
    return np.stack(images)


def soft(activations: list[Tensor], parts: Tensor) -> Tensor:
    return soft_membership([part_energies(layer, part_masks(parts)) for layer in activations])


def test_the_formula() -> None:
    found = soft(layers(), cells())
    assert found.shape == (3, 8, sum(SIZES))
    np.testing.assert_allclose(found.numpy(), written_out(layers(), cells()), atol=2e-5)


def test_an_image_does_not_depend_on_its_batch() -> None:
    whole = soft(layers(), cells())
    for image in range(3):
        single = soft([layer[image : image + 1] for layer in layers()], cells()[image : image + 1])
        torch.testing.assert_close(single[0], whole[image])


def test_to_rgbs_and_pose_are_left_out() -> None:
    keep = kept(SIZES, RGB)
    layer = np.repeat(np.arange(6), SIZES)
    for index, part in enumerate(PARTS):
        expected = np.isin(layer, [0, 2, 3, 5] if part == "hair" else [5])
        np.testing.assert_array_equal(keep[index].numpy(), expected, err_msg=part)


def test_the_first_2048_channels_at_full_size() -> None:
    sizes = [512] * 15 + [256] * 3 + [128] * 3 + [64] * 3 + [32] * 2
    rgb = [index in range(1, 26, 3) for index in range(26)]
    keep = kept(sizes, rgb)
    assert keep.shape == (8, 9088)
    nose, hair = keep[PARTS.index("nose")], keep[PARTS.index("hair")]
    assert not nose[:2048].any()
    assert hair[:512].all()
    assert not hair[512:1024].any()
    assert torch.equal(nose[2048:], hair[2048:])
    assert int(nose.sum()) == 9088 - 2048 - (3 * 512 + 512 + 256 + 128 + 64 + 32)


def test_threshold() -> None:
    shares = torch.tensor([0.79, 0.8, 0.81, 1.0]).repeat(1, 8, 1)
    keep = torch.ones(8, 4, dtype=torch.bool)
    keep[0, 3] = False
    hard = hard_membership(shares, keep)
    assert hard[0, 1].tolist() == [0, 0, 1, 1]
    assert hard[0, 0].tolist() == [0, 0, 1, 0]
    assert hard.dtype == torch.float32


def test_straight_through_has_the_hard_values_and_the_soft_gradient() -> None:
    activations = [layer.requires_grad_() for layer in layers()]
    keep = kept(SIZES, RGB)
    shares = soft(activations, cells())
    through = straight_through(shares, keep)
    assert torch.equal(through, hard_membership(shares, keep))
    weights = torch.from_numpy(generator(2, "weights").standard_normal(shares.shape)).float()
    found = torch.autograd.grad((through * weights).sum(), activations, retain_graph=True)
    expected = torch.autograd.grad((shares * weights * keep).sum(), activations)
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        torch.testing.assert_close(one, other)
        assert bool(one.any()) != RGB[index]


@pytest.mark.parametrize("part", range(8))
def test_a_mask_per_part(part: int) -> None:
    assert torch.equal(part_masks(cells())[:, part], (cells() == part).float())
