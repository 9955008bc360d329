"""The variance of a mean over trainings, scored on one finite test set, and what it allows to say.

A score has two sources of variation that are crossed: the training (the seed) and the units of the test set, which
are the same for every training. For training s and unit u let it be m + a_s + b_u + c_su, of variances A, B and C; the
mean over S trainings and U units then has the variance

    A / S + B / U + C / (S U).

Two estimates are added up. `s^2 / S`, from the S trainings' scores, has the expectation A / S + C / (S U): scores on
one test set hold the interaction of training and unit already. The bootstrap of the trainings' mean over units, with
the same draw for all trainings, has the expectation B / U + C / (S U). So the interaction's part is counted twice: the
sum is never too small on average, and too large by C / (S U), at most by a factor of 2, where trainings differ unit by
unit and nothing else varies.

The sum is no multiple of a chi-squared variable; its degrees of freedom are Satterthwaite's approximation (F. E.
Satterthwaite, An approximate distribution of estimates of variance components, Biometrics Bulletin 2, 1946, 110-114),
(V_1 + V_2)^2 / (V_1^2 / f_1 + V_2^2 / f_2), with S - 1 for the trainings and U - 1 for the units. How often such
intervals cover the truth is simulated in tests/bench/results/test_crossed.py: 93 to 97 % of cases where both sources
matter; 92 % at worst, of three trainings whose part is several times the units' and no interaction, as a small s^2 is
then taken for a certain one; and 99 % where nothing but the interaction varies, which is counted twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from jaxtyping import Float

LEVEL = 0.05


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
        """Satterthwaite's degrees of freedom; infinite where nothing varies."""
        below = sum(part.variance**2 / part.freedom for part in self.parts)
        return self.variance**2 / below if below > 0 else inf

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval."""
        return quantile(self.freedom, 1 - LEVEL / 2) * sqrt(self.variance)

    @property
    def p(self) -> float:
        """The two-sided probability of a value as far from 0 where the truth is 0; 1 where no variance is known."""
        if not self.parts or self.value == 0:
            return 1.0
        if self.variance == 0:
            return 0.0
        from scipy.special import stdtr

        return float(2 * stdtr(_finite(self.freedom), -abs(self.value) / sqrt(self.variance)))


def of_trainings(values: Sequence[float]) -> Part:
    """The part of the trainings in the variance of their mean: s^2 / S. `values`: one score each, at least two."""
    return Part(float(np.var(values, ddof=1)) / len(values), len(values) - 1)


def of_units(drawn: Float[np.ndarray, " r"], units: int) -> Part:
    """The part of the test set's units in a score: the variance of the score over resamples.

    The bootstrap's variance of a mean is the unbiased one's (U - 1) / U, which is made up for.

    Parameters
    ----------
    drawn: the score (the trainings' mean) on each resample.
    units: how many independent units were resampled, at least two.
    """
    return Part(float(np.var(drawn, ddof=1)) * units / (units - 1), units - 1)


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


def _finite(freedom: float) -> float:
    """Beyond this Student's t is normal in all digits that are shown."""
    return min(freedom, 1e9)
