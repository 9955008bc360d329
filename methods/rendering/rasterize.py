"""Triangle meshes to depth and colour images, with Neural Mesh Renderer's numbers (Kato et al., CVPR 2018).

One signature, interchangeable backends (`methods.rendering.backends`). All triangles are visible from both sides.
Results do not depend on the number of threads.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int, Int32
from torch import Tensor

from methods.rendering.backends import BackendName, kernels
from methods.rendering.camera import to_screen


@dataclass(frozen=True)
class Fragments:
    """What is visible at each pixel (a G-buffer); row 0 is the image's top.

    face: index of the visible triangle, -1 where there is none.
    weights: of the triangle's three corners in screen space, clamped to [0, 1] and renormalised; 0 where empty.
    depth: 1 / sum(w_k / z_k), `far` where empty.
    """

    face: Int32[Tensor, "b s s"]
    weights: Float32[Tensor, "b s s 3"]
    depth: Float32[Tensor, "b s s"]


def fragments(
    vertices_ndc: Float[Tensor, "b v 3"],
    faces: Int[Tensor, "f 3"] | Int[Tensor, "b f 3"],
    size: int,
    near: float = 0.1,
    far: float = 100.0,
    backend: BackendName = "native",
) -> Fragments:
    """Rasterise without gradients. `vertices_ndc`: x, y in [-1, 1] (y up, see `camera.to_screen`), z depth.

    Pixel (i, j) samples x = (2j + 1 - size) / size, y = -(2i + 1 - size) / size. Triangles nearer than `near`, beyond
    `far` or edge-on are not drawn, and depths behind the camera never are.
    """
    chosen = kernels(backend, vertices_ndc.device)
    faces = _checked(vertices_ndc, faces, size, near, far)
    screen = vertices_ndc.detach().double()
    across, down = screen[..., 0] * (size / 2), screen[..., 1] * (-size / 2)
    pixels = torch.stack([across + (size - 1) / 2, down + (size - 1) / 2, screen[..., 2]], dim=-1)
    depth, face_map = chosen.rasterize(pixels, faces, size, near, far)
    return Fragments(face_map, chosen.barycentric(pixels, faces, face_map), depth)


def interpolate(
    visible: Fragments,
    vertices_ndc: Float[Tensor, "b v 3"],
    faces: Int[Tensor, "f 3"] | Int[Tensor, "b f 3"],
    attributes: Float[Tensor, "b v c"],
) -> Float[Tensor, "b s s c"]:
    """Per-vertex attributes at each pixel, perspective-correct: z sum(w_k a_k / z_k); 0 where empty.

    Differentiable w.r.t. the attributes.
    """
    mesh = torch.arange(len(vertices_ndc), device=vertices_ndc.device)[:, None, None]
    faces = faces.long() if faces.ndim == 3 else faces.long()[None]
    if faces.shape[1] == 0:
        return attributes.new_zeros(*visible.face.shape, attributes.shape[-1])
    shared = mesh if len(faces) > 1 else torch.zeros_like(mesh)
    corners = faces[shared, visible.face.clamp(min=0).long()]
    corner_depth = vertices_ndc.detach()[mesh[..., None], corners, 2]
    share = torch.where((visible.face >= 0)[..., None], visible.weights / corner_depth, 0)
    share = share * visible.depth[..., None]
    return torch.einsum("bijk,bijkc->bijc", share, attributes[mesh[..., None], corners])


def render_depth(
    vertices: Float[Tensor, "b v 3"],
    faces: Int[Tensor, "f 3"] | Int[Tensor, "b f 3"],
    intrinsics: Float[Tensor, "3 3"],
    size: int,
    near: float = 0.1,
    far: float = 100.0,
    antialias: bool = True,
    backend: BackendName = "native",
) -> Float[Tensor, "b s s"]:
    """Depth images of meshes in camera space, differentiable w.r.t. the vertices.

    Antialiased: rendered at 2 `size`, then 2x2 means; empty pixels count as `far`. The gradient is that of the
    visible triangles' depth; what is visible is held fixed.
    """
    chosen = kernels(backend, vertices.device)
    faces = _checked(vertices, faces, size, near, far)
    return chosen.render_depth(vertices.float(), faces, intrinsics, size, near, far, 2 if antialias else 1)


def render_rgb(
    vertices: Float[Tensor, "b v 3"],
    faces: Int[Tensor, "f 3"] | Int[Tensor, "b f 3"],
    colors: Float[Tensor, "b v 3"],
    intrinsics: Float[Tensor, "3 3"],
    size: int,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    near: float = 0.1,
    far: float = 100.0,
    antialias: bool = True,
    backend: BackendName = "native",
) -> tuple[Float[Tensor, "b 3 s s"], Float[Tensor, "b s s"], Float[Tensor, "b s s"]]:
    """Colour images of meshes in camera space from per-vertex colours, with coverage in [0, 1] and depth.

    Colours are differentiable, geometry is held fixed (use `render_depth` for its gradient). Antialiased: rendered at
    2 `size`, then 2x2 means of all three.
    """
    factor = 2 if antialias else 1
    screen = to_screen(vertices.detach().float(), intrinsics, size)
    visible = fragments(screen, faces, size * factor, near, far, backend)
    image = interpolate(visible, screen, faces, colors)
    covered = visible.face >= 0
    image = torch.where(covered[..., None], image, image.new_tensor(background)).permute(0, 3, 1, 2)
    coverage, depth = covered.float(), visible.depth
    if factor > 1:
        image = torch.nn.functional.avg_pool2d(image, factor)
        coverage, depth = (torch.nn.functional.avg_pool2d(values, factor) for values in (coverage, depth))
    return image, coverage, depth


def _checked(points: Tensor, faces: Tensor, size: int, near: float, far: float) -> Int32[Tensor, "bf f 3"]:
    """Faces as the kernels take them, which do not look: a wrong index there reads foreign memory."""
    if points.ndim != 3 or points.shape[-1] != 3:
        raise ValueError(f"vertices have shape {tuple(points.shape)}, expected (batch, vertices, 3)")
    if faces.ndim == 2:
        faces = faces[None]
    if faces.ndim != 3 or faces.shape[-1] != 3 or len(faces) not in (1, len(points)):
        raise ValueError(
            f"faces have shape {tuple(faces.shape)}, expected (faces, 3), or (batch, faces, 3) with the batch "
            f"{len(points)} of the vertices"
        )
    if size < 1 or not 0 < near < far:
        raise ValueError(f"rendering needs size >= 1 and 0 < near < far, not size={size}, near={near}, far={far}")
    if faces.device.type == "cpu" and faces.numel():  # on a GPU, torch's own indexing checks
        low, high = torch.aminmax(faces)
        if low < 0 or high >= points.shape[1]:
            raise ValueError(f"faces name vertices {int(low)} to {int(high)}, the mesh has {points.shape[1]}")
    return faces.to(device=points.device, dtype=torch.int32)
