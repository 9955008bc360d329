"""Maps of several sizes as one feature per pixel: each brought to the labels' size, all of them stacked."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Float16, Int
from torch import Tensor
from torch.nn import functional as F

# How maps are enlarged. The paper says nearest; the released code has been bilinear since June 2021.
Enlarging = Literal["bilinear", "nearest"]


def stacked(
    maps: Sequence[Float[Tensor, "b _ _ _"]], side: int, mode: Enlarging = "bilinear"
) -> Float[Tensor, "b d side side"]:
    """The maps at `side` px, along their channels in the order given.

    Without antialiasing and with corners not aligned, as in the released code; maps that are larger than `side` are
    reduced bilinearly in either mode.
    """
    return torch.cat([_sized(one, side, mode) for one in maps], dim=1)


def pixel_rows(
    maps: Sequence[Float[Tensor, "b _ _ _"]],
    side: int,
    pixels: Int[Tensor, " p"] | None = None,
    mode: Enlarging = "bilinear",
) -> Float16[Tensor, "n d"]:
    """The features of every pixel in half precision, images after each other, each image's pixels row by row.

    `pixels` chooses some by their number, row * side + column.
    """
    # Halved first: the same bits in half the memory, since enlarging and stacking come before.
    found = stacked(maps, side, mode).half().flatten(2)
    chosen = found if pixels is None else found[:, :, pixels]
    return chosen.permute(0, 2, 1).flatten(0, 1)


def _sized(one: Float[Tensor, "b c h w"], side: int, mode: Enlarging) -> Float[Tensor, "b c side side"]:
    if one.shape[-2:] == (side, side):
        return one.float()
    if mode == "nearest" and max(one.shape[-2:]) < side:
        return F.interpolate(one.float(), size=(side, side), mode="nearest")
    return F.interpolate(one.float(), size=(side, side), mode="bilinear", align_corners=False)
