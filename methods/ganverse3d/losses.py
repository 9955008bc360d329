"""What a predicted textured mesh is held to: the images it gives, and shapes that are smooth and near the template.

After DIB-R's released training code (Chen et al., 2019). The regularisers are means, not its sums: GANverse3D prints
weights alone, and with sums its sphere hardly deforms.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from methods.ganverse3d.template import Topology

# Keeps the ratio of two empty masks finite.
IOU_EPSILON = 1e-10


def color_loss(
    image: Float[Tensor, "b 3 s s"], target: Float[Tensor, "b 3 s s"], mask: Float[Tensor, "b s s"]
) -> Float[Tensor, ""]:
    """Mean absolute difference inside the true mask, over all pixels and channels."""
    return ((image - target).abs() * mask[:, None]).mean()


def iou_loss(soft: Float[Tensor, "b s s"], mask: Float[Tensor, "b s s"]) -> Float[Tensor, ""]:
    """1 - mean over images of sum(a b) / sum(a + b - a b), of soft silhouettes with true masks."""
    return 1 - _ratio(soft, mask).mean()


def iou(mask: Bool[Tensor, "b s s"], target: Bool[Tensor, "b s s"]) -> Float[Tensor, " b"]:
    """Intersection over union of each image's masks; 0 where both are empty."""
    return _ratio(mask.float(), target.float())


def laplacian_loss(offsets: Float[Tensor, "b v 3"], topology: Topology) -> Float[Tensor, ""]:
    """Mean squared distance of the vertices' offsets from the mean of their neighbours' offsets."""
    start, end = topology.edges.unbind(-1)
    total = torch.zeros_like(offsets).index_add(1, start, offsets[:, end]).index_add(1, end, offsets[:, start])
    return (total / topology.neighbours[:, None] - offsets).square().sum(-1).mean()


def flatten_loss(vertices: Float[Tensor, "b v 3"], faces: Int[Tensor, "f 3"], topology: Topology) -> Float[Tensor, ""]:
    """Mean over edges of (cos of the angle between the normals of its two triangles - 1)^2."""
    a, b, c = vertices[:, faces.long()].unbind(2)
    normal = F.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
    first, second = normal[:, topology.edge_faces].unbind(2)
    return ((first * second).sum(-1) - 1).square().mean()


def movement_loss(offsets: Float[Tensor, "b v 3"]) -> Float[Tensor, ""]:
    """Mean squared length of the offsets.

    GANverse3D says only that the deformation is to be "uniform and small", and has no formula.
    """
    return offsets.square().sum(-1).mean()


def _ratio(a: Float[Tensor, "b s s"], b: Float[Tensor, "b s s"]) -> Float[Tensor, " b"]:
    both = (a * b).sum((1, 2))
    return both / ((a + b).sum((1, 2)) - both + IOU_EPSILON)
