"""LOOCC: the leave-one-out, cycle contrastive loss (PDR, section 3.2).

One predicted scene parameter is changed at random, the scene is rendered with it and encoded again; the features of
the *other* parameters should be what they were.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from methods.pdr.config import PARAMETERS, Parameter, PDRConfig
from methods.pdr.scene import Light

Perturbed = Literal["light", "view"]


def choose(loocc: str, generator: torch.Generator) -> Perturbed:
    """The parameter that a batch perturbs: always light (`l`), or light and view with equal chance (`lv`)."""
    if loocc == "lv" and torch.rand((), generator=generator).item() < 0.5:
        return "view"
    return "light"


def unchanged(perturbed: Perturbed) -> tuple[Parameter, ...]:
    """The scene parameters whose features should stay the same."""
    return tuple(name for name in PARAMETERS if name != perturbed)


def perturb_light(light: Light, config: PDRConfig, generator: torch.Generator) -> Light:
    """Change both strengths and the direction of every light of a batch.

    Direction: pitch and yaw in `angles` (PDR, section 4.3); in `components` (as released) a uniform number is added
    to each of x, y, z, and the result is not normalised again.
    """
    count = len(light.ambient)
    strength = _uniform((2, count), config.light_strength, light.ambient, generator)
    if config.light_direction == "components":
        direction = light.direction + _uniform((count, 3), config.light_component, light.direction, generator)
    else:
        turn = _uniform((2, count), math.radians(config.light_angle), light.direction, generator)
        direction = turned(light.direction, pitch=turn[0], yaw=turn[1])
    return Light(light.ambient + strength[0], light.diffuse + strength[1], direction)


def turned(
    direction: Float[Tensor, "b 3"], *, pitch: Float[Tensor, " b"], yaw: Float[Tensor, " b"]
) -> Float[Tensor, "b 3"]:
    """Unit vectors with `pitch` (elevation towards +y) and `yaw` (azimuth from +z towards +x) added, in radians."""
    x, y, z = direction.unbind(1)
    azimuth = torch.atan2(x, z) + yaw
    elevation = torch.atan2(y, torch.hypot(x, z)) + pitch
    flat = elevation.cos()
    return torch.stack([flat * azimuth.sin(), elevation.sin(), flat * azimuth.cos()], dim=1)


def perturb_view(view: Float[Tensor, "b 6"], config: PDRConfig, generator: torch.Generator) -> Float[Tensor, "b 6"]:
    """Change the pitch (rotation about x) and the yaw (about y) of every view of a batch."""
    limits = view.new_tensor([math.radians(config.view_pitch), math.radians(config.view_yaw)])
    return view + F.pad(_uniform((len(view), 2), 1.0, view, generator) * limits, (0, 4))


def nt_xent(features: Float[Tensor, "n d"], others: Float[Tensor, "n d"], temperature: float) -> Float[Tensor, ""]:
    """Normalised temperature-scaled cross entropy (Chen et al., SimCLR, eq. 1) of n pairs; PDR's equation 6.

    Each of the 2n vectors should be nearer by cosine similarity to its partner than to the other 2n - 2.
    """
    both = F.normalize(torch.cat([features, others]).float(), dim=1)
    n = len(features)
    similarity = (both @ both.T) / temperature
    similarity = similarity.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=both.device), -math.inf)
    partner = torch.arange(2 * n, device=both.device).roll(n)
    return F.cross_entropy(similarity, partner)


def _uniform(shape: tuple[int, ...], limit: float, like: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform numbers in (-limit, limit), drawn on the CPU so that every device sees the same ones."""
    return ((torch.rand(shape, generator=generator) * 2 - 1) * limit).to(like.device)
