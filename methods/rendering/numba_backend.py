"""CPU backend: the compiled kernels as torch functions, with analytic gradients."""

import math
from typing import Any

import torch
from jaxtyping import Float32, Float64, Int32
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.autograd import applied
from methods.numba_threads import over_batch
from methods.rendering import numba_grid, numba_mesh


def rasterize(
    pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], size: int, near: float, far: float
) -> tuple[Float32[Tensor, "b s s"], Int32[Tensor, "b s s"]]:
    """Depth (`far` where empty) and index of the visible triangle (-1 where empty) at each pixel."""
    depth = torch.empty(len(pixels), size, size, dtype=torch.float32)
    face_map = torch.empty(len(pixels), size, size, dtype=torch.int32)
    over_batch(numba_mesh.rasterize, [near, far], [faces, pixels], [depth, face_map])
    return depth, face_map


def barycentric(
    pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], face_map: Int32[Tensor, "b s s"]
) -> Float32[Tensor, "b s s 3"]:
    """Screen-space weights of the triangle at each pixel, clamped to [0, 1] and renormalised; 0 where empty."""
    weights = torch.empty(*face_map.shape, 3, dtype=torch.float32)
    over_batch(numba_mesh.barycentric, [], [faces, pixels, face_map], [weights])
    return weights


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
    return applied(_RenderDepth, vertices, faces, matrix, size, near, far, factor)


class _RenderDepth(torch.autograd.Function):
    """`numba_mesh.render` and its gradient w.r.t. the vertices."""

    @staticmethod
    def forward(
        ctx: Any,
        vertices: Tensor,
        faces: Tensor,
        matrix: Tensor,
        size: int,
        near: float,
        far: float,
        factor: int,
    ) -> Tensor:
        vertices, matrix = vertices.contiguous(), matrix.double()
        fine = (len(vertices), size * factor, size * factor)
        samples = torch.empty(fine, dtype=torch.float32)
        face_map = torch.empty(fine, dtype=torch.int32)
        depth = torch.empty(len(vertices), size, size, dtype=torch.float32)
        over_batch(numba_mesh.render, [near, far, matrix], [faces, vertices], [samples, face_map, depth])
        ctx.save_for_backward(vertices, faces, matrix, samples, face_map)
        return depth

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_depth: Tensor) -> tuple[Tensor | None, ...]:
        vertices, faces, matrix, samples, face_map = ctx.saved_tensors
        grad = torch.empty_like(vertices)
        over_batch(
            numba_mesh.render_gradient,
            [matrix],
            [faces, vertices, samples, face_map, grad_depth],
            [grad],
        )
        return grad, None, None, None, None, None, None


def move(
    rays: Float32[Tensor, "s s 3"],
    depth: Float32[Tensor, "b s s"],
    rotation: Float32[Tensor, "b 3 3"],
    shift: Float32[Tensor, "b 3"],
) -> Float32[Tensor, "b s*s 3"]:
    """Points R (depth ray) + shift of each pixel; differentiable w.r.t. all but the rays."""
    return applied(_Move, rays, depth, rotation, shift)


class _Move(torch.autograd.Function):
    """`numba_grid.move` and its gradient."""

    @staticmethod
    def forward(ctx: Any, rays: Tensor, depth: Tensor, rotation: Tensor, shift: Tensor) -> Tensor:
        rays, depth = rays.flatten(0, 1), depth.flatten(1)
        moved = torch.empty(*depth.shape, 3, dtype=torch.float32)
        over_batch(numba_grid.move, [rays], [depth, rotation, shift], [moved])
        ctx.save_for_backward(rays, depth, rotation, shift)
        return moved

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_moved: Tensor) -> tuple[Tensor | None, ...]:
        rays, depth, rotation, shift = ctx.saved_tensors
        grads = [torch.empty(tensor.shape, dtype=torch.float32) for tensor in (depth, rotation, shift)]
        over_batch(numba_grid.move_gradient, [rays], [depth, rotation, grad_moved], grads)
        side = math.isqrt(len(rays))
        return None, grads[0].view(-1, side, side), grads[1], grads[2]


def locate(
    rays: Float32[Tensor, "s s 3"],
    matrix: Float32[Tensor, "3 3"],
    depth: Float32[Tensor, "b s s"],
    rotation: Float32[Tensor, "b 3 3"],
    shift: Float32[Tensor, "b 3"],
) -> Float32[Tensor, "b s s 2"]:
    """Where the image shows the points that `move` gives: -1 and 1 at its outermost pixels' centres."""
    return applied(_Locate, rays, matrix, depth, rotation, shift)


class _Locate(torch.autograd.Function):
    """`numba_grid.locate` and its gradient."""

    @staticmethod
    def forward(ctx: Any, rays: Tensor, matrix: Tensor, depth: Tensor, rotation: Tensor, shift: Tensor) -> Tensor:
        side = len(rays)
        rays, depth, matrix = rays.flatten(0, 1), depth.flatten(1), matrix.double()
        grid = torch.empty(*depth.shape, 2, dtype=torch.float32)
        ctx.scale = 2 / (side - 1)
        over_batch(numba_grid.locate, [rays, matrix, ctx.scale], [depth, rotation, shift], [grid])
        ctx.save_for_backward(rays, matrix, depth, rotation, shift)
        return grid.view(-1, side, side, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_grid: Tensor) -> tuple[Tensor | None, ...]:
        rays, matrix, depth, rotation, shift = ctx.saved_tensors
        side = grad_grid.shape[1]
        grads = [torch.empty(tensor.shape, dtype=torch.float32) for tensor in (depth, rotation, shift)]
        over_batch(
            numba_grid.locate_gradient,
            [rays, matrix, ctx.scale],
            [depth, rotation, shift, grad_grid.flatten(1, 2)],
            grads,
        )
        return None, None, grads[0].view(-1, side, side), grads[1], grads[2]


def normals(rays: Float32[Tensor, "s s 3"], depth: Float32[Tensor, "b s s"]) -> Float32[Tensor, "b s s 3"]:
    """Unit normals of depth maps: cross product of central differences; (0, 0, 1) on the border."""
    return applied(_Normals, rays, depth)


class _Normals(torch.autograd.Function):
    """`numba_grid.normals` and its gradient."""

    @staticmethod
    def forward(ctx: Any, rays: Tensor, depth: Tensor) -> Tensor:
        normal = torch.empty(*depth.shape, 3, dtype=torch.float32)
        over_batch(numba_grid.normals, [rays], [depth], [normal])
        ctx.save_for_backward(rays, depth)
        return normal

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_normal: Tensor) -> tuple[Tensor | None, ...]:
        rays, depth = ctx.saved_tensors
        grad = torch.empty(depth.shape, dtype=torch.float32)
        over_batch(numba_grid.normals_gradient, [rays], [depth, grad_normal], [grad])
        return None, grad
