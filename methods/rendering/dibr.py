"""DIB-R, the interpolation-based differentiable renderer (Chen et al., NeurIPS 2019), with kaolin's numbers.

Covered pixels show attributes of the visible triangle, interpolated on the image plane: affine in x and y, not
perspective-correct. Beside the object a soft silhouette falls off with the distance to the triangles. Gradients go to
attributes and to the points' x and y on the image plane, none to depth; what is visible is held fixed.

Image plane: [-1, 1] x [-1, 1], y up; pixel (i, j) of h x w samples x = (2j + 1 - w) / w, y = (h - 1 - 2i) / h, so
that row 0 is the top. Depth is z, which grows towards the camera (`dibr_camera`). Compiled kernels on a CPU, plain
torch on a GPU; results do not depend on the number of threads.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Int32
from torch import Tensor

from methods.rendering import dibr_numba, dibr_torch
from methods.rendering.dibr_camera import facing, project
from methods.rendering.dibr_texture import Seam, lookup

BackendName = Literal["native", "torch"]


@dataclass(frozen=True)
class Silhouette:
    """How soft a silhouette is.

    Attributes
    ----------
    inverse_sigma: 1 / sigma of the fall-off exp(-d^2 / sigma), d in units of the image plane. kaolin has 7,000, which
        at 64 px is down to 0.2 within half a pixel, and 0.001 within one.
    box: how far from a triangle's box, on all sides, its fall-off counts. kaolin has 0.02, under a pixel at 64 px.
    count: of the triangles whose grown box holds a pixel, how many are taken, in the order of the faces; None for all.
        kaolin's 30 may leave out the nearest.
    """

    inverse_sigma: float = 3333.0
    box: float = 0.1
    count: int | None = None

    def __post_init__(self) -> None:
        if not (self.inverse_sigma > 0 and self.box >= 0 and (self.count is None or self.count > 0)):
            raise ValueError(f"a silhouette needs inverse_sigma > 0, box >= 0 and count None or > 0, not {self}")


@dataclass(frozen=True)
class Rendered:
    """A textured mesh as the camera sees it; row 0 is the image's top.

    face: index of the visible triangle, -1 where there is none.
    uv: texture coordinates, 0 where empty; of a texture that wraps, u is from 0 up to 1.
    image: the texture's colours, 0 where empty.
    soft: the soft silhouette, 1 where a triangle is visible.
    """

    face: Int32[Tensor, "b s s"]
    uv: Float[Tensor, "b s s 2"]
    image: Float[Tensor, "b c s s"]
    soft: Float[Tensor, "b s s"]

    @property
    def mask(self) -> Bool[Tensor, "b s s"]:
        """The hard mask: where a triangle is visible."""
        return self.face >= 0


def render(
    vertices: Float[Tensor, "b v 3"],
    faces: Int[Tensor, "f 3"],
    uvs: Float[Tensor, "f 3 2"],
    texture: Float[Tensor, "b c th tw"],
    fov: float,
    size: int,
    silhouette: Silhouette = Silhouette(),
    seam: Seam = "border",
    backend: BackendName = "native",
) -> Rendered:
    """Render textured meshes in camera space (`dibr_camera`), with gradients to vertices and textures.

    `uvs` are those of each triangle's corners, so that vertices on a seam have one on either side. Triangles that
    face away are not drawn; those with a corner in the camera's plane or behind it are not there at all.
    """
    points = project(vertices, fov)
    face = rasterize(points, vertices[..., 2], faces, facing(vertices, faces), size, size, backend)
    uv = interpolate(points, faces, face, uvs, backend)
    if seam == "wrap":  # triangles across the seam have corners beyond 1
        uv = torch.stack([uv[..., 0] - uv[..., 0].detach().floor(), uv[..., 1]], dim=-1)
    image = lookup(texture, uv, seam) * (face >= 0)[..., None]
    return Rendered(face, uv, image.permute(0, 3, 1, 2), soft_mask(points, faces, face, silhouette, backend))


def rasterize(
    points: Float[Tensor, "b v 2"],
    depth: Float[Tensor, "b v"],
    faces: Int[Tensor, "f 3"],
    drawn: Bool[Tensor, "b f"],
    height: int,
    width: int,
    backend: BackendName = "native",
) -> Int32[Tensor, "b {height} {width}"]:
    """The visible triangle at each pixel, -1 where there is none; no gradient.

    Of the triangles that are to be `drawn` (see `dibr_camera.facing`), that of the largest z, affine on the image
    plane too, and of equal ones the first. A pixel belongs to a triangle where none of the three weights is negative
    and xmin <= x < xmax, ymin <= y < ymax. Degenerate triangles are left out, and those that are not finite.
    """
    if height < 1 or width < 1:
        raise ValueError(f"an image needs at least one pixel, not {height} x {width}")
    faces = _checked(points, faces)
    draw = dibr_numba.rasterize if _compiled(backend, points) else dibr_torch.rasterize
    return draw(points.detach().double(), depth.detach().double(), faces, drawn, height, width)


def interpolate(
    points: Float[Tensor, "b v 2"],
    faces: Int[Tensor, "f 3"],
    face_map: Int32[Tensor, "b h w"],
    attributes: Float[Tensor, "b f 3 c"] | Float[Tensor, "f 3 c"],
    backend: BackendName = "native",
) -> Float[Tensor, "b h w c"]:
    """Attributes of the triangles' corners at each pixel, sum(w_k a_k); 0 where empty.

    The weights solve sum(w_k) = 1, sum(w_k corner_k) = pixel on the image plane. Differentiable w.r.t. points and
    attributes. Attributes without a batch are all meshes' own.
    """
    faces = _checked(points, faces, face_map)
    values = attributes.float() if attributes.ndim == 4 else attributes.float()[None]
    show = dibr_numba.interpolate if _compiled(backend, points) else dibr_torch.interpolate
    return show(points.double(), faces, face_map, values)


def soft_mask(
    points: Float[Tensor, "b v 2"],
    faces: Int[Tensor, "f 3"],
    face_map: Int32[Tensor, "b h w"],
    silhouette: Silhouette = Silhouette(),
    backend: BackendName = "native",
) -> Float[Tensor, "b h w"]:
    """Soft silhouettes: 1 where a triangle is visible, elsewhere 1 - prod(1 - exp(-d^2 / sigma)).

    The product is over the triangles whose grown box holds the pixel, also those that are not drawn; d is the
    distance to the triangle's outline. Differentiable w.r.t. points.
    """
    faces = _checked(points, faces, face_map)
    soften = dibr_numba.soft_mask if _compiled(backend, points) else dibr_torch.soft_mask
    return soften(points.double(), faces, face_map, silhouette.inverse_sigma, silhouette.box, silhouette.count)


def _compiled(backend: str, points: Tensor) -> bool:
    """Whether the compiled kernels render."""
    if backend not in ("native", "torch"):
        raise ValueError(f"unknown renderer backend {backend!r}: expected native or torch")
    return backend == "native" and points.device.type == "cpu"


def _checked(points: Tensor, faces: Tensor, face_map: Tensor | None = None) -> Int32[Tensor, "f 3"]:
    """Faces as the kernels take them, which do not look: a wrong index there reads foreign memory."""
    if points.device.type == "cpu":  # on a GPU, torch's own indexing checks
        for name, index, count in (("faces", faces, points.shape[1]), ("the face map", face_map, len(faces))):
            if index is None or not index.numel():
                continue
            low, high = torch.aminmax(index)
            least = 0 if name == "faces" else -1
            if low < least or high >= count:
                raise ValueError(f"{name} holds indices {int(low)} to {int(high)}, expected {least} to {count - 1}")
    return faces.to(device=points.device, dtype=torch.int32)
