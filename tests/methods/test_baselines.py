"""The rows without learning."""

import numpy as np
import torch

from datasets.blocks import to_float
from datasets.streams import generator
from methods.baselines import Chance, RawPixels


def images(count: int, name: str = "test") -> torch.Tensor:
    return to_float(generator(0, name).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8))


def test_raw_pixels_are_the_image() -> None:
    batch = images(3)
    features = RawPixels().encode(batch)
    assert features.shape == (3, 64 * 64 * 3)
    assert torch.equal(features.view(3, 3, 64, 64), batch)


def test_chance_is_standard_normal() -> None:
    features = Chance().encode(images(200))
    assert features.shape == (200, 64)
    assert features.dtype == torch.float32
    assert abs(features.mean().item()) < 0.03
    assert abs(features.std().item() - 1) < 0.03


def test_chance_depends_on_the_image_alone() -> None:
    """Not on the batch, its order or its memory layout."""
    batch, chance = images(5), Chance()
    together = chance.encode(batch)
    apart = torch.cat([chance.encode(image[None].contiguous()) for image in batch.flip(0)]).flip(0)
    assert torch.equal(together, apart)


def test_every_seed_has_chance_of_its_own() -> None:
    batch, features = images(50), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        features.append(Chance().encode(batch))
    assert torch.equal(features[0], features[1])
    assert abs(torch.corrcoef(torch.stack([features[1].ravel(), features[2].ravel()]))[0, 1].item()) < 0.1


def test_chance_knows_nothing_of_likeness() -> None:
    """Images that differ in one value of one pixel are as far apart as any two."""
    image = images(1)
    other = image.clone()
    other[0, 1, 30, 30] += 1 / 255
    first, second = Chance().encode(torch.cat([image, other]))
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1].item()) < 0.5
