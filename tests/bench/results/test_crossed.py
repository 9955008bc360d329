"""Intervals and tests of scores with two crossed sources of variation: simulated where the truth is known.

A score is that of S trainings on U units: m + a_s + b_u + c_su, of variances A, B and C. What the code is given is what
records give it: per-unit numbers of each training, bootstrapped over units.
"""

import numpy as np
import pytest

from bench.results.crossed import Estimate, Part, holm, of_interval, of_trainings, of_units
from datasets.streams import generator
from tasks.metrics.paired import resamples

UNITS = 120
WEIGHTS = resamples(UNITS, 400, generator(0, "test", "units")) / UNITS


def scores(trainings: int, ratio: float, interaction: float, rng: np.random.Generator) -> np.ndarray:
    """Scores (S, U) around 0: units vary by 1, and A / S is `ratio` times B / U."""
    spread = np.sqrt(ratio * trainings / UNITS)
    return (
        rng.normal(0, spread, (trainings, 1))
        + rng.normal(0, 1, (1, UNITS))
        + rng.normal(0, interaction, (trainings, UNITS))
    )


def estimate(values: np.ndarray) -> Estimate:
    """As a row of a table has it: of the mean over trainings."""
    by_training, drawn = values.mean(axis=1), WEIGHTS @ values.mean(axis=0)
    return Estimate(float(by_training.mean()), (of_trainings(list(by_training)), of_units(drawn, UNITS)))


def coverage(trainings: int, ratio: float, interaction: float, cases: int = 3000) -> float:
    rng = generator(0, "test", "coverage", f"{trainings} {ratio} {interaction}")
    found = [estimate(scores(trainings, ratio, interaction, rng)) for _ in range(cases)]
    return float(np.mean([abs(one.value) <= one.half for one in found]))


@pytest.mark.parametrize("trainings", [3, 5, 8])
@pytest.mark.parametrize(("ratio", "interaction"), [(0.1, 0.5), (0.3, 0.0), (1.0, 0.5), (1.0, 1.0)])
def test_intervals_cover_the_truth_in_93_to_97_percent(trainings: int, ratio: float, interaction: float) -> None:
    assert 0.93 <= coverage(trainings, ratio, interaction) <= 0.97


def test_where_intervals_cover_less_and_more() -> None:
    """The worst cases, which the module tells: few trainings that vary far more than the units, and nothing but the
    interaction."""
    assert 0.91 <= coverage(3, 10.0, 0.0) <= 0.94
    rng = generator(0, "test", "interaction")
    alone = [estimate(rng.normal(0, 1, (3, UNITS))) for _ in range(1000)]
    assert np.mean([abs(one.value) <= one.half for one in alone]) > 0.98


def test_one_source_alone_would_not_do() -> None:
    """What a bootstrap over units, or Student's t over trainings, would cover."""
    rng = generator(0, "test", "naive")
    for ratio, place, quantile in ((1.0, 1, 1.96), (0.3, 0, 4.303)):
        found = [estimate(scores(3, ratio, 0.0, rng)) for _ in range(1000)]
        alone = np.mean([abs(one.value) <= quantile * np.sqrt(one.parts[place].variance) for one in found])
        assert alone < 0.90, (ratio, alone)


def test_units_that_come_in_groups_are_drawn_whole() -> None:
    """Ten images of each of 30 people, who alone differ: images as units would cover a third of the cases less."""
    people, images, rng = 30, 10, generator(0, "test", "groups")
    by_person, by_image = (resamples(n, 400, rng) for n in (people, people * images))
    hits = np.zeros(2)
    for _ in range(1000):
        values = np.repeat(rng.normal(0, 1, people), images) + rng.normal(0, 0.3, people * images)
        sums = values.reshape(people, images).mean(axis=1)
        for place, (drawn, own, units) in enumerate(
            ((by_person, sums, people), (by_image, values, people * images)),
        ):
            one = Estimate(float(values.mean()), (of_units(drawn @ own / units, units),))
            hits[place] += abs(one.value) <= one.half
    assert 0.93 <= hits[0] / 1000 <= 0.97
    assert hits[1] / 1000 < 0.65


def test_satterthwaites_degrees_of_freedom() -> None:
    assert Estimate(0, (Part(3, 2), Part(4, 100))).freedom == pytest.approx(49 / (9 / 2 + 16 / 100))
    assert Estimate(0, (Part(3, 2),)).freedom == pytest.approx(2)
    assert Estimate(0, (Part(3, 2), Part(0, 9))).freedom == pytest.approx(2)
    assert Estimate(1, (Part(0, 2),)).freedom == float("inf")
    half = Estimate(0, (of_trainings([0.50, 0.53, 0.59]),)).half
    assert half == pytest.approx(4.302653 * np.std([0.50, 0.53, 0.59], ddof=1) / np.sqrt(3), rel=1e-6)
    assert Estimate(0, (of_interval(0.48, 0.52),)).half == pytest.approx(0.02)


def test_probabilities() -> None:
    assert Estimate(1.96, (Part(1, 1e12),)).p == pytest.approx(0.05, abs=1e-4)
    assert Estimate(0.5, ()).p == 1, "nothing is known of how it varies"
    assert Estimate(0.5, (Part(0, 9),)).p == 0, "it is the same on every unit"
    assert Estimate(0.0, (Part(0, 9),)).p == 1


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
