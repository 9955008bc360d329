"""The autoencoder and the beta-VAE: their losses by hand."""

import pytest
import torch

from methods.ranges import signed
from methods.selfsupervised.config import TwinConfig
from methods.selfsupervised.reconstruction import Autoencoder, BetaVAE, BetaVAEConfig

SMALL = {"nf": 16, "zdim": 32}


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_the_autoencoder_pays_for_absolute_errors(images: torch.Tensor) -> None:
    method = Autoencoder(TwinConfig(**SMALL))
    with torch.no_grad():
        loss = method.learner().validate(images)["loss"]
        made = method.module(images)
    assert -1 <= made.min() <= made.max() <= 1
    torch.testing.assert_close(loss, (made - signed(images)).abs().mean())


def test_the_divergence_is_that_of_normal_variables(images: torch.Tensor) -> None:
    method = BetaVAE(BetaVAEConfig(**SMALL, beta=3.0))
    learner = method.learner()
    with torch.no_grad():
        losses = learner.validate(images)
        mean, log_variance = method.module.encoder.moments(images)  # type: ignore[operator]
    one = torch.distributions.Normal(mean, (log_variance / 2).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(one, prior).sum(dim=1).mean()
    torch.testing.assert_close(losses["divergence"], expected)
    total = (losses["error"] + 3.0 * losses["divergence"]) / images[0].numel()
    torch.testing.assert_close(losses["loss"], total)


def test_features_of_the_vae_are_the_means(images: torch.Tensor) -> None:
    method = BetaVAE(BetaVAEConfig(**SMALL))
    with torch.no_grad():
        torch.testing.assert_close(method.encode(images), method.module.encoder.moments(images)[0])  # type: ignore[operator]
    assert method.encode(images).min() < 0, "means are not cut off at 0"
