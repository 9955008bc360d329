"""The original Neural Mesh Renderer (Kato et al., CVPR 2018) through its PyTorch port, where it is installed."""

import importlib
from types import ModuleType

import torch
from jaxtyping import Float, Float32, Int32
from torch import Tensor

from datasets.errors import BenchError


def render_depth(
    points: Float32[Tensor, "b v 3"],
    faces: Int32[Tensor, "bf f 3"],
    size: int,
    near: float,
    far: float,
    antialias: bool,
) -> Float[Tensor, "b s s"]:
    """Depth image of a mesh in screen space, by the package `neural_renderer`.

    Raises BenchError where the package does not import or the mesh is not on a CUDA device.
    """
    package = _package()
    require_cuda(points)
    both_sides = torch.cat([faces, faces.flip(-1)], dim=1).long()
    mesh = torch.arange(len(points), device=points.device)[:, None, None]
    corners = points[mesh, both_sides]
    return package.rasterize_depth(corners, image_size=size, anti_aliasing=antialias, near=near, far=far)


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
        raise BenchError(
            f"backend nmr: the package neural_renderer does not import ({error}): install the extra [nmr] on a "
            "machine with CUDA's compiler, or use the default backend native"
        ) from error
