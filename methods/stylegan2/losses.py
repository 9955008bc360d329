"""Losses of the generator, its discriminator and the encoder."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real: Float[Tensor, " b"], fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Logistic loss of logits of real and of generated images (Goodfellow et al., 2014)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Non-saturating logistic loss of logits of generated images."""
    return F.softplus(-fake).mean()


def gradient_penalty(logits: Float[Tensor, " b"], images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """R1: mean squared norm of the gradient of `logits` at real images (Mescheder et al., ICML 2018, equation 9)."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def offset_size(codes: Float[Tensor, "b layers style"]) -> Float[Tensor, ""]:
    """e4e's delta regularisation: the mean over images of the sum of all offsets' norms (Tov et al., equation 4).

    Offsets are the differences to the first style, which has none.
    """
    offsets = codes[:, 1:] - codes[:, :1]
    # The norm of an offset that is zero, as all are before their stage, has no gradient.
    return (offsets.square().sum(dim=2) + 1e-12).sqrt().sum(dim=1).mean()
