"""GPU backend in plain torch, also runnable on a CPU: equal to `numba_backend` up to rounding.

Every triangle is paired with the pixels of its bounding box, all pairs are tested at once, and the visible triangle
of a pixel is the maximum over its pairs of one 64-bit key: inverse depth above, reversed triangle rank below. Maxima
and sorted sums do not depend on the order of execution, so results are deterministic.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.autograd import applied
from methods.rendering.camera import to_pixels
from methods.rendering.numba_mesh import EDGE_TOLERANCE, MINIMUM_AREA
from methods.rendering.torch_grid import locate, move, normals

__all__ = ["barycentric", "locate", "move", "normals", "rasterize", "render_depth"]

# Pairs of a triangle and a pixel handled at once, about 150 bytes each.
PAIRS_AT_ONCE = 1 << 23
# Ranks count down from here in a key's lower half, so that the first of several tied triangles has the largest key.
LAST_RANK = (1 << 31) - 1


def rasterize(
    pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], size: int, near: float, far: float
) -> tuple[Float32[Tensor, "b s s"], Int32[Tensor, "b s s"]]:
    """Depth (`far` where empty) and index of the visible triangle (-1 where empty) at each pixel."""
    meshes, count = len(pixels), faces.shape[1]
    x, y, w = _corners(pixels, faces)
    u, v, area = _edges(x, y)
    slope_x, slope_y = (u * w).sum(-1) / area, (v * w).sum(-1) / area
    left, right = x.amin(-1).clamp(min=0).ceil(), x.amax(-1).clamp(max=size - 1).floor()
    top, bottom = y.amin(-1).clamp(min=0).ceil(), y.amax(-1).clamp(max=size - 1).floor()
    drawn = (area.abs() > MINIMUM_AREA) & w.isfinite().all(-1) & (left <= right) & (top <= bottom)
    left, top = _whole(left, drawn), _whole(top, drawn)
    width = _whole(right, drawn) - left + 1
    pairs = torch.where(drawn, width * (_whole(bottom, drawn) - top + 1), 0)
    sign = area.sign()
    # u, v, area as unsigned: inside is where all three edge functions are positive.
    u, v = u * sign[:, None], v * sign[:, None]
    index = torch.arange(count, device=pixels.device)
    rank = torch.where(area < 0, index.repeat(meshes), index.repeat(meshes) + count)
    keys = torch.zeros(meshes * size * size, dtype=torch.int64, device=pixels.device)
    highest, lowest = float(np.float32(1 / near)), float(np.float32(1 / far))

    ends = pairs.cumsum(0)
    for start, stop, amount in _chunks(ends):
        part = slice(start, stop)
        owner = torch.repeat_interleave(
            torch.arange(start, stop, device=pixels.device), pairs[part], output_size=amount
        )
        offset = torch.arange(amount, device=pixels.device) - (
            ends[owner] - pairs[owner] - (ends[start] - pairs[start])
        )
        row = top[owner] + offset // width[owner]
        column = left[owner] + offset % width[owner]
        inside = torch.ones_like(owner, dtype=torch.bool)
        for edge in range(3):
            base = (edge + 1) % 3  # the corner that this edge starts from
            value = v[owner, edge] * (row - y[owner, base]) - u[owner, edge] * x[owner, base] + u[owner, edge] * column
            inside &= value >= -EDGE_TOLERANCE
        depth = w[owner, 0] + slope_y[owner] * (row - y[owner, 0]) + slope_x[owner] * (column - x[owner, 0])
        depth = depth.float()
        inside &= (depth > lowest) & (depth < highest)
        key = (depth.view(torch.int32).long() << 32) | (LAST_RANK - rank[owner])
        pixel = (owner // count * size + row) * size + column
        keys.scatter_reduce_(0, pixel, torch.where(inside, key, 0), "amax")

    keys = keys.view(meshes, size, size)
    depth = torch.where(keys > 0, (keys >> 32).int().view(torch.float32).reciprocal(), far)
    face_map = torch.where(keys > 0, (LAST_RANK - (keys & LAST_RANK)) % max(count, 1), -1)
    return depth, face_map.int()


def render_depth(
    vertices: Float32[Tensor, "b v 3"],
    faces: Int32[Tensor, "bf f 3"],
    matrix: Float32[Tensor, "3 3"],
    size: int,
    near: float,
    far: float,
    factor: int,
) -> Float32[Tensor, "b s s"]:
    """Depth images of meshes in camera space, means of `factor` x `factor` samples; differentiable."""
    depth = applied(_Depth, to_pixels(vertices, matrix, factor), faces, size * factor, near, far)
    return torch.nn.functional.avg_pool2d(depth, factor)


class _Depth(torch.autograd.Function):
    """Depth images of meshes given as (column, row, depth), with the gradient that `numba_mesh` derives."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, faces: Tensor, size: int, near: float, far: float) -> Tensor:
        depth, face_map = rasterize(pixels, faces, size, near, far)
        ctx.save_for_backward(pixels, faces, depth, face_map)
        return depth

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_depth: Tensor) -> tuple[Tensor | None, ...]:
        pixels, faces, depth, face_map = ctx.saved_tensors
        return _gradient(pixels, faces, depth, face_map, grad_depth), None, None, None, None


