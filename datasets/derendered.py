"""What a method says that images show: the scene that a camera sees, taken apart."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Derendered:
    """Scenes of b images, pixel by pixel as the camera sees them; row 0 is the image's top.

    Camera space is Unsup3D's: a field of view of 10 degrees, x right, y down, z away from the camera. Nothing here
    depends on which pose of the object a method takes for the canonical one, but `rotation`.

    Attributes
    ----------
    depth: along z, positive, in any unit, where `covered`.
    albedo: in [0, 1], where `covered`; its scale is free.
    covered: whether the object covers the pixel.
    light: the direction that the light goes in, in camera space: (0, 0, 1) comes from the camera. Of any length but 0.
    rotation: from the canonical pose to the one seen; the identity is seen as it is.
    """

    depth: Float[Tensor, "b s s"]
    albedo: Float[Tensor, "b 3 s s"]
    covered: Bool[Tensor, "b s s"]
    light: Float[Tensor, "b 3"]
    rotation: Float[Tensor, "b 3 3"]
