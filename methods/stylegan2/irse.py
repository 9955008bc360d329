"""The improved residual network with squeeze-and-excitation (IR-SE) of ArcFace, e4e's backbone.

Deng et al., "ArcFace", CVPR 2019, section 3.2.1; Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018. Numbered
as in the published checkpoints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

REDUCTION = 16


class SqueezeExcitation(nn.Module):
    """Scale channels by a gate computed from their means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The map, each channel scaled by a factor in (0, 1)."""
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(means))))


class Shortcut(nn.Conv2d):
    """A 1x1 convolution without bias of every `stride`-th pixel: (b, cin, h, w) -> (b, cout, h / stride, w / stride).

    The pixels are picked first. PyTorch's own strided 1x1 convolution writes beyond its memory on a CPU, in the
    backward pass of channels-last input of fewer than 16 channels (seen in torch 2.13).
    """

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__(cin, cout, 1, bias=False)
        self.step = stride

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """The convolution of the pixels picked."""
        return super().forward(x[:, :, :: self.step, :: self.step])


class ResidualUnit(nn.Module):
    """BN, 3x3, PReLU, 3x3 (with the stride), BN and squeeze-and-excitation, added to a shortcut.

    (b, cin, h, w) -> (b, cout, h / stride, w / stride).
    """

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module
        if cin == cout:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(Shortcut(cin, cout, stride), nn.BatchNorm2d(cout))
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(cin),
            nn.Conv2d(cin, cout, 3, padding=1, bias=False),
            nn.PReLU(cout),
            nn.Conv2d(cout, cout, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(cout),
            SqueezeExcitation(cout),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """The sum of both ways."""
        change: Tensor = self.res_layer(x)
        kept: Tensor = self.shortcut_layer(x)
        return change + kept


def stem(width: int) -> nn.Sequential:
    """The layers before the first stage: (b, 3, s, s) -> (b, width, s, s)."""
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width))


def stages(width: int, units: tuple[int, int, int, int]) -> list[list[ResidualUnit]]:
    """Four stages of `units` residual units, each halving the map; of width, 2, 4 and 8 times as many channels."""
    out = []
    cin = width
    for stage, count in enumerate(units):
        cout = width * 2**stage
        out.append([ResidualUnit(cin, cout, 2), *(ResidualUnit(cout, cout, 1) for _ in range(count - 1))])
        cin = cout
    return out
