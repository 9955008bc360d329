"""StyleGAN2's discriminator: residual blocks that halve the image, and the spread of a minibatch as one more map.

Karras et al., CVPR 2020, figure 7c; minibatch standard deviation from "Progressive Growing of GANs", section 3.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.stylegan2.architecture import START, Architecture
from methods.stylegan2.layers import EqualConv2d, EqualLinear
from methods.stylegan2.upfirdn import Blur

# Images among which the minibatch standard deviation is taken.
GROUP = 4


class DownBlock(nn.Module):
    """Two 3x3 convolutions, the second at half the resolution, added to a filtered 1x1 shortcut.

    (b, cin, s, s) -> (b, cout, s/2, s/2).
    """

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv1 = EqualConv2d(cin, cin, 3, padding=1, activate=True)
        self.conv2 = nn.Sequential(Blur((2, 2)), EqualConv2d(cin, cout, 3, stride=2, activate=True))
        self.skip = nn.Sequential(Blur((1, 1), down=2), EqualConv2d(cin, cout, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """The sum of both ways, at its variance of before."""
        main: Tensor = self.conv2(self.conv1(x))
        shortcut: Tensor = self.skip(x)
        return (main + shortcut) / math.sqrt(2)


class MinibatchDeviation(nn.Module):
    """Adds one constant map: the standard deviation within a group of images, averaged over channels and pixels.

    Image i is in the group of i, i + b/n, i + 2b/n, ...; n is the largest divisor of the batch up to `GROUP`.
    """

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """The maps and one more, (b, c + 1, h, w)."""
        b, c, h, w = x.shape
        group = max(size for size in range(1, GROUP + 1) if b % size == 0)
        grouped = x.float().view(group, b // group, c, h, w)
        deviation = (grouped.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
        maps = deviation.repeat(group).view(b, 1, 1, 1).expand(b, 1, h, w)
        return torch.cat([x, maps.to(x.dtype)], dim=1)


class Discriminator(nn.Module):
    """Images (b, 3, s, s) of the generator's size to how real they look, as logits (b,)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        channels = architecture.channels
        top, last = channels(architecture.resolution), channels(START)
        self.from_rgb = EqualConv2d(3, top, 1, activate=True)
        self.blocks = nn.Sequential(
            *[DownBlock(channels(side), channels(side // 2)) for side in reversed(architecture.sides[1:])]
        )
        self.deviation = MinibatchDeviation()
        self.last = EqualConv2d(last + 1, last, 3, padding=1, activate=True)
        self.logit = nn.Sequential(EqualLinear(last * START**2, last, activate=True), EqualLinear(last, 1))

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, " b"]:
        """The logits; the batch matters, by its spread."""
        x = self.last(self.deviation(self.blocks(self.from_rgb(images))))
        logits: Tensor = self.logit(x.flatten(1))
        return logits.squeeze(1)
