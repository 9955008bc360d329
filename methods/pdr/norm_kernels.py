"""Group normalisation with its activation in one compiled pass, for bfloat16 maps in channels-last order on a CPU.

PyTorch's own group normalisation is several times slower in that order than a convolution of the same map, while the
convolutions are twice as fast in it as in any other. Each image is worked on from beginning to end by one thread, so
that equal inputs give equal bits for any number of threads.

numba has no bfloat16: arrays hold the bits, as uint16, and sums are in float32 and float64. That the variance is
taken as E[x^2] - E[x]^2 costs nothing here: where it would cancel, the eight bits of x hold no deviation anyway.
"""

from functools import partial
from typing import no_type_check

import numpy as np

from methods.numba_threads import compiled

EPSILON = 1e-5
# Values worked on together, a multiple of the channels: enough to fill the widest vector registers several times.
LANES = 64

HALF, ONE, SIXTEEN = np.uint32(0x7FFF), np.uint32(1), np.uint32(16)


def lanes(channels: int) -> int:
    """How many neighbouring values of a map a kernel takes at once; a map must be a multiple of it."""
    return channels * -(-LANES // channels)


# Sums may be reordered: without that they are not vectorised. The order still is the same in every call.
vectorised = partial(compiled, fastmath={"reassoc", "contract", "nsz"})


@vectorised
@no_type_check
def forward(
    weight: np.ndarray,
    bias: np.ndarray,
    slope: float,
    x: np.ndarray,
    y: np.ndarray,
    mean: np.ndarray,
    rstd: np.ndarray,
) -> None:
    """y = activation(weight * (x - mean) * rstd + bias), activation(z) = z if z > 0 else slope * z.

    x, y: (b, h * w * c) bits of bfloat16, channels innermost; weight, bias: (c,); mean, rstd: (b, groups) float32.
    Out: y, mean, rstd.
    """
    channels, groups = weight.shape[0], mean.shape[1]
    width = channels * -(-LANES // channels)
    rows = x.shape[1] // width
    share = channels // groups
    count = share * (x.shape[1] // channels)
    slope = np.float32(slope)
    total, squares = np.empty(width, np.float32), np.empty(width, np.float32)
    scale, shift = np.empty(width, np.float32), np.empty(width, np.float32)
    for image in range(x.shape[0]):
        total[:] = np.float32(0.0)
        squares[:] = np.float32(0.0)
        for row in range(rows):
            values = x[image, row * width : (row + 1) * width]
            for lane in range(width):
                value = np.uint32(np.uint32(values[lane]) << SIXTEEN).view(np.float32)
                total[lane] += value
                squares[lane] += value * value
        for group in range(groups):
            first, second = 0.0, 0.0
            for channel in range(group * share, (group + 1) * share):
                for lane in range(channel, width, channels):
                    first += total[lane]
                    second += squares[lane]
            centre = first / count
            spread = 1.0 / np.sqrt(max(second / count - centre * centre, 0.0) + EPSILON)
            mean[image, group], rstd[image, group] = centre, spread
            for channel in range(group * share, (group + 1) * share):
                for lane in range(channel, width, channels):
                    scale[lane] = weight[channel] * spread
                    shift[lane] = bias[channel] - centre * weight[channel] * spread
        for row in range(rows):
            values, out = x[image, row * width : (row + 1) * width], y[image, row * width : (row + 1) * width]
            for lane in range(width):
                value = np.uint32(np.uint32(values[lane]) << SIXTEEN).view(np.float32)
                z = value * scale[lane] + shift[lane]
                z = z if z > np.float32(0.0) else z * slope
                bits = np.float32(z).view(np.uint32)
                out[lane] = (bits + HALF + ((bits >> SIXTEEN) & ONE)) >> SIXTEEN


@vectorised
@no_type_check
def backward(
    weight: np.ndarray,
    bias: np.ndarray,
    slope: float,
    x: np.ndarray,
    grad: np.ndarray,
    mean: np.ndarray,
    rstd: np.ndarray,
    grad_x: np.ndarray,
    grad_weight: np.ndarray,
    grad_bias: np.ndarray,
) -> None:
    """Gradients w.r.t. x (bits of bfloat16, as x), and per image w.r.t. weight and bias (b, c).

    With d the gradient w.r.t. the normalised map times weight and h = (x - mean) rstd:
    dx = rstd (d - mean(d) - h mean(d h)), means over a group's values of one image.
    """
    channels, groups = weight.shape[0], mean.shape[1]
    width = channels * -(-LANES // channels)
    rows = x.shape[1] // width
    share = channels // groups
    count = share * (x.shape[1] // channels)
    slope = np.float32(slope)
    total, products = np.empty(width, np.float32), np.empty(width, np.float32)
    scale, shift = np.empty(width, np.float32), np.empty(width, np.float32)
    along, offset = np.empty(width, np.float32), np.empty(width, np.float32)
    for image in range(x.shape[0]):
        for channel in range(channels):
            centre, spread = mean[image, channel // share], rstd[image, channel // share]
            for lane in range(channel, width, channels):
                scale[lane] = weight[channel] * spread
                shift[lane] = bias[channel] - centre * weight[channel] * spread
        total[:] = np.float32(0.0)
        products[:] = np.float32(0.0)
        for row in range(rows):
            values, slopes = x[image, row * width : (row + 1) * width], grad[image, row * width : (row + 1) * width]
            for lane in range(width):
                value = np.uint32(np.uint32(values[lane]) << SIXTEEN).view(np.float32)
                d = np.uint32(np.uint32(slopes[lane]) << SIXTEEN).view(np.float32)
                d = d if value * scale[lane] + shift[lane] > np.float32(0.0) else d * slope
                total[lane] += d
                products[lane] += d * value
        for group in range(groups):
            centre, spread = np.float64(mean[image, group]), np.float64(rstd[image, group])
            first, second = 0.0, 0.0
            for channel in range(group * share, (group + 1) * share):
                sum_d, sum_dx = 0.0, 0.0
                for lane in range(channel, width, channels):
                    sum_d += total[lane]
                    sum_dx += products[lane]
                sum_dh = spread * (sum_dx - centre * sum_d)
                grad_bias[image, channel], grad_weight[image, channel] = sum_d, sum_dh
                first += weight[channel] * sum_d
                second += weight[channel] * sum_dh
            slant = -spread * spread * second / count
            for channel in range(group * share, (group + 1) * share):
                for lane in range(channel, width, channels):
                    along[lane] = slant
                    offset[lane] = -spread * first / count - slant * centre
        for row in range(rows):
            values, slopes = x[image, row * width : (row + 1) * width], grad[image, row * width : (row + 1) * width]
            out = grad_x[image, row * width : (row + 1) * width]
            for lane in range(width):
                value = np.uint32(np.uint32(values[lane]) << SIXTEEN).view(np.float32)
                d = np.uint32(np.uint32(slopes[lane]) << SIXTEEN).view(np.float32)
                d = d if value * scale[lane] + shift[lane] > np.float32(0.0) else d * slope
                bits = np.float32(d * scale[lane] + value * along[lane] + offset[lane]).view(np.uint32)
                out[lane] = (bits + HALF + ((bits >> SIXTEEN) & ONE)) >> SIXTEEN
