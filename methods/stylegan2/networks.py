"""Generator, encoder and average latent together: what a checkpoint of the method holds."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.streams import seed_for
from methods.ranges import signed, unsigned
from methods.stylegan2.architecture import Architecture
from methods.stylegan2.e4e import Encoder
from methods.stylegan2.generator import Generator

# Latents whose mean is the average latent of a generator trained here.
LATENTS = 10_000


class Networks(nn.Module):
    """The encoder, the generator that it inverts, and the average latent (layers, style) that codes start from.

    Attributes
    ----------
    encoder_side: side in pixels of the images that the encoder is fed: `encoder_input`, or its own where that is
        less or nothing is given. Its heads end in a single pixel whether its maps are smaller than those it was made
        for or not.
    """

    latent_avg: Tensor

    def __init__(self, architecture: Architecture, *, encoder_input: int | None = None) -> None:
        super().__init__()
        self.architecture = architecture
        self.encoder_side = min(encoder_input or architecture.encoder_input, architecture.encoder_input)
        self.generator = Generator(architecture)
        self.encoder = Encoder(architecture)
        self.register_buffer("latent_avg", torch.zeros(architecture.styles, architecture.style_dim))

    def invert(self, images: Float[Tensor, "b 3 h w"], *, stage: int | None = None) -> Float[Tensor, "b layers style"]:
        """Codes in W+ of images in [0, 1] of any size; `stage` as in `Encoder.forward`."""
        offsets: Tensor = self.encoder(signed(resized(images, self.encoder_side)), stage=stage)
        return offsets + self.latent_avg

    @torch.no_grad()
    def average_latent(self) -> None:
        """Set the average latent to the mean w of the generator as it is now."""
        # Training the generator alone may have left it on another device than the rest.
        device = self.generator.input.input.device
        z = torch.Generator().manual_seed(seed_for(0, "stylegan2", "average latent"))
        drawn = torch.randn(LATENTS, self.architecture.style_dim, generator=z).to(device)
        self.latent_avg.copy_(self.generator.style(drawn).mean(dim=0).expand_as(self.latent_avg))

    def samples(self, count: int, name: str, *, truncation: float = 0.7) -> Float[Tensor, "b 3 side side"]:
        """Generated images in [0, 1] of latents drawn from the stream `name`, pulled towards the average latent."""
        z = torch.Generator().manual_seed(seed_for(0, "stylegan2", name))
        drawn = torch.randn(count, self.architecture.style_dim, generator=z).to(self.latent_avg.device)
        w_plus = self.generator.broadcast(self.generator.style(drawn))
        return unsigned(self.generator.synthesize(torch.lerp(self.latent_avg, w_plus, truncation)))


def resized(images: Float[Tensor, "b 3 h w"], side: int) -> Float[Tensor, "b 3 side side"]:
    """Images of `side` px (bilinear, antialiased)."""
    if images.shape[-1] == images.shape[-2] == side:
        return images
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
