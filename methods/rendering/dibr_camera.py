"""DIB-R's camera (Chen et al., 2019, and kaolin): one that looks at the origin from an orbit, and its projection.

World and camera space have x to the right, y up and z towards the camera, so that what is seen has z < 0. That is
`methods.rendering.camera` with y and z turned round: diag(1, -1, -1). The image plane is [-1, 1] x [-1, 1], y up.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def orbit(
    azimuth: Float[Tensor, " b"], elevation: Float[Tensor, " b"], distance: Float[Tensor, " b"]
) -> tuple[Float[Tensor, "b 3 3"], Float[Tensor, "b 3"]]:
    """Rotation R and position of cameras that look at the origin, y up: a point is at R (point - position).

    Angles in degrees: azimuth 0 is on the x axis and 90 on the z axis, elevations lie between -90 and 90. The rows of R
    are the camera's right, up and back. Differentiable.
    """
    around, above = azimuth.deg2rad(), elevation.deg2rad()
    zero = torch.zeros_like(around)
    back = torch.stack([above.cos() * around.cos(), above.sin(), above.cos() * around.sin()], dim=-1)
    right = torch.stack([around.sin(), zero, -around.cos()], dim=-1)
    up = torch.stack([-above.sin() * around.cos(), above.cos(), -above.sin() * around.sin()], dim=-1)
    return torch.stack([right, up, back], dim=1), back * distance[:, None]


def to_camera(
    points: Float[Tensor, "*b v 3"], rotation: Float[Tensor, "b 3 3"], position: Float[Tensor, "b 3"]
) -> Float[Tensor, "b v 3"]:
    """Points in the cameras' spaces: R (point - position); points without a batch are seen by every camera.

    Written out: as a matrix product a GPU may round its factors to TF32's 10 bits.
    """
    moved = points - position[:, None]
    return (moved[..., None, :] * rotation[:, None]).sum(-1)


def project(points: Float[Tensor, "b v 3"], fov: float) -> Float[Tensor, "b v 2"]:
    """Points in camera space on the image plane: x / (tan(fov / 2) (-z)), y likewise; `fov` is the full angle, degrees.

    Points in the camera's plane or behind it have no place there: their coordinates are NaN, without a gradient.
    """
    if not 0 < fov < 180:
        raise ValueError(f"a camera needs 0 < fov < 180 degrees, not fov={fov}")
    half = math.tan(math.radians(fov / 2))
    ahead = points[..., 2:] < 0
    plane = points[..., :2] / torch.where(ahead, -half * points[..., 2:], 1)
    return torch.where(ahead, plane, torch.nan)


def facing(points: Float[Tensor, "b v 3"], faces: Int[Tensor, "f 3"]) -> Bool[Tensor, "b f"]:
    """Which triangles DIB-R draws: those whose normal (b - a) x (c - a) in camera space has z >= 0.

    Not the same as what the eye sees: in perspective it also sees triangles off the axis that lean away a little,
    which kaolin leaves out, and so does this.
    """
    corners = points.detach()[..., :2].double()[:, faces.long()]
    (ax, ay), (bx, by) = ((corners[:, :, k] - corners[:, :, 0]).unbind(-1) for k in (1, 2))
    return ax * by - ay * bx >= 0
