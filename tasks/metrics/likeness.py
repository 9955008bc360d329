"""How like two images are, one number per image: PSNR, SSIM and the mean absolute difference, over a mask of each."""

import math

import numpy as np
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from methods.torchvision_compat import declare_missing_operators

LEVELS = 255.0
# The mean square error that rounding to 8 bits leaves of an image in [0, 1]: smaller ones mean nothing.
ROUNDED = 1 / (12 * LEVELS**2)
BEST_PSNR = -10 * math.log10(ROUNDED)


def likeness(
    rendered: Float[Tensor, "n 3 s s"], true: Float[Tensor, "n 3 s s"], mask: Bool[np.ndarray, "n s s"]
) -> dict[str, Float[np.ndarray, " n"]]:
    """`psnr`, `ssim` and `l1` of images in [0, 1] over each one's mask, `psnr_whole`, `ssim_whole` and `l1_whole`.

    psnr: peak signal to noise ratio in dB, from the mean square over pixels and channels; at most `BEST_PSNR`.
    ssim: the mean of `ssim_map` over pixels and channels; the windows of pixels at the mask's edge reach beyond it.
    l1: mean absolute difference in levels, 0 to 255.

    No mask may be empty.
    """
    one, other = rendered.double(), true.double()
    difference, similar = (one - other).numpy(), ssim_map(one, other).numpy()
    everywhere = np.ones_like(mask)
    return {
        "psnr": _decibel(_mean(np.square(difference), mask)),
        "ssim": _mean(similar, mask),
        "l1": LEVELS * _mean(np.abs(difference), mask),
        "psnr_whole": _decibel(_mean(np.square(difference), everywhere)),
        "ssim_whole": _mean(similar, everywhere),
        "l1_whole": LEVELS * _mean(np.abs(difference), everywhere),
    }


def ssim_map(one: Float64[Tensor, "n c s s"], other: Float64[Tensor, "n c s s"]) -> Float64[Tensor, "n c s s"]:
    """Structural similarity of images in [0, 1] at each pixel (Wang et al., 2004), by the Gaussian window of 11 x 11
    pixels with deviation 1.5; images are mirrored at their borders.

    In float64: in float32 torchmetrics rounds by up to 0.003 where images are flat. Importing it takes seconds, which a
    run that renders nothing need not spend.
    """
    declare_missing_operators()
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, found = structural_similarity_index_measure(
        one, other, sigma=1.5, data_range=1.0, reduction="none", return_full_image=True
    )
    return found


def _decibel(square: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.asarray(-10 * np.log10(np.maximum(square, ROUNDED)))


def _mean(values: Float[np.ndarray, "n c s s"], mask: Bool[np.ndarray, "n s s"]) -> Float[np.ndarray, " n"]:
    """Over the pixels of each image's mask and their channels."""
    return np.asarray((values * mask[:, None]).sum(axis=(1, 2, 3)) / (values.shape[1] * mask.sum(axis=(1, 2))))
