"""The variance of a mean over trainings, scored on one finite test set, and what it allows to say.

A score has two sources of variation that are crossed: the training (the seed) and the units of the test set, which
are the same for every training. For training s and unit u let it be m + a_s + b_u + c_su, of variances A, B and C; the
mean over S trainings and U units then has the variance

    A / S + B / U + C / (S U).

Two estimates are added up. `s^2 / S`, from the S trainings' scores, has the expectation A / S + C / (S U): scores on
one test set hold the interaction of training and unit already. The bootstrap of the trainings' mean over units, with
the same draw for all trainings, has the expectation B / U + C / (S U). What counts twice, C / (S U), is estimated from
how the trainings move apart over the draws (`interaction`) and taken off the units' part.

The sum is no multiple of a chi-squared variable. For intervals its degrees of freedom are Satterthwaite's approximation
(F. E. Satterthwaite, An approximate distribution of estimates of variance components, Biometrics Bulletin 2, 1946,
110-114), (V_1 + V_2)^2 / (V_1^2 / f_1 + V_2^2 / f_2), with S - 1 for the trainings and U - 1 for the units. The
variances in it are estimates, and an s^2 of three trainings that happens to be small makes many degrees of freedom of
two: so each V in it, not in the width, is an upper bound of what it may be (`BOUND`). How often such intervals cover
the truth is simulated in tests/bench/results/test_crossed.py: 93 to 97 % of cases at 3, 5 and 8 trainings, whichever
source varies. Without the bound it would be 92 % of three trainings that vary ten times as much as the units, and with
the interaction counted twice 99 % where nothing else varies.

For tests the tail far out decides, where Holm's correction looks, and there Satterthwaite's t rejects too often: of
three trainings up to 11 times as often as it says at 0.05 / 36. So `p` is by Cochran's approximation (W. G. Cochran,
Approximate significance levels of the Behrens-Fisher test, Biometrics 20, 1964, 191-195): the critical value of a
probability is the mean of the parts' own quantiles of Student's t, weighted by the variances. It is exact where one
part is alone and cautious between, so that an interval may leave out 0 where `p` is above 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from jaxtyping import Float

LEVEL = 0.05
# Of the chi-squared distribution, for the upper bound that Satterthwaite's degrees of freedom take a variance to be.
# Chosen by simulation: with 0.5 intervals of three trainings cover less than 94 % still, with 0.1 more than 96 %.
BOUND = 0.25
# No smaller probability is told from another.
LEAST = 1e-200


@dataclass(frozen=True)
class Part:
    """An estimate of a variance and its degrees of freedom."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class Estimate:
    """A value, with the estimated variance that independent parts add up to."""

    value: float
    parts: tuple[Part, ...]

    @property
    def variance(self) -> float:
        """The sum of the parts'."""
        return sum(part.variance for part in self.parts)

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom, of upper bounds of the parts; infinite where nothing varies."""
        bounds = [(part.variance * _most(part.freedom), part.freedom) for part in self.parts]
        below = sum(variance**2 / freedom for variance, freedom in bounds)
        return sum(variance for variance, _ in bounds) ** 2 / below if below > 0 else inf

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval."""
        return quantile(self.freedom, 1 - LEVEL / 2) * sqrt(self.variance)

    @property
    def p(self) -> float:
        """The two-sided probability of a value as far from 0 where the truth is 0, by Cochran's approximation; 1 where
        no variance is known."""
        if not self.parts or self.value == 0:
            return 1.0
        if self.variance == 0:
            return 0.0
        from scipy.special import stdtr, stdtrit

        shares = np.array([part.variance for part in self.parts]) / self.variance
        freedom = np.array([_finite(part.freedom) for part in self.parts])
        distance = abs(self.value) / sqrt(self.variance)
        # Between what the parts say alone; halved on a logarithmic scale, as far as 6 digits.
        alone = 2 * stdtr(freedom[shares > 0], -distance)
        low, high = float(max(alone.min(), LEAST)), float(alone.max())
        while high > low * (1 + 1e-6):
            middle = sqrt(low) * sqrt(high)
            if -(shares @ stdtrit(freedom, middle / 2)) > distance:
                low = middle
            else:
                high = middle
        return high


def of_trainings(values: Sequence[float]) -> Part:
    """The part of the trainings in the variance of their mean: s^2 / S. `values`: one score each, at least two."""
    return Part(float(np.var(values, ddof=1)) / len(values), len(values) - 1)


def of_units(drawn: Float[np.ndarray, " r"], units: int, interaction: float = 0.0) -> Part:
    """The part of the test set's units in a score: the variance of the score over resamples.

    The bootstrap's variance of a mean is the unbiased one's (U - 1) / U, which is made up for.

    Parameters
    ----------
    drawn: the score (the trainings' mean) on each resample.
    units: how many independent units were resampled, at least two.
    interaction: what of it the trainings' part holds already (`interaction`), where that is added.
    """
    return Part(max(0.0, float(np.var(drawn, ddof=1)) * units / (units - 1) - interaction), units - 1)


def interaction(drawn: Float[np.ndarray, "s r"], units: int) -> float:
    """The part of the interaction of training and unit in the variance of the trainings' mean, C / (S U).

    From how far each training's score is from the trainings' mean on the same resample, other than on average: the
    trainings' own effects do not change with the draw, the units' are the same for all. So it needs no number per unit
    and holds for scores that are not means.

    Parameters
    ----------
    drawn: the score of each training on each resample, the same for all; 0 for one training, which has no interaction.
    units: how many independent units were resampled, at least two.
    """
    trainings, draws = drawn.shape
    if trainings < 2:
        return 0.0
    apart = drawn - drawn.mean(axis=0)
    squares = float(((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum())
    return float(squares / ((draws - 1) * (trainings - 1)) / trainings * units / (units - 1))


def of_interval(low: float, high: float) -> Part:
    """The part of the units from a 95 % interval over them, whose number is not known."""
    return Part(((high - low) / (2 * quantile(inf, 1 - LEVEL / 2))) ** 2, inf)


def quantile(freedom: float, probability: float) -> float:
    """Of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(_finite(freedom), probability))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Probabilities corrected for their number by S. Holm's step-down procedure (A simple sequentially rejective
    multiple test procedure, Scandinavian Journal of Statistics 6, 1979), in the order given.

    Hypotheses whose corrected probability is at most 5 % may be rejected: that any true one is among them happens in
    5 % of cases at most, however the tests depend on each other.
    """
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    corrected, least = [1.0] * len(probabilities), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(probabilities) - rank) * probabilities[place]))
        corrected[place] = least
    return corrected


def _most(freedom: float) -> float:
    """By what an estimated variance is multiplied for its upper bound."""
    from scipy.special import chdtri

    return _finite(freedom) / float(chdtri(_finite(freedom), 1 - BOUND))


def _finite(freedom: float) -> float:
    """Beyond this Student's t is normal in all digits that are shown."""
    return min(freedom, 1e9)
