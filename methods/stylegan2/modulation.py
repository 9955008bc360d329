"""The modulated convolution: a style scales what a convolution takes in, and its output is brought back to scale.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020, section 2.2, equations 1 to 3.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from methods.stylegan2.layers import EqualLinear
from methods.stylegan2.upfirdn import Blur


class ModulatedConv2d(nn.Module):
    """A convolution whose input channels are scaled by a style; (b, cin, h, w) -> (b, cout, h, w) or twice the side.

    The paper scales the weights of each image. Here the input is scaled and the output divided by the norm of those
    weights, which is the same sum with its factors moved out, and lets one convolution serve the whole batch.

    Parameters
    ----------
    demodulate: whether outputs are divided by the norm of the modulated weights (equation 3).
    upsample: whether to double the resolution, by a transposed convolution and a low-pass filter.
    """

    def __init__(
        self, cin: int, cout: int, kernel: int, style_dim: int, *, demodulate: bool = True, upsample: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, cout, cin, kernel, kernel))
        self.modulation = EqualLinear(style_dim, cin, initial_bias=1.0)
        self.scale = 1 / math.sqrt(cin * kernel**2)
        self.demodulate = demodulate
        self.upsample = upsample
        if upsample:
            self.blur = Blur((1, 1), gain=4.0)

    def forward(self, x: Float[Tensor, "b cin h w"], style: Float[Tensor, "b cin"]) -> Float[Tensor, "b cout u v"]:
        """Convolve; `style` is an output of `modulation`."""
        weight = self.weight[0] * self.scale
        x = x * style[:, :, None, None].to(x.dtype)
        if self.upsample:
            x = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if self.demodulate:
            x = x * self._demodulation(weight, style)[:, :, None, None].to(x.dtype)
        return x

    @staticmethod
    def _demodulation(weight: Float[Tensor, "cout cin k k"], style: Float[Tensor, "b cin"]) -> Float[Tensor, "b cout"]:
        """One over the norm of each image's modulated weights, per output channel."""
        with torch.autocast(style.device.type, enabled=False):
            return torch.rsqrt(F.linear(style.square(), weight.square().sum(dim=(2, 3))) + 1e-8)
