"""One number per image against the factor that it is declared for, in batches in which one factor varies."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from datasets.controlled import FACTORS, INTRINSIC, ControlledBatches
from tasks.metrics.bootstrap import percentiles
from tasks.results import Interval

RESAMPLES = 500
# What intervals cover.
OVER = "batches"
# A latent is in use whose mean varies by more than this over images, where the prior has a variance of 1 (Burda et al.,
# 2016).
IN_USE = 0.01


class FactorCodes:
    """What a method declares of the images of a dataset's batches.

    Parameters
    ----------
    values: one number per image, by factor.
    code: all numbers that these are among.
    """

    def __init__(
        self, values: Mapping[str, Float[np.ndarray, " n"]], code: Float[np.ndarray, "n d"], batches: ControlledBatches
    ) -> None:
        self.batches = batches
        self.factors = [place for place, name in enumerate(FACTORS) if name in values]
        self.rows = [batches.of_factor(place) for place in range(len(FACTORS))]
        self.values = {place: values[FACTORS[place]].astype(np.float64) for place in self.factors}
        code = code.astype(np.float64)
        self.in_use = int((code.var(axis=0) > IN_USE).sum())
        # Of each factor's batches: the variance within each of the whole code, by which that of one number is divided.
        self._whole = {place: code[self.rows[place]].var(axis=1).sum(axis=1) for place in self.factors}

    def metrics(self, chosen: Sequence[Int[np.ndarray, " _"]] | None = None) -> dict[str, float]:
        """All scores; of some of the batches of each factor where `chosen` names them, one more often than once too."""
        chosen = [np.arange(len(rows)) for rows in self.rows] if chosen is None else chosen
        everything = np.concatenate([rows[own].ravel() for rows, own in zip(self.rows, chosen, strict=True)])
        found: dict[str, float] = {}
        for place in self.factors:
            value, name = self.values[place], FACTORS[place]
            own = self.rows[place][chosen[place]]
            angle = self.batches.angles[own, place].ravel()
            seen = value[own].ravel()
            found[f"{name}_spearman"] = abs(correlation(rankdata(seen), rankdata(angle)))
            if name == "azimuth":
                found["azimuth_abs_spearman"] = abs(correlation(rankdata(seen), rankdata(np.abs(angle))))
            found[f"{name}_r2"] = correlation(seen, angle) ** 2
            moving, whole = value[own].var(axis=1).sum(), self._whole[place][chosen[place]].sum()
            found[f"{name}_share"] = float(moving / whole) if whole > 0 else 0.0
            total = value[everything].var()
            still = value[self.rows[INTRINSIC][chosen[INTRINSIC]]].var(axis=1).mean()
            found[f"{name}_drift"] = float(still / total) if total > 0 else 1.0
        return found

    def within(self) -> dict[str, float]:
        """Of each factor the median over its batches of the rank correlation within one, without its sign: whether what
        is declared follows the angle of each scene, wherever it starts."""
        found = {}
        for place in self.factors:
            pairs = [(self.values[place][own], self.batches.angles[own, place]) for own in self.rows[place]]
            each = [abs(correlation(rankdata(seen), rankdata(angle))) for seen, angle in pairs]
            found[FACTORS[place]] = float(np.median(each))
        return found

    def intervals(self, rng: np.random.Generator) -> dict[str, Interval]:
        """Of `metrics`, over resampled batches of every factor (percentile bootstrap, Efron, 1979)."""
        drawn = [
            self.metrics([rng.integers(len(rows), size=len(rows)) for rows in self.rows]) for _ in range(RESAMPLES)
        ]
        return percentiles({name: np.array([one[name] for one in drawn]) for name in drawn[0]}, OVER)

    def curves(self, bins: int) -> Iterator[tuple[str, Float[np.ndarray, " b"], Float[np.ndarray, " b"]]]:
        """Of each factor its name, and by angle (the middle of each bin that has images) the mean of what is declared,
        in its standard deviations from its mean in these batches."""
        for place in self.factors:
            own = self.rows[place].ravel()
            angle, value = self.batches.angles[own, place], self.values[place][own]
            edges = np.linspace(angle.min(), angle.max(), bins + 1)
            number = np.clip(np.searchsorted(edges, angle, side="right") - 1, 0, bins - 1)
            held = np.unique(number)
            standard = (value - value.mean()) / (value.std() or 1.0)
            means = np.array([standard[number == one].mean() for one in held])
            yield FACTORS[place], ((edges[:-1] + edges[1:]) / 2)[held], means


def correlation(one: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]) -> float:
    """Pearson's; 0 where one of the two never changes."""
    a, b = one - one.mean(), other - other.mean()
    scale = np.sqrt(np.square(a).sum() * np.square(b).sum())
    return float(np.clip((a * b).sum() / scale, -1, 1)) if scale > 0 else 0.0
