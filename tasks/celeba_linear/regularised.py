"""Logistic regression on standardised features, whose strength is chosen on held-out labels.

Beside the paper's probe, whose result depends on the scale of the features and on how long it is trained: this one does
not change where a feature is multiplied by a number, and gives the majority's answer where features tell nothing.

Each feature is standardised by the labelled images, and the penalty C of scikit-learn's `LogisticRegression` is on rows
of mean squared length 1, so that one grid of strengths suits features of any width. An L2 penalty leaves weights in the
span of the labelled images, so the fits are made in as many dimensions as there are of those, whatever the width, and
are exact (the representer theorem; Schoelkopf et al., 2001).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int8
from threadpoolctl import threadpool_limits

from datasets.errors import BenchError
from datasets.packed import Matrix
from tasks.celeba_linear.probe import finite_logits
from tasks.units import Units

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
# Enough to choose among decades by.
FOLDS = 3
# Steps of a fit at most; the weakest penalties take about ten.
STEPS = 200
# Columns read at once.
COLUMNS = 4096
# A feature whose deviation is below this share of its largest value is constant but for rounding.
CONSTANT = 1e-6
# Directions of the labelled images with less than this share of the largest's variance are rounding.
LEAST = 1e-10


@dataclass(frozen=True)
class Probe:
    """Log odds of each attribute as a linear function of features.

    Attributes
    ----------
    weights, bias: of the features as they are.
    strength: the C that was chosen, the largest for the least penalty.
    losses: the mean log loss on held-out labels of the first of `STRENGTHS`, as far as they were tried.
    """

    weights: Float[np.ndarray, "d a"]
    bias: Float[np.ndarray, " a"]
    strength: float
    losses: tuple[float, ...]

    def logits(self, features: Float[np.ndarray, "b d"]) -> Float[np.ndarray, "b a"]:
        """Log odds of each attribute; BenchError where they are not finite."""
        found = np.broadcast_to(self.bias, (len(features), len(self.bias))).copy()
        with np.errstate(invalid="ignore"):  # said by what follows
            for place, block in _blocks(features):
                found += block @ self.weights[place]
        return finite_logits(found)


def fit_probe(
    features: Float[Matrix, "n d"],
    attributes: Int8[np.ndarray, "n a"],
    rng: np.random.Generator,
    units: Units | None = None,
) -> Probe:
    """The probe of labelled images (0, 1, -1 unknown), with the strength of the least mean loss on held-out labels.

    Cross-validation in `FOLDS` parts, drawn from `rng`; images of one person are in one part where `units` says who is
    on them. One strength for all attributes, since a rare one has too few labels to choose by. An attribute that is the
    same on all labelled images where it is known gets that answer.

    Raises BenchError where a feature is not finite.
    """
    mean, scale = _standardisation(features)
    gram = _gram(features, mean, scale)
    values, vectors = np.linalg.eigh(gram)
    kept = values > LEAST * max(float(values[-1]), np.finfo(float).tiny)
    roots = np.sqrt(values[kept])
    rows = vectors[:, kept] * roots if kept.any() else np.zeros((len(gram), 1))
    with threadpool_limits(1, user_api="blas"):  # thousands of small products, which threads only slow down
        losses = _losses(rows, attributes, _parts(len(rows), rng, units))
        strength = STRENGTHS[int(np.argmin(losses))]
        fits = [Fit(rows, own).at(strength) for own in attributes.T]
    bias = np.array([bias for _, bias in fits])
    turned = np.stack([weights for weights, _ in fits], axis=1)
    dual = (vectors[:, kept] / roots) @ turned if kept.any() else np.zeros((len(gram), attributes.shape[1]))
    weights = _back(features, mean, scale, dual)
    return Probe(weights, bias - mean @ weights, strength, tuple(losses))


def _blocks(features: Float[Matrix, "n d"]) -> Iterator[tuple[slice, Float[np.ndarray, "n b"]]]:
    for start in range(0, features.shape[1], COLUMNS):
        place = slice(start, min(start + COLUMNS, features.shape[1]))
        yield place, np.asarray(features[:, place], dtype=np.float64)


def _standardisation(
    features: Float[Matrix, "n d"],
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """Each feature's mean, and what its difference to that is multiplied by, so that rows have mean squared length 1;
    0 for a constant one."""
    width = features.shape[1]
    mean, scale = np.zeros(width), np.zeros(width)
    with np.errstate(invalid="ignore"):  # seen below
        for place, block in _blocks(features):
            mean[place] = block.mean(axis=0)
            deviation = block.std(axis=0)
            varies: Bool[np.ndarray, " b"] = deviation > CONSTANT * np.abs(block).max(axis=0)
            scale[place] = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies)
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise BenchError(
            "features of the labelled images are not finite numbers: the method diverged, or its inputs have another "
            "range than in training"
        )
    return mean, scale / np.sqrt(max(1, int(np.count_nonzero(scale))))


def _gram(
    features: Float[Matrix, "n d"], mean: Float[np.ndarray, " d"], scale: Float[np.ndarray, " d"]
) -> Float[np.ndarray, "n n"]:
    """Inner products of the standardised rows."""
    gram = np.zeros((len(features), len(features)))
    for place, block in _blocks(features):
        block = (block - mean[place]) * scale[place]
        gram += block @ block.T
    return gram


def _back(
    features: Float[Matrix, "n d"],
    mean: Float[np.ndarray, " d"],
    scale: Float[np.ndarray, " d"],
    dual: Float[np.ndarray, "n a"],
) -> Float[np.ndarray, "d a"]:
    """Weights of the features as they are, from those of the standardised labelled images."""
    weights = np.zeros((features.shape[1], dual.shape[1]))
    for place, block in _blocks(features):
        weights[place] = scale[place, None] * (((block - mean[place]) * scale[place]).T @ dual)
    return weights


def _parts(items: int, rng: np.random.Generator, units: Units | None) -> Int[np.ndarray, " n"]:
    """The part that each image is held out with; people stay together."""
    count = items if units is None else units.count
    part = rng.permutation(count) % FOLDS
    return part if units is None else part[units.number]


def _losses(
    rows: Float[np.ndarray, "n m"], attributes: Int8[np.ndarray, "n a"], parts: Int[np.ndarray, " n"]
) -> list[float]:
    """The mean log loss on held-out labels that are known, over all of them: of each strength up to the first that is
    worse than the one before, as weaker penalties then fit the labelled images alone."""
    splits: list[tuple[Fit, Bool[np.ndarray, " n"], Int8[np.ndarray, " n"]]] = []
    for part in range(FOLDS):
        trained, held = parts != part, parts == part
        for own in attributes.T:
            known = held & (own >= 0)
            if known.any() and (own[trained] >= 0).any():
                splits.append((Fit(rows[trained], own[trained]), known, own[known]))
    labels = max(1, sum(len(own) for _, _, own in splits))
    found: list[float] = []
    for strength in STRENGTHS:
        total = 0.0
        for fit, known, own in splits:
            weights, bias = fit.at(strength)
            total += _log_loss(rows[known] @ weights + bias, own == 1)
        found.append(total / labels)
        if len(found) > 1 and found[-1] > found[-2]:
            break
    return found


def _log_loss(logits: Float[np.ndarray, " t"], present: Bool[np.ndarray, " t"]) -> float:
    """The summed cross-entropy in nats."""
    return float(np.logaddexp(0, np.where(present, -logits, logits)).sum())


class Fit:
    """Logistic regression of one attribute on the rows where it is known; each strength starts from the one before."""

    def __init__(self, rows: Float[np.ndarray, "n m"], own: Int8[np.ndarray, " n"]) -> None:
        from sklearn.linear_model import LogisticRegression

        known = own >= 0
        self._rows, self._own = rows[known], own[known]
        # Conjugate gradients take few steps on rows along their principal axes: 40 times as fast as lbfgs.
        self._model = LogisticRegression(solver="newton-cg", max_iter=STEPS, warm_start=True)

    def at(self, strength: float) -> tuple[Float[np.ndarray, " m"], float]:
        """Weights and bias. Where the attribute is the same on all images, no weights, and the log odds of one more
        image with it and one without."""
        present, count = int(self._own.sum()), len(self._own)
        if present in (0, count):
            return np.zeros(self._rows.shape[1]), float(np.log((present + 1) / (count - present + 1)))
        self._model.set_params(C=strength).fit(self._rows, self._own)
        return self._model.coef_[0].copy(), float(self._model.intercept_[0])
