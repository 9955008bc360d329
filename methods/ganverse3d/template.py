"""The sphere that shapes start from, with texture coordinates, and what of a mesh's topology losses need.

World space has x to the right, y up and z to the front, which a camera of `rendering.dibr_camera` sees from azimuth 90.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

# DIB-R's: 642 vertices and 1,280 triangles.
LEVEL = 3


def icosphere(level: int = LEVEL) -> tuple[Float32[Tensor, "v 3"], Int64[Tensor, "f 3"]]:
    """Vertices of the unit sphere and triangles, seen anticlockwise from outside: an icosahedron halved `level` times.

    10 * 4^level + 2 vertices. From level 1 on the poles (0, 1, 0) and (0, -1, 0) are vertices, and left and right are
    mirror images.
    """
    long = (1 + 5**0.5) / 2
    pairs = [(a, b) for a in (1.0, -1.0) for b in (long, -long)]
    points = np.array(
        [[0.0, a, b] for a, b in pairs] + [[a, b, 0.0] for a, b in pairs] + [[b, 0.0, a] for a, b in pairs]
    )
    # Its edges have length 2; of three vertices that are all so near, the triangle is turned to the outside.
    near = np.isclose(np.linalg.norm(points[:, None] - points, axis=-1), 2)
    three = [
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]
    ]
    faces = np.array([t if np.linalg.det(points[list(t)]) > 0 else t[::-1] for t in three])
    points /= np.linalg.norm(points[0])
    for _ in range(level):
        edges, index = _edges(faces)
        middle = points[edges].sum(1)
        a, b, c = faces.T
        ab, bc, ca = index.reshape(3, -1) + len(points)
        faces = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
        points = np.concatenate([points, middle / np.linalg.norm(middle, axis=1, keepdims=True)])
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(faces)


def spherical_uvs(vertices: Float32[Tensor, "v 3"], faces: Int64[Tensor, "f 3"]) -> Float32[Tensor, "f 3 2"]:
    """Texture coordinates of each triangle's corners: u once round the y axis from the back, v from pole to pole.

    The front is at u = 0.5. The seam is at the back: triangles across it have corners beyond u = 1, which is where a
    texture that wraps starts again. A pole has the middle of the other corners' u.
    """
    x, y, z = torch.nn.functional.normalize(vertices.double(), dim=-1).unbind(-1)
    round_ = (torch.atan2(x, z) / (2 * torch.pi) + 0.5)[faces]
    up = (torch.asin(y.clamp(-1, 1)) / torch.pi + 0.5)[faces]
    pole = (x.hypot(z) < 1e-6)[faces]
    # Where corners are more than half a turn apart, the lower ones are those beyond the seam.
    apart = torch.where(pole, -torch.inf, round_).amax(1) - torch.where(pole, torch.inf, round_).amin(1) > 0.5
    round_ = torch.where(apart[:, None] & (round_ < 0.5), round_ + 1, round_)
    others = torch.where(pole, 0, round_).sum(1) / (~pole).sum(1)
    return torch.stack([torch.where(pole, others[:, None], round_), up], dim=-1).float()


@dataclass(frozen=True)
class Topology:
    """How the triangles of a closed mesh hang together.

    edges: vertices of each edge, the lower first, in ascending order.
    edge_faces: the two triangles that share it, the lower first.
    neighbours: of each vertex, how many others an edge joins it to.
    """

    edges: Int64[Tensor, "e 2"]
    edge_faces: Int64[Tensor, "e 2"]
    neighbours: Int64[Tensor, " v"]

    @classmethod
    def of(cls, faces: Int64[Tensor, "f 3"], vertices: int) -> "Topology":
        """The topology of a mesh of so many vertices; an edge that is not of two triangles is a ValueError."""
        edges, index = _edges(faces.numpy())
        if (np.bincount(index) != 2).any():
            raise ValueError("the mesh is not closed: an edge of it does not belong to exactly two triangles")
        sides = np.argsort(index, kind="stable") % len(faces)
        neighbours = np.bincount(edges.ravel(), minlength=vertices)
        return cls(
            torch.from_numpy(edges),
            torch.from_numpy(np.sort(sides.reshape(-1, 2), axis=1)),
            torch.from_numpy(neighbours),
        )


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges (e, 2), ascending, and which of them each triangle's sides ab, then all bc, then all ca are."""
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges, index = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)
    return edges, index.reshape(-1)
