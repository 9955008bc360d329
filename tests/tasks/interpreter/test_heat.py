"""Heat maps: visible keypoints alone, and the first of equal places."""

import torch

from tasks.interpreter.heat import heat_maps, hottest


def test_invisible_keypoints_leave_no_heat() -> None:
    keypoints = torch.tensor([[[2.0, 5.0], [1.0, 1.0]]])
    heat = heat_maps(keypoints, torch.tensor([[True, False]]), 8, 1.0)
    assert heat[0, 0, 5, 2] == 1
    assert heat[0, 1].abs().max() == 0
    assert hottest(heat).tolist() == [[[2, 5], [0, 0]]]


def test_of_equal_places_the_first_row_by_row() -> None:
    heat = torch.zeros(1, 1, 4, 4)
    heat[0, 0, 2, 3] = heat[0, 0, 3, 0] = 1.0
    assert hottest(heat).tolist() == [[[3, 2]]]
