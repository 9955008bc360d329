"""Maps of every method that gives them: over the whole image, each where the image has it."""

from typing import Any

import pytest
import torch

from bench.grid.catalogue import METHODS
from datasets.errors import NotApplicable
from methods.base import Method
from methods.baselines import RawPixels
from methods.timm_backbone import TimmBackbone, TimmConfig
from methods.vqvae.method import VQVAE, VQVAEConfig
from tasks.interpreter.features import stacked

SIDE = 64
# Channels and sides of the maps in the smoke profile.
EXPECTED = {
    "raw_pixels": [(3, 64), (2, 64)],
    "vqvae": [(8, 32), (8, 16), (8, 16), (8, 16)],
    "stylegan2_e4e": [(16, 4), (16, 4), (16, 8), (16, 8), (16, 16), (16, 16), (16, 32), (16, 32), (8, 64), (8, 64)],
    "pdr": [(nf * 2**level, 32 // 2**level) for nf in (16, 16) for level in range(4)],
    "pdr_unet_joint": [(32 * 2**level, 64 // 2**level) for level in range(5)],
}


def built(name: str, **settings: Any) -> Method:
    entry = METHODS.get(name)
    cls: type[Method] = entry.load()
    torch.manual_seed(0)
    method = cls(cls.Config(**{**entry.preset, **cls.for_profile("smoke", "faces"), **settings}))
    if method.module is not None:
        method.module.eval()
    return method


@pytest.mark.parametrize("name", EXPECTED)
@torch.inference_mode()
def test_sizes_of_the_maps(name: str) -> None:
    maps = built(name).pixel_features(torch.rand(2, 3, SIDE, SIDE))
    assert [(one.shape[1], one.shape[-1]) for one in maps] == EXPECTED[name]
    assert all(len(one) == 2 and torch.isfinite(one).all() for one in maps)


@pytest.mark.parametrize("name", ["vqvae", "pdr", "pdr_unet_joint", "raw_pixels"])
@torch.inference_mode()
def test_a_map_shows_a_thing_where_the_image_has_it(name: str) -> None:
    method = built(name)
    plain = torch.full((1, 3, SIDE, SIDE), 0.5)
    marked = plain.clone()
    marked[:, :, 40:56, 8:24] = torch.tensor([1.0, 0.0, 1.0])[:, None, None]
    for before, after in zip(method.pixel_features(plain), method.pixel_features(marked), strict=True):
        change = (stacked([after], SIDE) - stacked([before], SIDE)).square().sum(dim=1)[0]
        if after.shape[-1] < 16 or not change.any():
            continue
        rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        centre = [float((change * at).sum() / change.sum()) for at in (rows, columns)]
        assert centre == pytest.approx([47.5, 15.5], abs=3.0)


def test_places_of_pixels() -> None:
    _, place = RawPixels().pixel_features(torch.rand(2, 3, 4, 4))
    assert place.shape == (2, 2, 4, 4)
    assert place[0, :, 0, 3].tolist() == [1.0, -1.0], "column, row"


def test_a_window_has_no_maps_of_the_whole_image() -> None:
    method = VQVAE(VQVAEConfig(width=8, codes=8, crop=(8, 14, 100, 100)))
    with pytest.raises(NotApplicable, match="window of the image"):
        method.pixel_features(torch.rand(1, 3, SIDE, SIDE))


@torch.inference_mode()
def test_a_backbones_stages() -> None:
    method = TimmBackbone(TimmConfig(model="resnet18", pretrained=False, input_size=64))
    method.module.eval()
    maps = method.pixel_features(torch.rand(1, 3, SIDE, SIDE))
    assert [one.shape[1] for one in maps] == [64, 64, 128, 256, 512]
