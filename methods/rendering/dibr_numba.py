"""DIB-R on a CPU: the compiled kernels as torch functions, with analytic gradients."""

from typing import Any

import torch
from jaxtyping import Bool, Float32, Float64, Int32
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.autograd import applied
from methods.numba_threads import over_batch
from methods.rendering import dibr_numba_faces, dibr_numba_silhouette

# No limit on the triangles that reach a pixel.
UNLIMITED = (1 << 31) - 1


def rasterize(
    points: Float64[Tensor, "b v 2"],
    depth: Float64[Tensor, "b v"],
    faces: Int32[Tensor, "f 3"],
    drawn: Bool[Tensor, "b f"],
    height: int,
    width: int,
) -> Int32[Tensor, "b {height} {width}"]:
    """The visible triangle at each pixel, -1 where there is none."""
    face_map = torch.empty(len(points), height, width, dtype=torch.int32)
    over_batch(dibr_numba_faces.rasterize, [], [faces[None], points, depth, drawn], [face_map])
    return face_map


def interpolate(
    points: Float64[Tensor, "b v 2"],
    faces: Int32[Tensor, "f 3"],
    face_map: Int32[Tensor, "b h w"],
    attributes: Float32[Tensor, "ba f 3 c"],
) -> Float32[Tensor, "b h w c"]:
    """Attributes of the triangles' corners at each pixel; differentiable w.r.t. points and attributes."""
    return applied(_Interpolate, points, faces[None], face_map, attributes)


class _Interpolate(torch.autograd.Function):
    """`dibr_numba_faces.interpolate` and its gradient."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, faces: Tensor, face_map: Tensor, attributes: Tensor) -> Tensor:
        image = torch.empty(*face_map.shape, attributes.shape[-1], dtype=torch.float32)
        over_batch(dibr_numba_faces.interpolate, [], [faces, points, face_map, attributes], [image])
        ctx.save_for_backward(points, faces, face_map, attributes)
        return image

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_image: Tensor) -> tuple[Tensor | None, ...]:
        points, faces, face_map, attributes = ctx.saved_tensors
        grad_points = torch.empty(points.shape, dtype=torch.float64)
        grad_attributes = torch.empty(len(points), *attributes.shape[1:], dtype=torch.float32)
        over_batch(
            dibr_numba_faces.interpolate_gradient,
            [],
            [faces, points, face_map, attributes, grad_image],
            [grad_points, grad_attributes],
        )
        return grad_points, None, None, grad_attributes.sum_to_size(attributes.shape)


def soft_mask(
    points: Float64[Tensor, "b v 2"],
    faces: Int32[Tensor, "f 3"],
    face_map: Int32[Tensor, "b h w"],
    inverse_sigma: float,
    box: float,
    count: int | None,
) -> Float32[Tensor, "b h w"]:
    """Soft silhouettes; differentiable w.r.t. points."""
    limit = UNLIMITED if count is None else count
    return applied(_SoftMask, points, faces[None], face_map, float(inverse_sigma), float(box), limit)


class _SoftMask(torch.autograd.Function):
    """`dibr_numba_silhouette.soft_mask` and its gradient."""

    @staticmethod
    def forward(
        ctx: Any, points: Tensor, faces: Tensor, face_map: Tensor, inverse_sigma: float, box: float, count: int
    ) -> Tensor:
        soft = torch.empty(face_map.shape, dtype=torch.float32)
        rest = torch.empty(face_map.shape, dtype=torch.float64)
        ctx.constants = [inverse_sigma, box, count]
        over_batch(dibr_numba_silhouette.soft_mask, ctx.constants, [faces, points, face_map], [soft, rest])
        ctx.save_for_backward(points, faces, face_map, rest)
        return soft

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_soft: Tensor) -> tuple[Tensor | None, ...]:
        points, faces, face_map, rest = ctx.saved_tensors
        grad = torch.empty(points.shape, dtype=torch.float64)
        over_batch(
            dibr_numba_silhouette.soft_mask_gradient,
            ctx.constants,
            [faces, points, face_map, rest, grad_soft],
            [grad],
        )
        return grad, None, None, None, None, None
