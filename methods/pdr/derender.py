"""PDR's scenes as the camera sees them: canonical depth and albedo warped into the predicted view."""

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.derendered import Derendered
from datasets.scene_factors import SceneFactors
from methods.pdr.config import PDRConfig
from methods.pdr.model import Autoencoder, Reconstruction
from methods.pdr.networks import Networks
from methods.pdr.scene import look_up
from methods.ranges import signed
from methods.rendering.camera import rotation_matrix


def derender(networks: Networks, config: PDRConfig, images: Float[Tensor, "b 3 64 64"]) -> Derendered:
    """Take images in [0, 1], on the networks' device, apart.

    PDR shades the canonical object and turns the result, so its light is turned with it into camera space. Albedo
    beyond the canonical map's edge is 0.
    """
    result: Reconstruction = Autoencoder.for_inference(networks, config)(signed(images))
    count = len(images)
    rendered = result.rendered
    rotation = rotation_matrix(result.view[:, :3])
    return Derendered(
        depth=rendered.depth[:count],
        albedo=look_up(result.albedo[:count] / 2 + 0.5, rendered.grid[:count]),
        covered=rendered.covered[:count],
        light=torch.einsum("bij,bj->bi", rotation, result.light.direction),
        rotation=rotation,
    )


def scene_factors(found: Derendered) -> SceneFactors:
    """View and light in degrees, in the signs of the drawn datasets: yaw to the image's right, pitch down, and the
    azimuth of where the light comes from to the image's right. The code has roll and the light's elevation besides."""
    rotation, light = found.rotation, found.light
    yaw = torch.atan2(rotation[:, 2, 0], torch.hypot(rotation[:, 0, 0], rotation[:, 1, 0]))
    pitch = torch.atan2(rotation[:, 2, 1], rotation[:, 2, 2])
    roll = torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])
    azimuth = torch.atan2(-light[:, 0], light[:, 2])
    elevation = torch.atan2(light[:, 1], torch.hypot(light[:, 0], light[:, 2]))
    code = torch.rad2deg(torch.stack([yaw, pitch, azimuth, roll, elevation], dim=1))
    return SceneFactors({"azimuth": code[:, 0], "elevation": code[:, 1], "light": code[:, 2]}, code)
