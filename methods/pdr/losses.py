"""PDR's reconstruction losses (Unsup3D, section 3.3): likelihoods with predicted uncertainty, and smoothness."""

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from methods.pdr.config import MAX_DEPTH, MIN_DEPTH

# Keeps a division by a predicted deviation, and its logarithm, finite.
EPSILON = 1e-7


def laplace(
    difference: Float[Tensor, "b c s s"],
    sigma: Float[Tensor, "b 1 s s"] | None,
    mask: Float[Tensor, "b 1 s s"],
) -> Float[Tensor, ""]:
    """Mean over the mask of |d|, or with uncertainty sqrt(2) |d| / sigma + log sigma (Unsup3D, eq. 3)."""
    loss = difference.abs()
    if sigma is not None:
        loss = loss * math.sqrt(2) / (sigma + EPSILON) + (sigma + EPSILON).log()
    return masked_mean(loss, mask)


def gauss(
    difference: Float[Tensor, "b c t t"],
    sigma: Float[Tensor, "b 1 t t"] | None,
    mask: Float[Tensor, "b 1 s s"],
) -> Float[Tensor, ""]:
    """Mean over the mask of d^2, or with uncertainty d^2 / (2 sigma^2) + log sigma (Unsup3D, eq. 7).

    The mask of the image is averaged down to the features' size.
    """
    loss = difference.square()
    if sigma is not None:
        loss = loss / (2 * sigma.square() + EPSILON) + (sigma + EPSILON).log()
    return masked_mean(loss, F.avg_pool2d(mask, mask.shape[-1] // difference.shape[-1]))


def masked_mean(loss: Float[Tensor, "b c s s"], mask: Float[Tensor, "b 1 s s"]) -> Float[Tensor, ""]:
    """Mean of the loss weighted by the mask; a batch that covers nothing costs nothing rather than 0 / 0."""
    return (loss * mask).sum() / (mask.sum() * loss.shape[1]).clamp(min=EPSILON)


def total_variation(depth: Float[Tensor, "b s s"]) -> Float[Tensor, ""]:
    """Mean absolute difference of neighbours along both axes, in units of the depth range."""
    down = (depth[:, 1:] - depth[:, :-1]).abs().mean()
    across = (depth[:, :, 1:] - depth[:, :, :-1]).abs().mean()
    return (down + across) / (MAX_DEPTH - MIN_DEPTH)
