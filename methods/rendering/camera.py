"""Pinhole camera and rigid motion, after Unsup3D: pixels <-> camera space, view vectors -> rotations.

Camera space has x to the right, y down and z away from the camera, in units in which an object stands about 1 away.
Pixel centres have whole coordinates: (0, 0) is the centre of the upper left pixel.
"""

import math

import torch
from jaxtyping import Float, Float64
from torch import Tensor

# Keeps a division by a vertex in the camera's plane finite (Neural Mesh Renderer's projection).
DEPTH_EPSILON = 1e-9


def intrinsics(size: int, fov: float) -> Float[Tensor, "3 3"]:
    """Camera matrix K of a square image of `size` pixels with a field of view of `fov` degrees.

    Focal length (size - 1) / 2 / tan(fov / 2) pixels, principal point at the image's centre.
    """
    if size < 2 or not 0 < fov < 180:
        raise ValueError(f"a camera needs size >= 2 and 0 < fov < 180 degrees, not size={size}, fov={fov}")
    centre = (size - 1) / 2
    focal = centre / math.tan(math.radians(fov) / 2)
    return torch.tensor([[focal, 0.0, centre], [0.0, focal, centre], [0.0, 0.0, 1.0]])


def pixel_rays(size: int, matrix: Float[Tensor, "3 3"]) -> Float[Tensor, "s s 3"]:
    """The point at depth 1 that each pixel of a `size` x `size` image looks at: K^-1 (column, row, 1)."""
    place = torch.arange(size, dtype=torch.float32, device=matrix.device)
    rows, columns = torch.meshgrid(place, place, indexing="ij")
    pixels = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1)
    inverse: Tensor = torch.linalg.inv(matrix.double())
    return (pixels.double() @ inverse.T).float()


def project(points: Float[Tensor, "*b 3"], matrix: Float[Tensor, "3 3"]) -> Float[Tensor, "*b 2"]:
    """Pixel coordinates (column, row) of points in camera space.

    Written out: as a matrix product a GPU may round its factors to TF32's 10 bits, a tenth of a pixel.
    """
    plane = points[..., :2] / (points[..., 2:] + DEPTH_EPSILON)
    return plane[..., :1] * matrix[:2, 0] + plane[..., 1:] * matrix[:2, 1] + matrix[:2, 2]


def to_pixels(
    points: Float[Tensor, "b v 3"], matrix: Float[Tensor, "3 3"], factor: int = 1
) -> Float64[Tensor, "b v 3"]:
    """Points in camera space as (column, row, depth) of an image rendered with `factor` samples per pixel's side.

    Pixel centres are at whole numbers. Neural Mesh Renderer has column u at 2 (u - size/2) / size on a screen from -1
    to 1 and samples it at (2 i + 1 - size) / size, so that the image moves by half a sample: i = factor u - 1/2.
    """
    exact = points.double()
    return torch.cat([factor * project(exact, matrix.double()) - 0.5, exact[..., 2:]], dim=-1)


def to_screen(points: Float[Tensor, "b v 3"], matrix: Float[Tensor, "3 3"], size: int) -> Float[Tensor, "b v 3"]:
    """Points in camera space as the rasteriser takes them: x, y in [-1, 1] inside the image, y up; z stays.

    As Neural Mesh Renderer has it: column u becomes 2 (u - size/2) / size and row v 2 (size/2 - v) / size.
    """
    plane = project(points, matrix) * (2 / size) - 1
    return torch.cat([plane[..., :1], -plane[..., 1:], points[..., 2:]], dim=-1)


def rotation_matrix(angles: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 3"]:
    """Rz Ry Rx of angles (rx, ry, rz) in radians about the fixed axes x, y, z: x is turned first."""
    (sx, sy, sz), (cx, cy, cz) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    entries = [
        *(cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        *(sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        *(-sy, cy * sx, cy * cx),
    ]
    return torch.stack(entries, dim=-1).view(-1, 3, 3)


def grid_faces(rows: int, columns: int) -> Tensor:
    """Two triangles per cell of a grid of `rows` x `columns` vertices numbered row by row; int32 (f, 3).

    All triangles of the upper left halves come first, then those of the lower right halves (Unsup3D's order).
    """
    index = torch.arange(rows * columns, dtype=torch.int32).view(rows, columns)
    upper_left, upper_right = index[:-1, :-1], index[:-1, 1:]
    lower_left, lower_right = index[1:, :-1], index[1:, 1:]
    first = torch.stack([upper_left, lower_left, upper_right], dim=-1).view(-1, 3)
    second = torch.stack([upper_right, lower_left, lower_right], dim=-1).view(-1, 3)
    return torch.cat([first, second])
