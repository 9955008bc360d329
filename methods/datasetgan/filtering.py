"""Which generated images are kept: those that the ensemble is least sure of are dropped."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor

# An image's score from its pixels': their mean (the paper's slides), or that of the most uncertain tenth (its code).
Scoring = Literal["mean", "top10"]
# Which images go: the paper's, the highest scores; the code's, which cuts a slice out of the sorted list.
Dropping = Literal["highest", "released"]
# Where the released slice begins: so many images of the *lowest* scores are dropped too.
SLICE_START = 30


def image_scores(uncertainty: Float[Tensor, "n h w"], scoring: Scoring) -> Float[Tensor, " n"]:
    """How unsure an ensemble is of whole images, from the uncertainty of their pixels, in double precision."""
    flat = uncertainty.flatten(1).double()
    if scoring == "mean":
        return flat.mean(dim=1)
    return flat.topk(max(1, flat.shape[1] // 10), dim=1).values.mean(dim=1)


def kept(scores: Float[np.ndarray, " n"], fraction: float, dropping: Dropping = "highest") -> Int[np.ndarray, " kept"]:
    """Indices of the images that are left of all, without floor(fraction * n) of them.

    `highest`: those of the highest scores go; indices ascend. `released`: as the code's `sorted[30 : -dropped + 30]`,
    in the order of ascending scores, which keeps nothing where `dropped` is 30 or less, and all where it is 0.
    """
    # A whole number that floating point leaves just short of itself counts as whole.
    dropped = int(fraction * len(scores) + 1e-9)
    order = np.argsort(scores, kind="stable")
    if dropping == "highest" or not dropped:
        return np.sort(order[: len(scores) - dropped])
    return np.asarray(order[SLICE_START : -dropped + SLICE_START])


def score_array(uncertainty: Float[Tensor, "n h w"], scoring: Scoring) -> Float[np.ndarray, " n"]:
    """`image_scores` as an array."""
    return np.asarray(image_scores(uncertainty, scoring).cpu().numpy())


def without_specks(parts: UInt8[Tensor, "n s s"], least: int) -> UInt8[Tensor, "n s s"]:
    """Part maps in which a class of fewer than `least` pixels of an image is background there.

    The released code's rule, of 30 pixels at 512 px, for classes 1 to 49.
    """
    cleaned = parts.clone()
    for image in cleaned:
        numbers, counts = image.unique(return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            if 1 <= number < 50 and count < least:
                image[image == number] = 0
    return cleaned