def _gradient(
    pixels: Float64[Tensor, "b v 3"],
    faces: Int32[Tensor, "bf f 3"],
    depth: Float32[Tensor, "b s s"],
    face_map: Int32[Tensor, "b s s"],
    grad_depth: Float32[Tensor, "b s s"],
) -> Float64[Tensor, "b v 3"]:
    """Gradient of the depth images w.r.t. `pixels`."""
    meshes, count, size = len(pixels), faces.shape[1], face_map.shape[1]
    if count == 0:
        return torch.zeros_like(pixels)
    covered = face_map >= 0
    amount = torch.where(covered, grad_depth * depth.double() ** 2, 0)
    place = torch.arange(size, device=pixels.device, dtype=torch.float64)
    terms = torch.stack([amount, amount * place, amount * place[:, None]], -1).view(-1, 3)
    mesh = torch.arange(meshes, device=pixels.device)[:, None, None]
    owner = (face_map.clamp(min=0) + mesh * count).view(-1)
    moments = _sum_by_index(terms, owner, meshes * count)

    x, y, w = _corners(pixels, faces)
    u, v, area = _edges(x, y)
    weight = u * (moments[:, 1:2] - x.roll(-1, 1) * moments[:, :1])
    weight = weight + v * (moments[:, 2:] - y.roll(-1, 1) * moments[:, :1])
    weight = weight / area[:, None]
    slope_x, slope_y = ((slope * w).sum(-1, keepdim=True) / area[:, None] for slope in (u, v))
    corner = torch.stack([weight * slope_x, weight * slope_y, weight * w * w], -1)
    # Triangles without a pixel may be degenerate: their 0/0 must not reach the sum.
    seen = (moments != 0).any(-1)[:, None, None]
    corner = torch.where(seen, corner, 0).view(-1, 3)
    vertex = faces.long() + mesh * pixels.shape[1]
    return _sum_by_index(corner, vertex.view(-1), meshes * pixels.shape[1]).view(pixels.shape)


def barycentric(
    pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], face_map: Int32[Tensor, "b s s"]
) -> Float32[Tensor, "b s s 3"]:
    """Screen-space weights of the triangle at each pixel, clamped to [0, 1] and renormalised; 0 where empty."""
    meshes, count, size = len(pixels), faces.shape[1], face_map.shape[1]
    if count == 0:
        return torch.zeros(*face_map.shape, 3, device=pixels.device)
    x, y, _ = _corners(pixels, faces)
    u, v, area = _edges(x, y)
    mesh = torch.arange(meshes, device=pixels.device)[:, None, None]
    owner = face_map.clamp(min=0) + mesh * count
    place = torch.arange(size, device=pixels.device, dtype=torch.float64)
    value = u[owner] * (place[:, None] - x.roll(-1, 1)[owner]) + v[owner] * (
        place[:, None, None] - y.roll(-1, 1)[owner]
    )
    value = (value / area[owner][..., None]).clamp(0, 1)
    value = value / value.sum(-1, keepdim=True)
    return torch.where((face_map >= 0)[..., None], value, 0).float()


def _corners(
    pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"]
) -> tuple[Float64[Tensor, "n 3"], Float64[Tensor, "n 3"], Float64[Tensor, "n 3"]]:
    """Column, row and inverse depth of the three corners of all meshes' triangles, n = b * f."""
    index = faces.long().expand(len(pixels), -1, -1).reshape(len(pixels), -1)
    x, y, z = (values.gather(1, index).view(-1, 3) for values in pixels.unbind(-1))
    return x, y, 1 / z


def _edges(
    x: Float64[Tensor, "n 3"], y: Float64[Tensor, "n 3"]
) -> tuple[Float64[Tensor, "n 3"], Float64[Tensor, "n 3"], Float64[Tensor, " n"]]:
    """Slopes over columns and rows of the edge functions (a corner's weight times the area), and the signed area."""
    u = y.roll(-1, 1) - y.roll(1, 1)
    v = x.roll(1, 1) - x.roll(-1, 1)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    return u, v, area


def _whole(values: Float64[Tensor, " n"], valid: Bool[Tensor, " n"]) -> Int64[Tensor, " n"]:
    """As integers; 0 where not valid, since a NaN has no integer."""
    return torch.where(valid, values, 0).long()


def _chunks(ends: Int64[Tensor, " n"]) -> list[tuple[int, int, int]]:
    """(first triangle, last + 1, pairs) of runs of triangles with about PAIRS_AT_ONCE pairs each.

    Asks the GPU for the number of pairs, once where a single run does.
    """
    total = int(ends[-1]) if len(ends) else 0
    if total <= PAIRS_AT_ONCE:
        return [(0, len(ends), total)] if total else []
    limits = torch.tensor(range(PAIRS_AT_ONCE, total, PAIRS_AT_ONCE), dtype=ends.dtype, device=ends.device)
    stops = sorted({*torch.searchsorted(ends, limits).add(1).tolist(), len(ends)})
    sums = ends[torch.tensor(stops, device=ends.device) - 1].tolist()
    return [
        (start, stop, after - before)
        for start, stop, before, after in zip([0, *stops], stops, [0, *sums], sums, strict=False)
        if after > before
    ]


def _sum_by_index(
    values: Float64[Tensor, "n c"], index: Int64[Tensor, " n"], length: int
) -> Float64[Tensor, "length c"]:
    """Sums of the rows with equal index. Accumulating `index_put_` sorts on CUDA: the order of the sums is fixed."""
    result = torch.zeros(length, values.shape[1], dtype=values.dtype, device=values.device)
    return result.index_put_((index,), values, accumulate=True)
