"""Looking at what PDR makes of images: the scene taken apart, lit anew, and turned."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from methods.pdr.config import MAX_DEPTH, MIN_DEPTH
from methods.pdr.loocc import turned
from methods.pdr.method import PDR
from methods.pdr.model import Autoencoder, signed
from methods.pdr.scene import Light, look_up, shaded

# Angles of the new lights and views, and the light that they are shown in.
LIGHT_YAW, VIEW_YAW = math.radians(60), math.radians(35)
RELIT_AMBIENT, RELIT_DIFFUSE = 0.2, 0.8


@torch.no_grad()
def decompose(method: PDR, images: Float[Tensor, "b 3 64 64"]) -> dict[str, Float[Tensor, "b 3 64 64"]]:
    """Pictures in [0, 1] of what the model says of images in [0, 1], by name and in the order of a sheet.

    `input`, `reconstruction`; of the canonical view `albedo`, `depth` (near is bright), `normals` (x, y, z as red,
    green, blue) and `shading`; the image `lit from left` and `lit from right`, in the predicted view; and the object
    `turned left` and `turned right` in the predicted light.
    """
    device = next(method.module.parameters()).device
    model = Autoencoder(method.module, method.config).to(device).eval()
    images = images.to(device)
    count = len(images)
    result = model(signed(images))
    light, albedo, normal = result.light, result.albedo[:count], result.normal[:count]

    def seen(image: Tensor, view: Tensor) -> Tensor:
        rendered = model.scene.render(result.depth[:count], view)
        return look_up(image, rendered.grid) * rendered.covered[:, None] / 2 + 0.5

    def lit(yaw: float) -> Tensor:
        towards = turned(
            torch.zeros_like(light.direction) + light.direction.new_tensor([0.0, 0.0, 1.0]),
            pitch=torch.zeros_like(light.ambient),
            yaw=torch.full_like(light.ambient, yaw),
        )
        strength = torch.ones_like(light.ambient)
        new = Light(strength * RELIT_AMBIENT, strength * RELIT_DIFFUSE, towards)
        return seen(shaded(albedo, new.shading(normal)), result.view)

    def rotated(yaw: float) -> Tensor:
        view = torch.zeros_like(result.view)
        view[:, 1] = yaw
        return seen(result.canonical_image[:count], view)

    depth = (MAX_DEPTH - result.depth[:count]) / (MAX_DEPTH - MIN_DEPTH)
    pictures = {
        "input": images,
        "reconstruction": result.image_hat[:count] / 2 + 0.5,
        "albedo": albedo / 2 + 0.5,
        "depth": depth[:, None].expand(-1, 3, -1, -1),
        "normals": normal.permute(0, 3, 1, 2) / 2 + 0.5,
        "shading": result.shading[:count, None].expand(-1, 3, -1, -1),
        "lit from left": lit(LIGHT_YAW),
        "lit from right": lit(-LIGHT_YAW),
        "turned left": rotated(VIEW_YAW),
        "turned right": rotated(-VIEW_YAW),
    }
    return {name: picture.clamp(0, 1).contiguous() for name, picture in pictures.items()}
