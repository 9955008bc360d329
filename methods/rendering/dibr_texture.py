"""Looking up colours in texture maps at each pixel's UV coordinates, with gradients to both."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

# What lies beyond a texture's left and right edge: its outermost colours, or its other edge.
Seam = Literal["border", "wrap"]


def lookup(
    texture: Float[Tensor, "b c th tw"], uv: Float[Tensor, "b h w 2"], seam: Seam = "border"
) -> Float[Tensor, "b h w c"]:
    """Colours at `uv`, bilinear. u goes from left to right and v from the bottom up; row 0 of a texture is its top.

    `border` is kaolin's: the texture's area is [0, 1] x [0, 1], coordinates are clamped to it, and the outer half of
    an edge's texels is flat. Where u = 0 meets u = 1 on a surface, colours jump.

    `wrap` is convmesh's: texels lie on points, column 0 at u = 0 and again at u = 1, so that no seam shows; rows 0 and
    th - 1 at v = 1 and 0. For textures that go round the object; beyond [0, 1] they fade to 0 within a texel.
    """
    if seam == "border":
        place, padding = uv.clamp(0, 1) * 2 - 1, "border"
    elif seam == "wrap":
        texture = torch.cat([texture, texture[..., :1]], dim=-1)
        place, padding = uv * 2 - 1, "zeros"
    else:
        raise ValueError(f"unknown seam {seam!r}: expected border or wrap")
    grid = torch.stack([place[..., 0], -place[..., 1]], dim=-1)
    found = F.grid_sample(texture, grid, "bilinear", padding, align_corners=seam == "wrap")
    return found.permute(0, 2, 3, 1)
