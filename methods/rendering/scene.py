"""Unsup3D's scene: a depth map seen from its own camera, turned into a mesh, moved, and rendered again."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.rendering.backends import BackendName, Kernels, kernels
from methods.rendering.camera import grid_faces, intrinsics, pixel_rays, rotation_matrix
from methods.rendering.rasterize import render_depth


class DepthRenderer(nn.Module):
    """Renders canonical depth maps from other views (Unsup3D, section 3.2; PDR, section 3).

    Has no parameters; its constants move with `.to(device)` and stay out of `state_dict`. Computes in float32, also
    under autocast. A view is (rx, ry, rz, tx, ty, tz): rotations in radians about (0, 0, rotation_center), applied as
    Rz Ry Rx, then a translation in camera units.

    Attributes
    ----------
    size: side of all maps in pixels.
    fov: field of view in degrees.
    rotation_center: depth of the point that the object turns about.
    min_depth, max_depth: range of canonical depth; rendered depth is clamped to half that range beyond.
    backend: name of the renderer, of `methods.rendering.backends`.
    """

    rays: Tensor
    matrix: Tensor
    faces: Tensor
    centre: Tensor

    def __init__(
        self,
        size: int = 64,
        fov: float = 10.0,
        rotation_center: float = 1.0,
        min_depth: float = 0.9,
        max_depth: float = 1.1,
        backend: BackendName = "native",
    ) -> None:
        super().__init__()
        if not 0 < min_depth < max_depth:
            raise ValueError(f"depth range needs 0 < min_depth < max_depth, not {min_depth} to {max_depth}")
        self.size = size
        self.fov = fov
        self.rotation_center = rotation_center
        self.min_depth = min_depth
        self.max_depth = max_depth
        self.backend: BackendName = backend
        matrix = intrinsics(size, fov)
        self.register_buffer("matrix", matrix, persistent=False)
        self.register_buffer("rays", pixel_rays(size, matrix), persistent=False)
        self.register_buffer("faces", grid_faces(size, size), persistent=False)
        self.register_buffer("centre", torch.tensor([0.0, 0.0, rotation_center]), persistent=False)

    @property
    def depth_limits(self) -> tuple[float, float]:
        """Nearest and farthest value of a rendered depth map; the farthest also marks empty pixels."""
        margin = (self.max_depth - self.min_depth) / 2
        return self.min_depth - margin, self.max_depth + margin

    def points(self, depth: Float[Tensor, "b s s"]) -> Float[Tensor, "b s s 3"]:
        """The points in camera space that a depth map shows."""
        return depth.float()[..., None] * self.rays

    def normals(self, depth: Float[Tensor, "b s s"]) -> Float[Tensor, "b s s 3"]:
        """Unit normals of a depth map: cross product of central differences; the border is (0, 0, 1)."""
        return self._kernels.normals(self.rays, depth.float())

    def warp(self, canonical_depth: Float[Tensor, "b s s"], view: Float[Tensor, "b 6"]) -> Float[Tensor, "b s s"]:
        """Depth of the scene after it moved by `view`, within `depth_limits`."""
        with torch.autocast(canonical_depth.device.type, enabled=False):
            view = view.float()
            rotation = rotation_matrix(view[:, :3])
            # R (p - c) + c + t = R p + (c + t - R c)
            shift = self.centre + view[:, 3:] - (rotation * self.centre).sum(-1)
            moved = self._kernels.move(self.rays, canonical_depth.float(), rotation, shift)
            depth = render_depth(moved, self.faces, self.matrix, self.size, backend=self.backend)
            return depth.clamp(*self.depth_limits)

    def inverse_grid(self, recon_depth: Float[Tensor, "b s s"], view: Float[Tensor, "b 6"]) -> Float[Tensor, "b s s 2"]:
        """Where each pixel of the moved scene lies in the canonical image.

        Coordinates in [-1, 1] inside the image for `grid_sample` (bilinear, align_corners=False, as released).
        """
        with torch.autocast(recon_depth.device.type, enabled=False):
            view = view.float()
            rotation = rotation_matrix(view[:, :3])
            # R^T (p - t - c) + c = R^T p + (c - R^T (c + t))
            inverse = rotation.transpose(1, 2)
            shift = self.centre - (inverse * (self.centre + view[:, 3:])[:, None]).sum(-1)
            return self._kernels.locate(self.rays, self.matrix, recon_depth.float(), inverse, shift)

    @property
    def _kernels(self) -> Kernels:
        """The renderer's functions for where the constants are."""
        return kernels(self.backend, self.rays.device)
