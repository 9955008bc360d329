"""Layers of PDR's networks in the form that runs fastest, equal to the plain ones in every weight and value.

Times are of forward and backward for 16 images of 64 px at width 16, one thread of a CPU with AVX512-BF16.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from methods.autograd import applied
from methods.numba_threads import over_batch
from methods.pdr import norm_kernels


class NormActivation(nn.GroupNorm):
    """Group normalisation followed by z -> z if z > 0 else slope * z (ReLU for slope 0, LeakyReLU otherwise)."""

    def __init__(self, groups: int, channels: int, slope: float = 0.0) -> None:
        super().__init__(groups, channels, eps=norm_kernels.EPSILON)
        self.slope = slope

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise and activate; by the compiled kernel for bfloat16 on a CPU."""
        if input.device.type == "cpu" and input.dtype == torch.bfloat16:
            pixels = input.shape[2] * input.shape[3]
            if pixels * self.num_channels % norm_kernels.lanes(self.num_channels) == 0:
                return applied(_NormActivation, input, self.weight, self.bias, self.num_groups, self.slope)
        # On a CPU, torch normalises maps in channels-last order far slower than it copies them.
        x = input.contiguous() if input.device.type == "cpu" else input
        return F.leaky_relu(super().forward(x), self.slope) if self.slope else super().forward(x).relu()


class _NormActivation(torch.autograd.Function):
    """The compiled form: 1 ms in place of 36 (16 channels at 64 px)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, slope: float) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        y = torch.empty_like(x)
        mean, rstd = (torch.empty(len(x), groups) for _ in range(2))
        over_batch(norm_kernels.forward, [weight, bias, slope], [bits(x)], [bits(y), mean, rstd])
        ctx.save_for_backward(x, weight, bias, mean, rstd)
        ctx.slope = slope
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, mean, rstd = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x = torch.empty_like(x)
        grad_weight, grad_bias = (torch.empty(len(x), x.shape[1]) for _ in range(2))
        over_batch(
            norm_kernels.backward,
            [weight, bias, ctx.slope],
            [bits(x), bits(grad), mean, rstd],
            [bits(grad_x), grad_weight, grad_bias],
        )
        return grad_x, grad_weight.sum(dim=0), grad_bias.sum(dim=0), None, None


def bits(x: Tensor) -> Tensor:
    """A channels-last bfloat16 map as uint16 (b, h * w * c), sharing memory."""
    return x.permute(0, 2, 3, 1).flatten(1).view(torch.uint16)


class MapToVector(nn.Conv2d):
    """A convolution whose kernel covers the whole map: one matrix product, (b, c, k, k) -> (b, d, 1, 1)."""

    def forward(self, input: Float[Tensor, "b c k k"]) -> Float[Tensor, "b d 1 1"]:
        """The convolution, as a matrix product."""
        return F.linear(input.flatten(1), self.weight.flatten(1))[:, :, None, None]


class VectorToMap(nn.ConvTranspose2d):
    """A transposed convolution of a single pixel: one matrix product, (b, d, 1, 1) -> (b, c, k, k)."""

    def forward(
        self, input: Float[Tensor, "b d 1 1"], output_size: list[int] | None = None
    ) -> Float[Tensor, "b c k k"]:
        """The transposed convolution, as a matrix product, in channels-last order."""
        out = (input.flatten(1) @ self.weight.flatten(1)).view(-1, *self.weight.shape[1:])
        return out.contiguous(memory_format=torch.channels_last)


class UpsampledConv(nn.Conv2d):
    """A 3x3 convolution of the map enlarged twofold by nearest neighbour, (b, c, h, w) -> (b, d, 2h, 2w).

    That is a transposed 4x4 convolution of stride 2 of the map itself, 4 in place of 9 products a pixel: each kernel
    row (and column) w of three becomes (w2, w1 + w2, w0 + w1, w0).
    """

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        """The transposed convolution that stands for enlarging and convolving."""
        return F.conv_transpose2d(input, self._doubled().transpose(0, 1), stride=2, padding=1)

    def _doubled(self) -> Float[Tensor, "d c 4 4"]:
        kernel = self.weight
        for dim in (2, 3):
            w0, w1, w2 = kernel.unbind(dim)
            kernel = torch.stack([w2, w1 + w2, w0 + w1, w0], dim)
        return kernel


class FewChannelsConv(nn.Conv2d):
    """A convolution of stride 1 and odd size to a few channels, (b, c, h, w) -> (b, d, h, w), h and w even.

    CPU kernels compute 16 output channels at a time, used or not. So a block of 2x2 pixels is computed as channels,
    by a kernel one wider at stride 2.
    """

    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """The convolution; on a CPU a block of 2x2 pixels at a time."""
        if input.device.type != "cpu":
            return super().forward(input)
        shifted = [F.pad(self.weight, (x, 1 - x, y, 1 - y)) for y in (0, 1) for x in (0, 1)]
        kernel = torch.stack(shifted, dim=1).flatten(0, 1)
        return F.pixel_shuffle(F.conv2d(input, kernel, stride=2, padding=self.padding), 2)
