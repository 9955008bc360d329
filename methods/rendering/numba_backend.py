"""CPU backend: the compiled kernels, spread over torch's threads by mesh."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from jaxtyping import Float, Float32, Int32
from torch import Tensor

from methods.rendering import numba_kernels

# Chunks of meshes per thread: small enough that a thread held up elsewhere does not hold up the rest.
CHUNKS_PER_THREAD = 4


def rasterize(
    points: Float32[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], size: int, near: float, far: float
) -> tuple[Float32[Tensor, "b s s"], Int32[Tensor, "b s s"]]:
    """Inverse depth (0 where empty) and index of the visible triangle (-1 where empty) at each pixel."""
    inverse_depth = torch.empty(len(points), size, size, dtype=torch.float32)
    face_map = torch.empty(len(points), size, size, dtype=torch.int32)
    _by_mesh(lambda p, f, z, m: numba_kernels.rasterize(p, f, near, far, z, m), points, faces, inverse_depth, face_map)
    return inverse_depth, face_map


def depth_gradient(
    points: Float32[Tensor, "b v 3"],
    faces: Int32[Tensor, "bf f 3"],
    inverse_depth: Float32[Tensor, "b s s"],
    face_map: Int32[Tensor, "b s s"],
    grad_depth: Float32[Tensor, "b t t"],
) -> Float32[Tensor, "b v 3"]:
    """Gradient w.r.t. `points` of the depth images averaged over blocks of s/t x s/t pixels."""
    grad_points = torch.empty_like(points)
    _by_mesh(numba_kernels.depth_gradient, points, faces, inverse_depth, face_map, grad_depth, grad_points)
    return grad_points


def barycentric(
    points: Float32[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], face_map: Int32[Tensor, "b s s"]
) -> Float[Tensor, "b s s 3"]:
    """Screen-space weights of the triangle at each pixel, clamped to [0, 1] and renormalised; 0 where empty."""
    weights = torch.empty(*face_map.shape, 3, dtype=torch.float32)
    _by_mesh(numba_kernels.barycentric, points, faces, face_map, weights)
    return weights


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads that live as long as the process; a forked child has none of its parent's and makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="rasterizer")


def _by_mesh(kernel: Callable[..., Any], points: Tensor, faces: Tensor, *others: Tensor) -> None:
    """Run `kernel(points, faces, *others)` on slices of the batch, in as many threads as torch uses."""
    arrays = [tensor.detach().contiguous().numpy() for tensor in (points, faces, *others)]
    meshes = len(points)
    threads = min(torch.get_num_threads(), meshes)
    if threads <= 1:
        kernel(*arrays)
        return
    step = -(-meshes // (threads * CHUNKS_PER_THREAD))
    # Shared faces have a batch of one: every slice of the batch takes them whole.
    slices = [
        [array if len(array) == 1 else array[start : start + step] for array in arrays]
        for start in range(0, meshes, step)
    ]
    for future in [_pool(threads, os.getpid()).submit(kernel, *part) for part in slices]:
        future.result()
