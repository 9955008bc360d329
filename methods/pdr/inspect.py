"""Looking at what PDR makes of images: the scene taken apart, lit anew, and turned."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from methods.pdr.config import MAX_DEPTH, MIN_DEPTH, PDRConfig
from methods.pdr.model import Autoencoder, Reconstruction
from methods.pdr.networks import Networks
from methods.pdr.relight import Direction, PredictedScenes
from methods.ranges import signed

# Angles of the new lights and views, in degrees.
LIGHT_AZIMUTH, VIEW_YAW = 60.0, 35.0


@torch.no_grad()
def decompose(
    networks: Networks, config: PDRConfig, images: Float[Tensor, "b 3 64 64"]
) -> dict[str, Float[Tensor, "b 3 64 64"]]:
    """Pictures in [0, 1] of what the model says of images in [0, 1], by name and in the order of a sheet.

    `input`, `reconstruction`; of the canonical view `albedo`, `depth` (near is bright), `normals` (x, y, z as red,
    green, blue) and `shading`; the image `lit from left` and `lit from right`, in the predicted view; and the object
    `turned left` and `turned right` in the predicted light.
    """
    model = Autoencoder.for_inference(networks, config)
    images = images.to(next(networks.parameters()).device)
    count = len(images)
    result: Reconstruction = model(signed(images))
    scenes = PredictedScenes.of(model.scene, result)

    def lit(azimuth: float) -> Tensor:
        return scenes.seen(scenes.lit(Direction(azimuth)), result.view)

    def rotated(yaw: float) -> Tensor:
        view = torch.zeros_like(result.view)
        view[:, 1] = math.radians(yaw)
        return scenes.seen(scenes.canonical_image, view)

    depth = (MAX_DEPTH - scenes.depth) / (MAX_DEPTH - MIN_DEPTH)
    pictures = {
        "input": images,
        "reconstruction": result.image_hat[:count] / 2 + 0.5,
        "albedo": scenes.albedo / 2 + 0.5,
        "depth": depth[:, None].expand(-1, 3, -1, -1),
        "normals": scenes.normal.permute(0, 3, 1, 2) / 2 + 0.5,
        "shading": result.shading[:count, None].expand(-1, 3, -1, -1),
        "lit from left": lit(LIGHT_AZIMUTH),
        "lit from right": lit(-LIGHT_AZIMUTH),
        "turned left": rotated(VIEW_YAW),
        "turned right": rotated(-VIEW_YAW),
    }
    return {name: picture.clamp(0, 1).contiguous() for name, picture in pictures.items()}
