"""Intervals and tests of scores with two crossed sources of variation: simulated where the truth is known.

A score is that of S trainings on U units: m + a_s + b_u + c_su, of variances A, B and C. What the code is given is what
records give it: per-unit numbers of each training, bootstrapped over units.
"""

import numpy as np
import pytest
from scipy import stats

from bench.results.crossed import Estimate, Part, holm, interaction, of_interval, of_trainings, of_units
from datasets.streams import generator
from tasks.metrics.paired import resamples

UNITS = 120
WEIGHTS = resamples(UNITS, 400, generator(0, "test", "units")) / UNITS


def scores(trainings: int, ratio: float, together: float, rng: np.random.Generator) -> np.ndarray:
    """Scores (S, U) around 0: units vary by 1, A / S is `ratio` times B / U, and `together` is the root of C."""
    spread = np.sqrt(ratio * trainings / UNITS)
    return (
        rng.normal(0, spread, (trainings, 1))
        + rng.normal(0, 1, (1, UNITS))
        + rng.normal(0, together, (trainings, UNITS))
    )


def estimate(values: np.ndarray) -> Estimate:
    """As a row of a table has it: of the mean over trainings."""
    by_training, drawn = values.mean(axis=1), (WEIGHTS @ values.T).T
    units = of_units(drawn.mean(axis=0), UNITS, interaction(drawn, UNITS))
    return Estimate(float(by_training.mean()), (of_trainings(list(by_training)), units))


def coverage(trainings: int, ratio: float, together: float, cases: int = 3000) -> float:
    rng = generator(0, "test", "coverage", f"{trainings} {ratio} {together}")
    found = [estimate(scores(trainings, ratio, together, rng)) for _ in range(cases)]
    return float(np.mean([abs(one.value) <= one.half for one in found]))


@pytest.mark.parametrize("trainings", [3, 5, 8])
@pytest.mark.parametrize(
    ("ratio", "together"),
    [(0.1, 0.5), (0.3, 0.0), (1.0, 0.5), (1.0, 1.0), (3.0, 0.0), (10.0, 0.0), (30.0, 0.5), (0.0, 2.0)],
)
def test_intervals_cover_the_truth_in_93_to_97_percent(trainings: int, ratio: float, together: float) -> None:
    assert 0.93 <= coverage(trainings, ratio, together) <= 0.97


@pytest.mark.parametrize("trainings", [3, 5, 8])
def test_so_they_do_where_trainings_and_units_matter_only_together(trainings: int) -> None:
    rng = generator(0, "test", "interaction", trainings)
    alone = [estimate(rng.normal(0, 1, (trainings, UNITS))) for _ in range(2000)]
    assert 0.93 <= np.mean([abs(one.value) <= one.half for one in alone]) <= 0.97


def test_the_interaction_is_read_off_the_trainings_draws() -> None:
    """C / (S U), whatever the trainings and the units are beside it; nothing of one training."""
    rng = generator(0, "test", "parts")
    found = [interaction((WEIGHTS @ scores(3, 1.0, 2.0, rng).T).T, UNITS) for _ in range(200)]
    assert np.mean(found) == pytest.approx(4 / (3 * UNITS), rel=0.05)
    assert interaction((WEIGHTS @ scores(3, 1.0, 0.0, rng).T).T, UNITS) == pytest.approx(0, abs=1e-15)
    assert interaction((WEIGHTS @ scores(1, 1.0, 1.0, rng).T).T, UNITS) == 0
    assert of_units(WEIGHTS[:, 0], UNITS, 1.0).variance == 0, "never less than nothing"


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
    one, other = 3 * 2 / stats.chi2.ppf(0.25, 2), 4 * 100 / stats.chi2.ppf(0.25, 100)
    expected = (one + other) ** 2 / (one**2 / 2 + other**2 / 100)
    assert Estimate(0, (Part(3, 2), Part(4, 100))).freedom == pytest.approx(expected), "of upper bounds"
    assert Estimate(0, (Part(3, 2), Part(4, 100))).variance == 7, "which the width is not of"
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


def test_probabilities_of_several_parts_are_cochrans() -> None:
    """The value is the critical one: the mean of both quantiles, weighted by the variances."""
    for chance in (0.5, 0.05, 0.05 / 36, 1e-9):
        quantiles = -stats.t.ppf(chance / 2, [2, 119])
        critical = (0.3 * quantiles[0] + 0.1 * quantiles[1]) / 0.4
        found = Estimate(-critical * np.sqrt(0.4), (Part(0.3, 2), Part(0.1, 119)))
        assert found.p == pytest.approx(chance, rel=1e-5)
    alone = Estimate(5.0, (Part(1, 2), Part(0, 119)))
    assert alone.p == pytest.approx(2 * stats.t.sf(5, 2)), "exact where one part is alone"
    assert 0 <= Estimate(1e9, (Part(1, 1e12), Part(1, 200))).p < 1e-200


@pytest.mark.parametrize("ratio", [0.3, 1.0, 10.0, 30.0])
def test_far_tails_hold_where_holms_correction_looks(ratio: float) -> None:
    """The smallest of 36 probabilities decides, of three trainings: how often it is below 0.05 / 36 by chance."""
    rng, cases = generator(0, "test", "tail", f"{ratio}"), 20000
    trainings, units = ratio * rng.chisquare(2, cases) / 2, rng.chisquare(99, cases) / 99
    values = rng.normal(0, np.sqrt(ratio + 1), cases)
    found = [
        Estimate(value, (Part(one, 2), Part(other, 99))).p
        for value, one, other in zip(values.tolist(), trainings.tolist(), units.tolist(), strict=True)
    ]
    assert np.mean(np.array(found) <= 0.05 / 36) <= 2 * 0.05 / 36
    assert np.mean(np.array(found) <= 0.05) <= 0.055


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
