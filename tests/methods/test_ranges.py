"""The two ranges of images."""

import torch

from methods.ranges import signed, unsigned


def test_one_leads_back_to_the_other_and_excess_is_cut_off() -> None:
    images = torch.tensor([0.0, 0.25, 1.0]).view(1, 3, 1, 1)
    assert signed(images).flatten().tolist() == [-1.0, -0.5, 1.0]
    assert torch.equal(unsigned(signed(images)), images)
    assert unsigned(torch.tensor([-1.5, 0.0, 1.5]).view(1, 3, 1, 1)).flatten().tolist() == [0.0, 0.5, 1.0]
