"""One pass of PDR's photo-geometric autoencoder: image -> scene -> image, with everything in between by name."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.pdr.config import PARAMETERS, PDRConfig
from methods.pdr.networks import Networks
from methods.pdr.scene import Light, Rendered, Scene, look_up, mirrored, shaded, with_mirrored_copy


@dataclass(frozen=True)
class Reconstruction:
    """A scene and its image. Maps of 2b images hold the batch, then the same with depth and albedo mirrored.

    Attributes
    ----------
    image: the input (b, 3, s, s) in [-1, 1].
    features: 256 values per scene parameter, (b, 256) each.
    free_depth: canonical depth (b, s, s) before its border was fixed.
    depth: canonical depth (2b, s, s) in [0.9, 1.1]; albedo: (2b, 3, s, s) in [-1, 1].
    light: of b images; view: (b, 6), rotations in radians and translations.
    normal: (2b, s, s, 3) of the canonical depth; shading: (2b, s, s).
    canonical_image: (2b, 3, s, s), the shaded albedo; rendered: what the camera sees, 2b.
    mask: (b, 1, s, s), 1 where the object covers a pixel both plain and mirrored; without symmetry, plain.
    image_hat: (2b, 3, s, s), the reconstructions, 0 outside the mask.
    sigma, sigma_perceptual: predicted deviations (b, 2, s, s) and (b, 2, s/4, s/4), plain and mirrored; or None.
    """

    image: Float[Tensor, "b 3 s s"]
    features: dict[str, Tensor]
    free_depth: Float[Tensor, "b s s"]
    depth: Float[Tensor, "b2 s s"]
    albedo: Float[Tensor, "b2 3 s s"]
    light: Light
    view: Float[Tensor, "b 6"]
    normal: Float[Tensor, "b2 s s 3"]
    shading: Float[Tensor, "b2 s s"]
    canonical_image: Float[Tensor, "b2 3 s s"]
    rendered: Rendered
    mask: Float[Tensor, "b 1 s s"]
    image_hat: Float[Tensor, "b2 3 s s"]
    sigma: Float[Tensor, "b 2 s s"] | None
    sigma_perceptual: Float[Tensor, "b 2 t t"] | None


class Autoencoder(nn.Module):
    """The networks and the scene they feed. Its state dict is that of the networks alone, under `networks.`.

    Networks run in whatever autocast is on; the scene and its rendering in float32.
    """

    def __init__(self, networks: Networks, config: PDRConfig) -> None:
        super().__init__()
        self.networks = networks
        self.scene = Scene(config)
        self.symmetric = "symmetry" not in config.without

    @classmethod
    def for_inference(cls, networks: Networks, config: PDRConfig) -> "Autoencoder":
        """The autoencoder of trained networks, on their device and with them in eval mode."""
        return cls(networks, config).to(next(networks.parameters()).device).eval()

    def forward(self, image: Float[Tensor, "b 3 64 64"]) -> Reconstruction:
        """Take images in [-1, 1] apart and put them together again."""
        nets, scene = self.networks, self.scene
        features = nets.features(image)
        raw = {name: nets.of(name).decode(features[name]).float() for name in PARAMETERS}
        sigma, sigma_perceptual = (None, None) if nets.netC is None else nets.netC(image)
        with torch.autocast(image.device.type, enabled=False):
            free_depth = scene.free_depth(raw["geometry"].squeeze(1))
            depth = mirrored(scene.with_border(free_depth), 2)
            albedo = mirrored(raw["albedo"], 3)
            light, view = scene.light(raw["light"]), scene.view(raw["view"])
            normal = scene.renderer.normals(depth)
            shading = with_mirrored_copy(light).shading(normal)
            canonical_image = shaded(albedo, shading)
            rendered = scene.render(depth, view.repeat(2, 1))
            covered = rendered.covered.view(2, *image.shape[:1], 1, *image.shape[2:])
            mask = (covered.all(dim=0) if self.symmetric else covered[0]).float()
            image_hat = look_up(canonical_image, rendered.grid) * mask.repeat(2, 1, 1, 1)
        return Reconstruction(
            image=image,
            features={name: value.float() for name, value in features.items()},
            free_depth=free_depth,
            depth=depth,
            albedo=albedo,
            light=light,
            view=view,
            normal=normal,
            shading=shading,
            canonical_image=canonical_image,
            rendered=rendered,
            mask=mask,
            image_hat=image_hat,
            sigma=None if sigma is None else sigma.float(),
            sigma_perceptual=None if sigma_perceptual is None else sigma_perceptual.float(),
        )
