"""How far codes and the factors that images were made from match one to one: DCI, MIG and SAP.

Codes (n, c) and factors (n, k) are numbers of the same n images. Written from the papers, in their usual settings
(Locatello et al., "Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations", 2019,
appendix C) but for what factors that are continuous ask for; where that differs, the function says so.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Int
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV

from tasks.groups.features import standardised

BINS = 20
# Regularisation that ridge regression chooses from, where the mean squared norm of the inputs is 1.
ALPHAS = np.logspace(-4, 3, 15)


def disentanglement(importance: Float[np.ndarray, "c k"]) -> float:
    """D of DCI (Eastwood and Williams, 2018, section 2): 1 where each code matters for one factor only, 0 where it
    matters for all the same.

    D_i = 1 - H_k(P_i), the entropy to base k of row i made to sum to 1; the mean weighs codes by their rows' sums. 0
    where nothing matters for anything, 1 by definition where there is one factor only.
    """
    total = importance.sum()
    return float(importance.sum(axis=1) @ concentration(importance) / total) if total > 0 else 0.0


def completeness(importance: Float[np.ndarray, "c k"]) -> float:
    """C of DCI: 1 where each factor is described by one code only, 0 where all codes matter the same for it.

    C_j = 1 - H_c(P_j) of each column. Columns are weighed by their sums, which are equal for importances that sum to 1
    per factor, so that the mean is the paper's; 1 by definition where there is one code only.
    """
    return disentanglement(importance.T)


def concentration(weights: Float[np.ndarray, "rows m"]) -> Float[np.ndarray, " rows"]:
    """1 - H_m of each row made to sum to 1: 1 for a single weight, 0 for equal ones; 0 for a row of zeros."""
    sums = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropy = -(shares * logs).sum(axis=1) / np.log(max(weights.shape[1], 2))
    return np.where(sums[:, 0] > 0, np.clip(1 - entropy, 0, 1), 0.0)


def forest_importance(
    codes: Float[np.ndarray, "n c"], factors: Iterable[Float[np.ndarray, " n"]], *, trees: int, seed: int
) -> tuple[Float[np.ndarray, "c k"], Float[np.ndarray, " k"]]:
    """How much each code matters for each factor, and the informativeness I of DCI.

    One random forest per factor, as in Eastwood and Williams' experiments, with scikit-learn's settings: a code's
    importance is its share of the reduction in variance, 1 in sum over the codes (0 for a factor that no tree splits).
    The papers measure the error on a test set; here the error is that of each image's out-of-bag prediction (Breiman,
    2001), so that few images serve for both, and informativeness is R^2, cut to [0, 1]: 0 for guessing the mean.
    """
    columns = list(factors)
    importance, informativeness = np.zeros((codes.shape[1], len(columns))), np.zeros(len(columns))
    if not codes.shape[1]:
        return importance, informativeness
    inputs = codes.astype(np.float32)
    for k, factor in enumerate(columns):
        forest = RandomForestRegressor(trees, oob_score=True, random_state=seed % 2**32).fit(inputs, factor)
        importance[:, k] = forest.feature_importances_
        informativeness[k] = explained_variance(forest.oob_prediction_[:, None], factor[:, None])[0]
    return importance, informativeness


def mutual_information_gap(
    codes: Float[np.ndarray, "n c"], factors: Float[np.ndarray, "n k"], bins: int = BINS
) -> Float[np.ndarray, " k"]:
    """MIG (Chen et al., 2018, section 4.1) of each factor, in [0, 1]; the score is the mean over factors.

    The gap between the two codes with most mutual information with the factor, over the factor's entropy. Both are cut
    into 20 bins of equal width. The factors must not be constant.

    From n images mutual information is overestimated, by up to 19^2 / 2n nats (Miller, 1955). That leaves the gap of
    two codes alone, but the gap of the largest two of many is above 0 by chance too, the less the more images.
    """
    information = mutual_information(codes, factors, bins)
    entropy = np.diag(mutual_information(factors, factors, bins))
    return np.clip(_gap(information) / entropy, 0, 1)


def mutual_information(
    codes: Float[np.ndarray, "n c"], factors: Float[np.ndarray, "n k"], bins: int = BINS
) -> Float[np.ndarray, "c k"]:
    """Mutual information in nats of each code and each factor, by counting in `bins` of equal width each."""
    one, other = _one_hot(codes, bins), _one_hot(factors, bins)
    joint = (one.T @ other).reshape(codes.shape[1], bins, factors.shape[1], bins) / max(len(codes), 1)
    independent = joint.sum(axis=3, keepdims=True) * joint.sum(axis=1, keepdims=True)
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    return np.asarray((joint * np.log(ratio)).sum(axis=(1, 3)))


def separated_attribute_predictability(
    codes: Float[np.ndarray, "n c"], factors: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, " k"]:
    """SAP (Kumar et al., 2018, section 3) of each factor, in [0, 1]; the score is the mean over factors.

    The gap between the two codes that predict the factor best by linear regression on that code alone: for continuous
    factors R^2, the squared correlation. Constant codes predict nothing. The factors must not be constant.
    """
    one, other = standardised(codes), standardised(factors)
    return np.asarray(np.clip(_gap(np.square(one.T @ other / max(len(codes), 1))), 0, 1))


def ridge_r2(
    inputs: Float[np.ndarray, "n d"], factors: Float[np.ndarray, "n k"], folds: int
) -> Float[np.ndarray, " k"]:
    """R^2 of each factor's prediction by ridge regression, cut to [0, 1].

    Image i is predicted by the regression without fold i mod `folds`, whose regularisation is chosen per factor by
    leaving one out within its own images.
    """
    predicted = np.zeros(factors.shape)
    scale = np.sqrt(np.square(inputs).sum() / len(inputs)) if inputs.size else 0.0
    if scale == 0:
        return np.zeros(factors.shape[1])
    scaled, fold = inputs / scale, np.arange(len(inputs)) % folds
    for k in range(folds):
        kept = fold != k
        ridge = RidgeCV(ALPHAS, alpha_per_target=True).fit(scaled[kept], factors[kept])
        predicted[~kept] = ridge.predict(scaled[~kept]).reshape(-1, factors.shape[1])
    return explained_variance(predicted, factors)


def explained_variance(
    predicted: Float[np.ndarray, "n k"], factors: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, " k"]:
    """R^2 of each factor, cut to [0, 1]: 0 for what is no better than the mean. The factors must not be constant."""
    errors = np.square(factors - predicted).sum(axis=0)
    return np.asarray(np.clip(1 - errors / np.square(factors - factors.mean(axis=0)).sum(axis=0), 0, 1))


def _gap(scores: Float[np.ndarray, "c k"]) -> Float[np.ndarray, " k"]:
    """The best code's score less that of the second, which is 0 where there is none."""
    if not len(scores):
        return np.zeros(scores.shape[1])
    ordered = np.sort(scores, axis=0)
    return np.asarray(ordered[-1] - (ordered[-2] if len(scores) > 1 else 0.0))


def _binned(values: Float[np.ndarray, "n d"], bins: int) -> Int[np.ndarray, "n d"]:
    """Which of the bins between the least and the greatest value of its column each value is in."""
    least, spread = values.min(axis=0), np.ptp(values, axis=0)
    places = np.divide(values - least, spread, out=np.zeros(values.shape), where=spread > 0)
    return np.asarray(np.minimum((places * bins).astype(np.int64), bins - 1))


def _one_hot(values: Float[np.ndarray, "n d"], bins: int) -> Float[np.ndarray, "n d_bins"]:
    """A one in the bin of each value, the columns' bins side by side."""
    count, width = values.shape
    hot = np.zeros((count, width, bins))
    hot[np.arange(count)[:, None], np.arange(width), _binned(values, bins)] = 1.0
    return hot.reshape(count, width * bins)
