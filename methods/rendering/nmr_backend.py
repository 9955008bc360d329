"""The original Neural Mesh Renderer (Kato et al., CVPR 2018) through its PyTorch port, where it is installed.

It gives depth images; maps of normals and the like, which it does not have, are those of plain torch.
"""

import importlib
from types import ModuleType

import torch
from jaxtyping import Float, Float32, Float64, Int32
from torch import Tensor

from datasets.errors import BenchError, ResourceMissing
from methods.rendering.camera import to_screen
from methods.rendering.torch_backend import barycentric
from methods.rendering.torch_grid import locate, move, normals

__all__ = ["barycentric", "locate", "move", "normals", "rasterize", "render_depth", "require", "require_cuda"]


def require() -> None:
    """Raise ResourceMissing where the package does not import or there is no CUDA device."""
    _package()
    if not torch.cuda.is_available():
        raise ResourceMissing(
            "backend nmr: renders on a CUDA device only, and there is none: use the default backend native"
        )


def render_depth(
    vertices: Float32[Tensor, "b v 3"],
    faces: Int32[Tensor, "bf f 3"],
    matrix: Float32[Tensor, "3 3"],
    size: int,
    near: float,
    far: float,
    factor: int,
) -> Float[Tensor, "b s s"]:
    """Depth images of meshes in camera space by the package `neural_renderer`; a `factor` of 2 is its antialiasing.

    Raises ResourceMissing where the package does not import, BenchError where the mesh is not on a CUDA device.
    """
    assert factor in (1, 2), f"the package takes 1 or 2 samples across a pixel, not {factor}"
    package = _package()
    require_cuda(vertices)
    points = to_screen(vertices, matrix, size)
    both_sides = torch.cat([faces, faces.flip(-1)], dim=1).long()
    mesh = torch.arange(len(points), device=points.device)[:, None, None]
    corners = points[mesh, both_sides]
    depth: Tensor = package.rasterize_depth(corners, image_size=size, anti_aliasing=factor == 2, near=near, far=far)
    return depth


def rasterize(
    pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], size: int, near: float, far: float
) -> tuple[Float32[Tensor, "b s s"], Int32[Tensor, "b s s"]]:
    """Raise BenchError: the package does not say which triangle is visible."""
    raise BenchError("backend nmr: gives depth images only, use the default backend native here")


def require_cuda(points: Tensor) -> None:
    """Raise BenchError where the package's kernels cannot run."""
    if points.device.type != "cuda":
        raise BenchError(
            f"backend nmr: renders on a CUDA device only, the mesh is on {points.device}: use --device cuda "
            "or the default backend native"
        )


def _package() -> ModuleType:
    try:
        return importlib.import_module("neural_renderer")
    except (ImportError, OSError, AttributeError) as error:
        raise ResourceMissing(
            f"backend nmr: the package neural_renderer does not import ({error}): install the extra [nmr] on a "
            "machine with CUDA's compiler, or use the default backend native"
        ) from error
