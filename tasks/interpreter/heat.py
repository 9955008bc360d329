"""Keypoints as heat maps: what the ensemble regresses, and where it finds them.

Neither the width of the Gaussian nor the unit of the published thresholds is known. Here both are in pixels of the
image, whose centres lie at whole numbers.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# A label's number where a keypoint is, in bytes.
PEAK = 255


def heat_maps(
    keypoints: Float[Tensor, "n k 2"], visible: Bool[Tensor, "n k"], side: int, sigma: float
) -> Float[Tensor, "n k side side"]:
    """A Gaussian around each keypoint (x, y), 1 at its peak; nothing but 0 where it is not visible."""
    at = torch.arange(side, dtype=keypoints.dtype, device=keypoints.device)
    across = (at - keypoints[..., :1]).square()
    down = (at - keypoints[..., 1:]).square()
    heat = (-(down[..., :, None] + across[..., None, :]) / (2 * sigma**2)).exp()
    return heat * visible[..., None, None]


def hottest(heat: Float[Tensor, "n k side side"]) -> Int[Tensor, "n k 2"]:
    """The pixel (x, y) where each map is largest, of equal ones the first row by row."""
    side = heat.shape[-1]
    flat = heat.flatten(2)
    # arg max may take any of equal values.
    largest = flat == flat.amax(dim=2, keepdim=True)
    place = largest.to(torch.uint8).cummax(dim=2).values.eq(0).sum(dim=2)
    return torch.stack([place % side, place // side], dim=-1)
