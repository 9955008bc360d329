"""Unsup3D's depth maps in motion and their normals in plain torch: for a GPU, and as the definition.

`numba_backend` has the same functions for a CPU, `methods.rendering.backends` chooses.
"""

import torch
from jaxtyping import Float32
from torch import Tensor

from methods.rendering.camera import project
from methods.rendering.numba_grid import NORMAL_EPSILON


def move(
    rays: Float32[Tensor, "s s 3"],
    depth: Float32[Tensor, "b s s"],
    rotation: Float32[Tensor, "b 3 3"],
    shift: Float32[Tensor, "b 3"],
) -> Float32[Tensor, "b s*s 3"]:
    """Points R (depth ray) + shift of each pixel. Without a matrix product, for the reason of `camera.project`."""
    columns = rotation[:, None, None].unbind(-1)
    turned = rays[..., 0:1] * columns[0] + rays[..., 1:2] * columns[1] + rays[..., 2:] * columns[2]
    return (depth[..., None] * turned + shift[:, None, None]).flatten(1, 2)


def locate(
    rays: Float32[Tensor, "s s 3"],
    matrix: Float32[Tensor, "3 3"],
    depth: Float32[Tensor, "b s s"],
    rotation: Float32[Tensor, "b 3 3"],
    shift: Float32[Tensor, "b 3"],
) -> Float32[Tensor, "b s s 2"]:
    """Where the image shows the points that `move` gives: -1 and 1 at its outermost pixels' centres."""
    pixels = project(move(rays, depth, rotation, shift), matrix)
    return (pixels * (2 / (len(rays) - 1)) - 1).view(*depth.shape, 2)


def normals(rays: Float32[Tensor, "s s 3"], depth: Float32[Tensor, "b s s"]) -> Float32[Tensor, "b s s 3"]:
    """Unit normals of depth maps: cross product of central differences; (0, 0, 1) on the border."""
    points = depth[..., None] * rays
    across = points[:, 1:-1, 2:] - points[:, 1:-1, :-2]
    down = points[:, 2:, 1:-1] - points[:, :-2, 1:-1]
    inner = torch.linalg.cross(across, down)
    inner = inner / (inner.norm(dim=-1, keepdim=True) + NORMAL_EPSILON)
    result = torch.zeros_like(points)
    result[..., 2] = 1.0
    result[:, 1:-1, 1:-1] = inner
    return result
