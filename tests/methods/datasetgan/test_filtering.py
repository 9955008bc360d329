"""Which images are dropped, and which small regions."""

import numpy as np
import torch

from methods.datasetgan.filtering import image_scores, kept, score_array, without_specks


def test_scores_of_an_image() -> None:
    uncertainty = torch.zeros(2, 4, 5)
    uncertainty[0, 0, :2] = 1.0
    uncertainty[1] = 0.2
    assert image_scores(uncertainty, "mean").tolist() == [0.1, np.float32(0.2)]
    # Two of twenty pixels are the most uncertain tenth; of fewer than ten pixels the most uncertain one counts.
    assert image_scores(uncertainty, "top10").tolist() == [1.0, np.float32(0.2)]
    assert score_array(uncertainty[:, :1, :3], "top10").tolist() == [1.0, np.float32(0.2)]


def test_the_share_that_is_dropped_is_not_lost_to_rounding() -> None:
    scores = np.arange(30, dtype=np.float64)
    assert kept(scores, 0.1).tolist() == list(range(27))
    assert len(kept(np.arange(10.0), 0.7)) == 3
    assert len(kept(np.arange(100.0), 0.29)) == 71
    assert kept(scores, 0.0).tolist() == list(range(30))


def test_specks_become_background_image_by_image() -> None:
    parts = torch.zeros(2, 4, 4, dtype=torch.uint8)
    parts[0, 0, :3] = 1
    parts[1, :, :] = 1
    parts[1, 0, 0] = 60
    cleaned = without_specks(parts, 4)
    assert cleaned[0].max() == 0
    assert (cleaned[1] == parts[1]).all(), "classes from 50 on stay, as in the released code"
    assert parts[0].max() == 1, "the map given stays as it is"
