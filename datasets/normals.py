"""Normals of depth maps, in Unsup3D's camera or one of another field of view."""

import numpy as np
import torch
from jaxtyping import Float32, Shaped

# Unsup3D's camera, in degrees.
FIELD_OF_VIEW = 10.0


def depth_normals(
    depth: Shaped[np.ndarray, "n s s"], field_of_view: float = FIELD_OF_VIEW
) -> Float32[np.ndarray, "n s s 3"]:
    """Normals of depth maps of any scale: cross products of central differences of the points seen (Unsup3D, section
    3.2), of length 1 but for its 1e-7 under the quotient (0.3 % at 64 pixels). (0, 0, 1) faces the camera, as it does
    at the border, where there is no difference to take. `field_of_view` is the camera's, in degrees.
    """
    from methods.rendering.scene import DepthRenderer

    maps = torch.from_numpy(np.ascontiguousarray(depth, dtype=np.float32))
    return DepthRenderer(size=depth.shape[1], fov=field_of_view).normals(maps).numpy()
