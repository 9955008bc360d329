"""The renderers that can be chosen, by name; each has the same functions, on the devices that it knows.

`native` is compiled kernels on a CPU and plain torch on a GPU, `torch` is plain torch anywhere, and `nmr` the original
Neural Mesh Renderer on a GPU. A further one is a module with the functions of `Kernels` and an entry in `BACKENDS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float32, Float64, Int32
from torch import Tensor

from methods.rendering import nmr_backend, numba_backend, torch_backend

BackendName = Literal["native", "torch", "nmr"]


@runtime_checkable
class Kernels(Protocol):
    """What a renderer computes. `render_depth`, `move`, `locate` and `normals` are differentiable."""

    def rasterize(
        self, pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], size: int, near: float, far: float
    ) -> tuple[Float32[Tensor, "b s s"], Int32[Tensor, "b s s"]]:
        """Depth (`far` where empty) and index of the visible triangle (-1 where empty) at each pixel."""
        ...

    def barycentric(
        self, pixels: Float64[Tensor, "b v 3"], faces: Int32[Tensor, "bf f 3"], face_map: Int32[Tensor, "b s s"]
    ) -> Float32[Tensor, "b s s 3"]:
        """Screen-space weights of the triangle at each pixel, clamped to [0, 1] and renormalised; 0 where empty."""
        ...

    def render_depth(
        self,
        vertices: Float32[Tensor, "b v 3"],
        faces: Int32[Tensor, "bf f 3"],
        matrix: Float32[Tensor, "3 3"],
        size: int,
        near: float,
        far: float,
        factor: int,
    ) -> Float32[Tensor, "b s s"]:
        """Depth images of meshes in camera space, means of `factor` x `factor` samples."""
        ...

    def move(
        self,
        rays: Float32[Tensor, "s s 3"],
        depth: Float32[Tensor, "b s s"],
        rotation: Float32[Tensor, "b 3 3"],
        shift: Float32[Tensor, "b 3"],
    ) -> Float32[Tensor, "b s*s 3"]:
        """Points R (depth ray) + shift of each pixel."""
        ...

    def locate(
        self,
        rays: Float32[Tensor, "s s 3"],
        matrix: Float32[Tensor, "3 3"],
        depth: Float32[Tensor, "b s s"],
        rotation: Float32[Tensor, "b 3 3"],
        shift: Float32[Tensor, "b 3"],
    ) -> Float32[Tensor, "b s s 2"]:
        """Where the image shows the points that `move` gives: -1 and 1 at its outermost pixels' centres."""
        ...

    def normals(self, rays: Float32[Tensor, "s s 3"], depth: Float32[Tensor, "b s s"]) -> Float32[Tensor, "b s s 3"]:
        """Unit normals of depth maps; (0, 0, 1) on the border."""
        ...


@dataclass(frozen=True)
class Backend:
    """A renderer.

    Attributes
    ----------
    kernels: its functions for meshes on a device.
    require: raises ResourceMissing where something that it needs is not there.
    """

    kernels: Callable[[torch.device], Kernels]
    require: Callable[[], None] = lambda: None


def _native(device: torch.device) -> Kernels:
    return numba_backend if device.type == "cpu" else torch_backend


BACKENDS: Mapping[str, Backend] = {
    "native": Backend(_native),
    "torch": Backend(lambda device: torch_backend),
    "nmr": Backend(lambda device: nmr_backend, nmr_backend.require),
}


def kernels(name: str, device: torch.device) -> Kernels:
    """The functions of a renderer for meshes on `device`; an unknown name is a ValueError."""
    return _find(name).kernels(device)


def require(name: str) -> None:
    """Raise ResourceMissing where what a renderer needs is not there; an unknown name is a ValueError."""
    _find(name).require()


def _find(name: str) -> Backend:
    if name not in BACKENDS:
        raise ValueError(f"unknown renderer backend {name!r}: expected one of {', '.join(BACKENDS)}")
    return BACKENDS[name]
