"""Layers with an equalised learning rate: weights are stored at unit variance and scaled when used.

Karras et al., "Progressive Growing of GANs", ICLR 2018, section 4.1. The parameters' names are those of the official
checkpoints.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
GAIN = math.sqrt(2)


def scaled_leaky_relu(x: Float[Tensor, "b c *shape"], bias: Float[Tensor, " c"]) -> Float[Tensor, "b c *shape"]:
    """sqrt(2) * LeakyReLU(x + bias), which keeps the variance of its input."""
    x = x + bias.view(-1, *[1] * (x.dim() - 2)).to(x.dtype)
    return F.leaky_relu(x, SLOPE) * GAIN


class ScaledLeakyReLU(nn.Module):
    """`scaled_leaky_relu` with a bias of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "b c *shape"]) -> Float[Tensor, "b c *shape"]:
        """Bias, activation and gain."""
        return scaled_leaky_relu(x, self.bias)


class PixelNorm(nn.Module):
    """Scale each row to a mean square of 1."""

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """The rows, normalised."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class EqualLinear(nn.Module):
    """A fully connected layer, always computed in float32: (b, cin) -> (b, cout).

    Parameters
    ----------
    initial_bias: what the bias starts from.
    rate: factor on the learning rate of weight and bias.
    activate: whether `scaled_leaky_relu` follows.
    """

    def __init__(
        self, cin: int, cout: int, *, initial_bias: float = 0.0, rate: float = 1.0, activate: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cout, cin) / rate)
        self.bias = nn.Parameter(torch.full((cout,), initial_bias))
        self.scale = rate / math.sqrt(cin)
        self.rate = rate
        self.activate = activate

    def forward(self, x: Float[Tensor, "b cin"]) -> Float[Tensor, "b cout"]:
        """The layer's output in float32, also under autocast."""
        # Styles steer all pixels alike: in half precision their error would show as a change of the whole image.
        with torch.autocast(x.device.type, enabled=False):
            x, bias = x.float(), self.bias * self.rate
            if self.activate:
                return scaled_leaky_relu(F.linear(x, self.weight * self.scale), bias)
            return F.linear(x, self.weight * self.scale, bias)


class EqualConv2d(nn.Module):
    """A convolution: (b, cin, h, w) -> (b, cout, h', w').

    `activate`: whether a bias and `scaled_leaky_relu` follow; there is no bias otherwise.
    """

    def __init__(
        self, cin: int, cout: int, kernel: int, *, stride: int = 1, padding: int = 0, activate: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cout, cin, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(cout)) if activate else None
        self.scale = 1 / math.sqrt(cin * kernel**2)
        self.stride = stride
        self.padding = padding

    def forward(self, x: Float[Tensor, "b cin h w"]) -> Float[Tensor, "b cout u v"]:
        """The convolution, activated where the layer is."""
        if self.bias is None:
            return F.conv2d(x, self.weight * self.scale, stride=self.stride, padding=self.padding)
        # The activation's gain is a positive factor, so it may as well be on the weights: one pass over the maps less.
        weight, bias = self.weight * (self.scale * GAIN), self.bias * GAIN
        return F.leaky_relu(F.conv2d(x, weight, bias, self.stride, self.padding), SLOPE)
