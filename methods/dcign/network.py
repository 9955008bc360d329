"""DC-IGN's networks: a convolutional encoder with two heads, and a decoder of nearest upsampling and convolutions.

Layers have the order of the released code, which pools before its ReLU. Its ReLU gives 1e-6 where its input is not
positive; a plain one is the same to within float32's rounding of everything that follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

# The kernels of both networks, and how many halvings (doublings) there are.
ENCODER_KERNEL, DECODER_KERNEL = 5, 7
ENCODER_STAGES, DECODER_STAGES = 3, 4
# The sides of images that there are networks for, and the padding of the decoder's convolutions. At 150 pixels none, as
# published. No image of another size leaves the published decoder at its own; at 64 pixels, padded convolutions keep
# what upsampling gives.
PADDING = {150: 0, 64: 3}
# Linear layers start with this standard deviation.
INITIAL_STD = 0.01


def code_side(size: int) -> int:
    """Side of the smallest map, in which the encoder of images of `size` pixels ends: 15 of 150, 4 of 64."""
    side = size
    for _ in range(ENCODER_STAGES):
        side = (side - ENCODER_KERNEL + 1) // 2
    return side


class Encoder(nn.Module):
    """Three times a 5x5 convolution without padding, 2x2 max pooling and ReLU; (b, c, s, s) to (b, flat).

    Parameters
    ----------
    channels: of images.
    widths: channels after each convolution.
    """

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        first, second, third = widths
        self.conv1 = nn.Conv2d(channels, first, ENCODER_KERNEL)
        self.conv2 = nn.Conv2d(first, second, ENCODER_KERNEL)
        self.conv3 = nn.Conv2d(second, third, ENCODER_KERNEL)

    def forward(self, images: Float[Tensor, "b c s s"]) -> Float[Tensor, "b d"]:
        """The last map, flattened by channel, row and column."""
        found = images
        for layer in (self.conv1, self.conv2, self.conv3):
            found = F.relu(F.max_pool2d(layer(found), 2))
        return found.flatten(1)


class Decoder(nn.Module):
    """A linear layer, then four times nearest upsampling and a 7x7 convolution; (b, latents) to (b, c, s, s) in [0, 1].

    Parameters
    ----------
    latents: size of the code.
    start: channels of the map that the linear layer makes, and its `side`.
    widths: channels after each convolution but the last, which has the `channels` of images.
    padding: of each convolution.
    """

    def __init__(
        self, latents: int, start: int, side: int, widths: Sequence[int], channels: int, *, padding: int
    ) -> None:
        super().__init__()
        first, second, third = widths
        self.start, self.side = start, side
        self.linear = nn.Linear(latents, start * side * side)
        self.conv1 = nn.Conv2d(start, first, DECODER_KERNEL, padding=padding)
        self.conv2 = nn.Conv2d(first, second, DECODER_KERNEL, padding=padding)
        self.conv3 = nn.Conv2d(second, third, DECODER_KERNEL, padding=padding)
        self.conv4 = nn.Conv2d(third, channels, DECODER_KERNEL, padding=padding)

    def forward(self, code: Float[Tensor, "b d"]) -> Float[Tensor, "b c s s"]:
        """The image of a code."""
        found = F.relu(self.linear(code)).view(-1, self.start, self.side, self.side)
        # Channels last: the same values, and on a CPU the quicker kernels.
        found = found.contiguous(memory_format=torch.channels_last)
        for layer in (self.conv1, self.conv2, self.conv3):
            found = F.relu(layer(_doubled(found)))
        return torch.sigmoid(_whole(self.conv4(_doubled(found))))


def _whole(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """In float32, or what is more precise than that."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _doubled(maps: Float[Tensor, "b c s s"]) -> Float[Tensor, "b c t t"]:
    return F.interpolate(maps, scale_factor=2, mode="nearest")


@dataclass(frozen=True)
class Posterior:
    """What images say of their code: means and logarithms of variances (b, latents) of independent normals."""

    mean: Tensor
    logvar: Tensor

    def sample(self, noise: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """A code from standard normal `noise`."""
        drawn: Tensor = self.mean + torch.exp(0.5 * self.logvar) * noise
        return drawn


class DCIGNNetwork(nn.Module):
    """Encoder, heads and decoder, with the names of the layers of the golden files.

    Parameters
    ----------
    size: side of images in pixels, of those in `PADDING`.
    channels: of images: 1 for grey, 3 for RGB.
    encoder_widths, decoder_widths: see `Encoder` and `Decoder`.
    latents: size of the code.

    Weights start as in the released code: linear layers normal with a deviation of 0.01, convolutions uniform within
    one over the root of what goes into a unit; biases too.
    """

    def __init__(
        self, size: int, channels: int, encoder_widths: Sequence[int], decoder_widths: Sequence[int], latents: int
    ) -> None:
        super().__init__()
        side, start = code_side(size), encoder_widths[-1]
        self.encoder = Encoder(channels, encoder_widths)
        self.head_mu = nn.Linear(start * side * side, latents)
        self.head_logvar = nn.Linear(start * side * side, latents)
        self.decoder = Decoder(latents, start, side, decoder_widths, channels, padding=PADDING[size])
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=INITIAL_STD)
                nn.init.normal_(layer.bias, std=INITIAL_STD)
            elif isinstance(layer, nn.Conv2d):
                assert layer.bias is not None, "every convolution has a bias"
                bound = layer.weight[0].numel() ** -0.5
                nn.init.uniform_(layer.weight, -bound, bound)
                nn.init.uniform_(layer.bias, -bound, bound)

    def encode(self, images: Float[Tensor, "b c s s"]) -> Posterior:
        """The posterior of images' codes, in float32 under autocast too."""
        flat = self.encoder(images)
        return Posterior(_whole(self.head_mu(flat)), _whole(self.head_logvar(flat)))

    def decode(self, code: Float[Tensor, "b d"]) -> Float[Tensor, "b c s s"]:
        """The images of codes, in [0, 1]."""
        made: Tensor = self.decoder(code)
        return made
