"""Controls that put the image together again without a renderer: an autoencoder, and a beta-VAE."""

from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from methods.base import Losses
from methods.pdr.networks import map_decoder
from methods.ranges import signed, unsigned
from methods.selfsupervised.config import TwinConfig
from methods.selfsupervised.twin import ControlLearner, TwinControl, TwinEncoder

CHANNELS = 3


class ImageAutoencoder(nn.Module):
    """An encoder to `size` values, and one decoder of PDR's kind, that of the albedo, from all of them to the image."""

    def __init__(self, encoder: nn.Module, size: int, nf: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = nn.Sequential(*map_decoder(CHANNELS, nf, size, nn.Tanh()))

    def decode(self, vectors: Float[Tensor, "b d"]) -> Float[Tensor, "b 3 64 64"]:
        """The images in [-1, 1] that vectors stand for."""
        decoded: Tensor = self.decoder(vectors[:, :, None, None])
        return decoded.float()

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b 3 64 64"]:
        """Images in [0, 1] to their reconstructions in [-1, 1]."""
        return self.decode(self.encoder(images))


class AutoencoderLearner(ControlLearner):
    """The mean absolute error of the image in [-1, 1], PDR's photometric error without its confidence."""

    module: ImageAutoencoder

    def losses(self, images: Float[Tensor, "b 3 64 64"], generator: torch.Generator) -> Losses:
        """`loss` alone; nothing is drawn."""
        return {"loss": F.l1_loss(self.module(images), signed(images))}


class Autoencoder(TwinControl):
    """PDR's encoders and decoder reconstructing the image itself: the architecture without the physics."""

    cites: ClassVar[tuple[str, ...]] = ("wu2020unsup3d",)
    module: ImageAutoencoder

    def build(self, encoder: TwinEncoder) -> ImageAutoencoder:
        """With the decoder."""
        return ImageAutoencoder(encoder, encoder.size, self.config.nf)

    def learner(self) -> ControlLearner:
        """The absolute error."""
        return AutoencoderLearner(self.module, self.config.schedule)

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images and their reconstructions."""
        return {"input": images, "reconstruction": unsigned(self.module(images))}


class BetaVAEConfig(TwinConfig):
    """A beta-VAE's configuration."""

    beta: float = Field(4.0, ge=0, description="weight of the divergence from the prior (1: a plain VAE)")


class VariationalEncoder(nn.Module):
    """PDR's encoders, and linear layers from their values to means and logarithms of variances of as many normal
    variables; images in [0, 1] (b, 3, 64, 64) are encoded as the means, (b, d)."""

    def __init__(self, twin: TwinEncoder) -> None:
        super().__init__()
        self.twin = twin
        self.mean, self.log_variance = nn.Linear(twin.size, twin.size), nn.Linear(twin.size, twin.size)

    def moments(self, images: Float[Tensor, "b 3 64 64"]) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"]]:
        """Means and logarithms of variances."""
        hidden = self.twin(images)
        return self.mean(hidden).float(), self.log_variance(hidden).float()

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The means."""
        means: Tensor = self.mean(self.twin(images))
        return means


class BetaVAELearner(ControlLearner):
    """The evidence bound with the divergence weighted by beta, in nats per value of the image.

    Images in [-1, 1] are normal variables of variance 1 about the reconstruction. Losses: `loss`, `error` (half the
    squared error) and `divergence`, both sums over an image.
    """

    module: ImageAutoencoder

    def __init__(self, module: ImageAutoencoder, config: BetaVAEConfig) -> None:
        super().__init__(module, config.schedule)
        self.beta = config.beta

    def losses(self, images: Float[Tensor, "b 3 64 64"], generator: torch.Generator) -> Losses:
        """Of one sample of every image's variables."""
        encoder = self.module.encoder
        assert isinstance(encoder, VariationalEncoder), "a beta-VAE encodes means and variances"
        mean, log_variance = encoder.moments(images)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        target = signed(images)
        made = self.module.decode(mean + (log_variance / 2).exp() * noise)
        error = (made - target).square().sum(dim=(1, 2, 3)).mean() / 2
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean() / 2
        loss = (error + self.beta * divergence) / target[0].numel()
        return {"loss": loss, "error": error.detach(), "divergence": divergence.detach()}


class BetaVAE(Autoencoder):
    """A beta-VAE (Higgins et al., 2017) of PDR's encoders and decoder; features are the means, 512 values."""

    Config = BetaVAEConfig
    cites: ClassVar[tuple[str, ...]] = ("higgins2017betavae", "wu2020unsup3d")

    def build(self, encoder: TwinEncoder) -> ImageAutoencoder:
        """With means and variances, and the decoder."""
        return ImageAutoencoder(VariationalEncoder(encoder), encoder.size, self.config.nf)

    def learner(self) -> ControlLearner:
        """The weighted bound."""
        return BetaVAELearner(self.module, self.config)
