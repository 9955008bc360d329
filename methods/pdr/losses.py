"""PDR's reconstruction losses (Unsup3D, section 3.3): likelihoods with predicted uncertainty, and smoothness."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from methods.pdr.config import MAX_DEPTH, MIN_DEPTH, PDRConfig
from methods.pdr.model import Reconstruction
from methods.pdr.vgg import VGGFeatures

# Keeps a division by a predicted deviation, and its logarithm, finite.
EPSILON = 1e-7


class ReconstructionLoss(nn.Module):
    """How well an image was put together again. Has no trained weights and an empty state dict.

    Raises BenchError where the perceptual term is on and VGG-16's weights are not to be had.
    """

    def __init__(self, config: PDRConfig) -> None:
        super().__init__()
        self.flip_weight = 0.0 if "symmetry" in config.without else config.flip_weight
        self.smoothness = config.smoothness
        self.perceptual_weight = config.perceptual_weight
        self.vgg = VGGFeatures.load(config.vgg16) if config.perceptual_weight else None

    def forward(self, result: Reconstruction) -> dict[str, Tensor]:
        """The objective, `reconstruction`, and its parts (scalars).

        `l1`, `l1_flip` photometric, `perceptual`, `perceptual_flip` by VGG-16 where it is on, `smoothness` of depth.
        VGG-16 runs in whatever autocast is on, everything else in float32.
        """
        target, features = None, None
        if self.vgg is not None:
            with torch.no_grad():
                target = self.vgg(result.image).float()
            features = self.vgg(result.image_hat).float()
        with torch.autocast(result.image.device.type, enabled=False):
            plain, flipped = result.image_hat.chunk(2)
            found = {
                "l1": laplace(plain - result.image, channel(result.sigma, 0), result.mask),
                "l1_flip": laplace(flipped - result.image, channel(result.sigma, 1), result.mask),
                "smoothness": total_variation(result.free_depth),
            }
            total = found["l1"] + self.flip_weight * found["l1_flip"] + self.smoothness * found["smoothness"]
            if target is not None and features is not None:
                plain, flipped = features.chunk(2)
                sigma = result.sigma_perceptual
                found["perceptual"] = gauss(plain - target, channel(sigma, 0), result.mask)
                found["perceptual_flip"] = gauss(flipped - target, channel(sigma, 1), result.mask)
                perceptual = found["perceptual"] + self.flip_weight * found["perceptual_flip"]
                total = total + self.perceptual_weight * perceptual
        return {"reconstruction": total, **found}


def channel(maps: Float[Tensor, "b 2 s s"] | None, index: int) -> Float[Tensor, "b 1 s s"] | None:
    """One of the two predicted deviations, or None where none are predicted."""
    return None if maps is None else maps[:, index : index + 1]


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
