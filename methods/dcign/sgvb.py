"""DC-IGN's objective: the variational bound on images (SGVB), and codes clamped where their factor does not vary.

In a batch in which one factor of the scene varies, every latent but that factor's own is clamped: replaced by one
value for the whole batch before it is decoded. What comes back to the encoder there is not the bound's gradient, but
one that draws the latent to the batch's mean, so that it learns not to answer to the factor.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from methods.dcign.network import DCIGNNetwork, Posterior

# mean: all clamped latents get their batch's mean (the paper); first: those of the batch's first image (the released
# code); none: nothing is clamped, which is the ordinary autoencoder that the paper compares with.
Clamp = Literal["mean", "first", "none"]


def bce(prob: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Binary cross-entropy of pixels in [0, 1], summed over the batch: what codes cost in nats."""
    return F.binary_cross_entropy(prob, target, reduction="sum")


def kl(posterior: Posterior) -> Float[Tensor, "b d"]:
    """Divergence of each latent's posterior from the standard normal prior, in nats."""
    mean, logvar = posterior.mean, posterior.logvar
    found: Tensor = -0.5 * (1 + logvar - mean.square() - logvar.exp())
    return found


@dataclass(frozen=True)
class Clamped:
    """A posterior as it is decoded.

    Attributes
    ----------
    posterior: clamped latents are constant over the batch and have no gradient.
    pull: half the sum over clamped latents, of both heads, of the squared distance to their batch's mean: its gradient
        there is the distance.
    """

    posterior: Posterior
    pull: Tensor


def clamped(posterior: Posterior, active: Bool[Tensor, " d"], clamp: Clamp) -> Clamped:
    """Clamp all latents but the `active` ones, in both heads."""
    if clamp == "none":
        return Clamped(posterior, posterior.mean.new_zeros(()))
    found, pulls = [], []
    for values in (posterior.mean, posterior.logvar):
        centre = values.detach().mean(dim=0, keepdim=True)
        value = centre if clamp == "mean" else values.detach()[:1]
        found.append(torch.where(active, values, value))
        pulls.append((values - centre).square()[:, ~active].sum())
    mean, logvar = found
    return Clamped(Posterior(mean, logvar), 0.5 * (pulls[0] + pulls[1]))


def objective(
    network: DCIGNNetwork,
    images: Float[Tensor, "b c s s"],
    noise: Float[Tensor, "b d"],
    active: Bool[Tensor, " d"],
    clamp: Clamp,
    invariance: float,
) -> dict[str, Tensor]:
    """What is minimised on one batch, `loss`, and its parts `bce`, `kl` and `pull` (sums), and `mse` (per value).

    Parameters
    ----------
    noise: standard normal, apart for each image, of clamped latents too.
    active: the latents of the factor that varies.
    invariance: how much of the pull to the mean clamped latents get.
    """
    decoded = clamped(network.encode(images), active, clamp)
    made = network.decode(decoded.posterior.sample(noise))
    # Products and logarithms of half precision would lose what distinguishes nearly white from white.
    with torch.autocast(images.device.type, enabled=False):
        parts = {"bce": bce(made, images), "kl": kl(decoded.posterior).sum(), "pull": decoded.pull}
        loss = parts["bce"] + parts["kl"] + invariance * parts["pull"]
        return {
            "loss": loss,
            **{name: value.detach() for name, value in parts.items()},
            "mse": F.mse_loss(made.detach(), images),
        }
