"""From network outputs to a scene and back to an image: canonical depth, light, view, shading, reconstruction.

Everything here is in float32 and has no parameters. Formulas are Unsup3D's (section 3); the ranges are its face and
car models'.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from methods.pdr.config import MAX_DEPTH, MIN_DEPTH, PDRConfig
from methods.rendering.scene import DepthRenderer

# Columns at the left and the right whose depth is fixed, so that the mesh has a frame.
BORDER_COLUMNS = 2
ROTATION_RANGE = math.radians(60)
TRANSLATION_RANGE = (0.1, 0.1, 0.0)


@dataclass(frozen=True)
class Light:
    """One directional light and its ambient share.

    Attributes
    ----------
    ambient, diffuse: strengths (b,); predicted ones lie in [0, 1] when the network's outputs lie in [-1, 1].
    direction: the direction (b, 3) that the light travels in, a unit vector but for LOOCC's change of its components;
        z is away from the camera, so that (0, 0, 1) comes from the camera.
    """

    ambient: Float[Tensor, " b"]
    diffuse: Float[Tensor, " b"]
    direction: Float[Tensor, "b 3"]

    def shading(self, normal: Float[Tensor, "b s s 3"]) -> Float[Tensor, "b s s"]:
        """Lambert's law: ambient + diffuse * max(0, normal . direction).

        Normals point into the object, as `DepthRenderer.normals` has them: the light travels along those that it hits.
        """
        cosine = torch.einsum("bijk,bk->bij", normal, self.direction).clamp(min=0)
        return torch.addcmul(self.ambient[:, None, None], self.diffuse[:, None, None], cosine)


@dataclass(frozen=True)
class Rendered:
    """What the camera sees of the scene turned by a view.

    Attributes
    ----------
    depth: (b, s, s), clamped; the far limit marks pixels that the object does not cover.
    grid: (b, s, s, 2), where each pixel lies on the canonical image.
    covered: (b, s, s), whether the object covers the pixel.
    """

    depth: Float[Tensor, "b s s"]
    grid: Float[Tensor, "b s s 2"]
    covered: Bool[Tensor, "b s s"]


class Scene(nn.Module):
    """The photo-geometric part of the model: no parameters, only constants that move with `.to(device)`."""

    def __init__(self, config: PDRConfig, size: int = 64) -> None:
        super().__init__()
        self.renderer = DepthRenderer(size=size, min_depth=MIN_DEPTH, max_depth=MAX_DEPTH, backend=config.renderer)
        self.border_depth = config.border_depth
        self.min_diffuse = config.min_diffuse
        self.flat, self.unlit, self.unturned = (name in config.without for name in ("depth", "light", "view"))

    def free_depth(self, raw: Float[Tensor, "b s s"]) -> Float[Tensor, "b s s"]:
        """Canonical depth before its border is fixed: raw depth less its mean, by tanh into the depth range; without
        depth the plane in the middle of that range."""
        if self.flat:
            return torch.full_like(raw, (MAX_DEPTH + MIN_DEPTH) / 2)
        centred = raw - raw.mean(dim=(1, 2), keepdim=True)
        return (MAX_DEPTH + MIN_DEPTH) / 2 + (MAX_DEPTH - MIN_DEPTH) / 2 * centred.tanh()

    def with_border(self, depth: Float[Tensor, "b s s"]) -> Float[Tensor, "b s s"]:
        """Canonical depth with the outer columns set to `border_depth`; a plane stays one."""
        if self.flat:
            return depth
        inner = depth[:, :, BORDER_COLUMNS:-BORDER_COLUMNS]
        return F.pad(inner, (BORDER_COLUMNS, BORDER_COLUMNS), value=self.border_depth)

    def light(self, raw: Float[Tensor, "b 4"]) -> Light:
        """(ambient, diffuse, x, y) as predicted -> light with direction (x, y, 1), normalised; without light an
        ambient one of strength 1, which leaves the albedo as it is."""
        if self.unlit:
            raw = torch.zeros_like(raw)
            return Light(raw[:, 0] + 1, raw[:, 1], F.pad(raw[:, 2:], (0, 1), value=1.0))
        ambient = raw[:, 0] / 2 + 0.5
        diffuse = (raw[:, 1] + 1) / 2 * (1 - self.min_diffuse) + self.min_diffuse
        direction = F.normalize(F.pad(raw[:, 2:], (0, 1), value=1.0), dim=1)
        return Light(ambient, diffuse, direction)

    def view(self, raw: Float[Tensor, "b 6"]) -> Float[Tensor, "b 6"]:
        """As predicted -> rotations about x, y, z in radians and translations: times 60 degrees and (0.1, 0.1, 0);
        without view all 0, the canonical one."""
        if self.unturned:
            return torch.zeros_like(raw)
        return raw * raw.new_tensor([ROTATION_RANGE] * 3 + list(TRANSLATION_RANGE))

    def render(self, depth: Float[Tensor, "b s s"], view: Float[Tensor, "b 6"]) -> Rendered:
        """See canonical depth under a view."""
        seen = self.renderer.warp(depth, view)
        return Rendered(seen, self.renderer.inverse_grid(seen, view), seen < self.renderer.depth_limits[1])


def shaded(albedo: Float[Tensor, "b 3 s s"], shading: Float[Tensor, "b s s"]) -> Float[Tensor, "b 3 s s"]:
    """The canonical image, in [-1, 1] as far as shading stays below 1: albedo in [-1, 1] times shading."""
    return (albedo / 2 + 0.5) * shading[:, None] * 2 - 1


def look_up(image: Float[Tensor, "b c s s"], grid: Float[Tensor, "b s s 2"]) -> Float[Tensor, "b c s s"]:
    """The canonical image as seen: bilinear, zero (mid-grey) outside it."""
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def mirrored(maps: Tensor, dim: int) -> Tensor:
    """A batch followed by its mirror images along `dim`: (2b, ...)."""
    return torch.cat([maps, maps.flip(dim)])


def with_mirrored_copy(light: Light) -> Light:
    """The same lights for a batch and its mirrored copy."""
    return Light(light.ambient.repeat(2), light.diffuse.repeat(2), light.direction.repeat(2, 1))
