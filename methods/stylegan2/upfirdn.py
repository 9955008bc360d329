"""Upsampling, FIR filtering and downsampling in one: the low-pass filters around every change of resolution.

StyleGAN2 filters with the binomial kernel [1, 3, 3, 1] (Karras et al., CVPR 2020, appendix B, after Zhang, "Making
Convolutional Networks Shift-Invariant Again", ICML 2019). The kernel is a buffer, as in the official checkpoints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = (1.0, 3.0, 3.0, 1.0)


def fir_kernel(gain: float = 1.0) -> Float[Tensor, "4 4"]:
    """The binomial kernel in two dimensions; its entries sum to `gain`."""
    taps = torch.tensor(TAPS)
    kernel = torch.outer(taps, taps)
    return kernel * (gain / kernel.sum())


def upfirdn(
    x: Float[Tensor, "b c h w"],
    kernel: Float[Tensor, "k k"],
    *,
    up: int = 1,
    down: int = 1,
    padding: tuple[int, int] = (0, 0),
) -> Float[Tensor, "b c u v"]:
    """Put `up - 1` zeros after each pixel, pad (before, after) on both axes, filter, keep every `down`-th pixel."""
    c = x.shape[1]
    size = kernel.shape[-1]
    weight = kernel.expand(c, 1, size, size)
    before, after = padding
    # In float32 also under autocast: a CPU has no fast bfloat16 code for one filter per channel.
    with torch.autocast(x.device.type, enabled=False):
        x = x.float()
        if up == 1:
            if before != after:
                x, before = F.pad(x, (before, after, before, after)), 0
            return F.conv2d(x, weight.flip(2, 3), padding=before, stride=down, groups=c)
        # A transposed convolution never multiplies the zeros. Its full output is that of padding size - 1 before and
        # size - up after; what was asked for is a window of it.
        full = F.conv_transpose2d(x, weight, stride=up, groups=c)
        left, right = before - (size - 1), after - (size - up)
        return F.pad(full, (left, right, left, right))[:, :, ::down, ::down]


class Blur(nn.Module):
    """Filter without a change of resolution, but for what the padding adds."""

    kernel: Tensor

    def __init__(self, padding: tuple[int, int], *, gain: float = 1.0, down: int = 1) -> None:
        super().__init__()
        self.register_buffer("kernel", fir_kernel(gain))
        self.padding = padding
        self.down = down

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c u v"]:
        """The map, filtered."""
        return upfirdn(x, self.kernel, down=self.down, padding=self.padding)


class Upsample(nn.Module):
    """Twice the resolution, filtered: (b, c, h, w) -> (b, c, 2h, 2w)."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", fir_kernel(gain=4.0))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c u v"]:
        """The map, twice as large."""
        return upfirdn(x, self.kernel, up=2, padding=(2, 1))
