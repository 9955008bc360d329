"""VQ-VAE's networks: a strided convolutional encoder, a codebook, and the mirrored decoder.

The layers are numbered as in the published models, so that their state dicts load as they are: `encoder.0` to
`encoder.9`, `emb.weight` (width, codes), `decoder.0` to `decoder.6`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

# The encoder ends in a normalisation, whose gain sets the scale of what is quantised; the codebook starts at the same
# one. It has to be small: at 1, the distances to the codes outweigh the reconstruction twentyfold at first, and after
# 400 steps on faces (width 32) 9 codes were in use instead of 180, at three times the reconstruction error.
INITIAL_SCALE = 1 / 40
# How many pixels of an image a code stands for, along each axis.
STRIDE = 4


class ResidualBlock(nn.Module):
    """x + [ReLU, 3x3 convolution, (batch normalisation,) ReLU, 1x1 convolution]; (b, width, h, w) to the same."""

    def __init__(self, width: int, *, normalise: bool) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            *([nn.BatchNorm2d(width)] if normalise else []),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The map and what the block adds to it."""
        change: Tensor = self.convs(x)
        return x + change


class Codebook(nn.Module):
    """`codes` vectors of `width` channels, the columns of `weight`."""

    def __init__(self, width: int, codes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(INITIAL_SCALE * torch.randn(width, codes))

    @torch.no_grad()
    def nearest(self, z: Float[Tensor, "b c h w"]) -> Int[Tensor, "b h w"]:
        """Index of each vector's nearest code by Euclidean distance; the lowest index among equals.

        |z - e|^2 = |z|^2 - 2 z.e + |e|^2, whose first term is the same for all codes: one matrix product instead of
        all differences. Distances do not change under a common shift, so the codes' mean is taken off first; it
        keeps the two remaining terms from cancelling where all codes lie far from the origin.
        """
        mean = self.weight.mean(dim=1, keepdim=True)
        codes = self.weight - mean
        vectors = z.movedim(1, -1).flatten(0, -2) - mean.T
        scores = torch.addmm(codes.square().sum(dim=0), vectors, codes, alpha=-2)
        return scores.argmin(dim=1).view(z.shape[0], *z.shape[2:])

    def look_up(self, indices: Int[Tensor, "b h w"]) -> Float[Tensor, "b c h w"]:
        """The codes at `indices`, differentiable in the codebook.

        A code's gradient is the mean, not the sum, over the positions that chose it, as in the published code: how
        far a code moves does not depend on how often it is used.
        """
        return F.embedding(indices, self.weight.T, scale_grad_by_freq=True).movedim(-1, 1)


@dataclass(frozen=True)
class Forward:
    """One forward pass: the reconstruction (b, 3, h, w) in [-1, 1], the map before (`continuous`) and after
    (`quantised`) the codebook (b, width, h/4, w/4), and the codes' indices (b, h/4, w/4)."""

    reconstruction: Tensor
    continuous: Tensor
    quantised: Tensor
    indices: Tensor


class VQVAENetwork(nn.Module):
    """The autoencoder for images of any size that is a multiple of 4.

    Parameters
    ----------
    width: channels of every hidden layer and of a code (the paper's D).
    codes: entries of the codebook (the paper's K).
    initial_std: standard deviation that convolutions and codes start with, as in the released code, whose biases start
        at 0; None leaves PyTorch's initial weights and codes of `INITIAL_SCALE`. Transposed convolutions start as
        PyTorch's either way.
    """

    def __init__(self, width: int, codes: int, *, initial_std: float | None = None) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 4, stride=2, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            ResidualBlock(width, normalise=True),
            nn.BatchNorm2d(width),
            ResidualBlock(width, normalise=True),
            last := nn.BatchNorm2d(width),
        )
        self.emb = Codebook(width, codes)
        self.decoder = nn.Sequential(
            ResidualBlock(width, normalise=False),
            nn.BatchNorm2d(width),
            ResidualBlock(width, normalise=False),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1),
        )
        nn.init.constant_(last.weight, INITIAL_SCALE)
        if initial_std is not None:
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.normal_(layer.weight, std=initial_std)
                    assert layer.bias is not None, "every convolution has a bias"
                    nn.init.zeros_(layer.bias)
            nn.init.normal_(self.emb.weight, std=initial_std)

    def encoder_maps(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The maps that enter the encoder's convolutions and residual blocks, and the one that it ends in."""
        found, x = list[Tensor](), images
        for layer in self.encoder:
            if isinstance(layer, nn.Conv2d | ResidualBlock) and x is not images:
                found.append(x)
            x = layer(x)
        return [*found, x]

    def quantise(self, images: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        """Continuous map, quantised map (both b, width, h/4, w/4; float32) and indices (b, h/4, w/4)."""
        continuous = self.encoder(images).float()
        # Under autocast a product of half precision would mistake the nearest of close codes.
        with torch.autocast(images.device.type, enabled=False):
            indices = self.emb.nearest(continuous)
            return continuous, self.emb.look_up(indices), indices

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Forward:
        """Reconstruct images; the decoder's gradient passes straight through the quantisation to the encoder."""
        continuous, quantised, indices = self.quantise(images)
        straight = continuous + (quantised - continuous).detach()
        reconstruction = torch.tanh(self.decoder(straight).float())
        return Forward(reconstruction, continuous, quantised, indices)


def losses(target: Float[Tensor, "b 3 h w"], out: Forward) -> dict[str, Tensor]:
    """The objective and its parts, as the published baseline trains it (scalars).

    `mse` reconstruction; `vq` moves the codes to the data and `commit` the data to the codes. Both are the mean over
    positions of ||(e - z)^2||_2, the norm over channels of the *squared* differences. loss = mse + vq + commit / 2.
    """
    mse = F.mse_loss(out.reconstruction, target)
    vq = _distance(out.quantised, out.continuous.detach())
    commit = _distance(out.quantised.detach(), out.continuous)
    return {"loss": mse + vq + 0.5 * commit, "mse": mse, "vq": vq, "commit": commit}


def _distance(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean over positions of the norm over channels of the squared differences."""
    norms: Tensor = torch.linalg.vector_norm((a - b).square(), dim=1)
    return norms.mean()
