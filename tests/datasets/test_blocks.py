"""Images as networks take them, and blocks of them in the order asked for."""

import numpy as np
import torch

from datasets.base import Silent
from datasets.blocks import blocks, to_float, unit
from datasets.streams import generator

IMAGES = generator(0, "test", "blocks").integers(0, 256, (7, 5, 5, 3), dtype=np.uint8)


def test_bytes_become_shares_of_255_with_channels_first() -> None:
    found = to_float(IMAGES)
    assert found.shape == (7, 3, 5, 5)
    assert found.dtype == torch.float32
    assert found[2, 1, 3, 4].item() == np.float32(IMAGES[2, 3, 4, 1]) / np.float32(255)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(unit(torch.from_numpy(IMAGES)), found), "the way of a GPU gives the same bits"


def test_blocks_hold_the_chosen_images_in_their_order() -> None:
    chosen = np.array([6, 0, 3, 3, 1])
    found = list(blocks(IMAGES, chosen, 2, device="cpu", progress=Silent(), what="test"))
    assert [indices.tolist() for indices, _ in found] == [[6, 0], [3, 3], [1]]
    assert torch.equal(torch.cat([images for _, images in found]), to_float(IMAGES[chosen]))
    assert list(blocks(IMAGES, chosen[:0], 2, device="cpu", progress=Silent(), what="test")) == []
