"""Which batches DC-IGN is given: factors by their odds, each a stored batch."""

import numpy as np
import pytest

from datasets.controlled import FACTORS, ControlledBatches
from datasets.streams import generator
from methods.dcign.learner import FactorSampler, active_latents

# One azimuth batch, two elevation, three light, four intrinsic, of two images each.
FACTOR = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
STORED = ControlledBatches(np.arange(20).reshape(10, 2), FACTOR, np.zeros((20, 3)))


def test_every_batch_is_a_stored_one_of_the_factor_drawn() -> None:
    sampler = FactorSampler(STORED, (1, 1, 1, 10))
    drawn = sampler.draw(300, generator(0, "test"))
    factors = sampler.factors(300, generator(0, "test"))
    assert sampler.per_epoch == 10
    assert drawn.shape == (300, 2)
    assert np.array_equal(drawn[:, 1], drawn[:, 0] + 1)
    assert np.array_equal(STORED.of_image[drawn[:, 0]], factors)
    assert set((drawn[:, 0] // 2).tolist()) == set(range(10)), "all are drawn"


@pytest.mark.parametrize("ratio", [(0, 0, 1, 0), (0, 0, 0, 2)])
def test_a_factor_of_no_odds_is_never_drawn(ratio: tuple[float, ...]) -> None:
    found = FactorSampler(STORED, ratio).factors(50, generator(0, "test"))
    assert set(found.tolist()) == {ratio.index(max(ratio))}


def test_the_first_three_latents_are_the_factors_own() -> None:
    active = active_latents(7)
    assert len(active) == len(FACTORS)
    assert active.sum(dim=0).tolist() == [1] * 7
    assert active[0].nonzero().ravel().tolist() == [0]
    assert active[2].nonzero().ravel().tolist() == [2]
    assert active[3].nonzero().ravel().tolist() == [3, 4, 5, 6]
