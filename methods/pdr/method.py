"""PDR as a method: features of scene parameters, with or without LOOCC; and its untrained networks as a baseline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.derendered import Derendered
from datasets.scene_factors import SceneFactors
from methods.base import Domain, Method, ProtocolName, Trainer
from methods.pdr import vgg
from methods.pdr.config import PARAMETERS, PROFILES, PDRConfig, for_profile, for_protocol
from methods.pdr.derender import derender, scene_factors
from methods.pdr.import_weights import load_unsup3d
from methods.pdr.inspect import decompose
from methods.pdr.learner import PDRLearner
from methods.pdr.networks import IMAGE_SIZE, Networks, encoder_maps
from methods.pdr.relight import predict_scenes
from methods.ranges import signed
from methods.rendering.backends import require

# What a row says of the physics that it is trained without, and of the encoder that is then of no use to it.
WITHOUT = {
    "symmetry": "trained without symmetry: no mirrored copy is reconstructed",
    "depth": "trained without depth: a plane in its place; the reconstruction leaves the geometry encoder alone",
    "light": "trained without light: the albedo is not shaded; the reconstruction leaves the light encoder alone",
    "view": "trained without view: nothing is turned; the reconstruction leaves the view encoder alone",
}

# The paper, Unsup3D, whose model it trains, and the renderer whose numbers it has.
CITES = ("klinghoffer2022pdr", "wu2020unsup3d", "kato2018nmr")


class PDREncoder(nn.Module):
    """Images in [0, 1] (b, 3, 64, 64) to the features of the chosen scene parameters, 256 values each."""

    def __init__(self, networks: Networks, features: tuple[str, ...]) -> None:
        super().__init__()
        self.features = features
        self.encoders = nn.ModuleDict({name: networks.of(name).encoder_part() for name in features})

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The chosen features, in their order, concatenated."""
        scaled = signed(images)
        return torch.cat([self.encoders[name](scaled).flatten(1) for name in self.features], dim=1)


class PDR(Method):
    """Physically disentangled representations; the LOOCC variants are presets of `loocc`."""

    Config = PDRConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    trains: ClassVar[bool] = True
    provides: ClassVar[frozenset[str]] = frozenset(
        {
            *("features", "encoder", "groups", "group_encoders", "pixel_features"),
            *("derender", "novel_view", "relight", "scene_factors"),
        }
    )
    cites: ClassVar[tuple[str, ...]] = CITES
    image_size: int = IMAGE_SIZE

    def __init__(self, config: PDRConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.module: Networks = Networks(self.config)

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """What cars, and the released code, change."""
        return for_protocol(protocol, domain)

    @classmethod
    def for_profile(cls, profile: str, domain: Domain) -> Mapping[str, Any]:
        """The sizes of a profile; cars train half as long in `mini`."""
        return for_profile(profile, domain)

    @classmethod
    def citations(cls, config: PDRConfig) -> tuple[str, ...]:
        """The class's, and SimCLR's loss where LOOCC is trained with."""
        return (*cls.cites, "chen2020simclr") if cls.trains and config.loocc != "none" else cls.cites

    @classmethod
    def resolve(cls, config: PDRConfig) -> PDRConfig:
        """Fill in torchvision's VGG-16 where it is needed, not named and there."""
        default = vgg.default_file()
        if config.vgg16 is None and config.perceptual_weight and default.is_file():
            return config.model_copy(update={"vgg16": str(default)})
        return config

    @classmethod
    def check_resources(cls, config: PDRConfig) -> None:
        """Raise ResourceMissing without the renderer chosen, or without VGG-16 where training needs it."""
        require(config.renderer)
        if cls.trains and config.perceptual_weight:
            vgg.find(config.vgg16)

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train all networks together on the reconstruction, and on LOOCC where it is on."""
        return trainer.train(PDRLearner(self.module, self.config), images, self.config.schedule)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The chosen features, 256 values of each scene parameter at full size."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.config.encode_precision == "bf16-mixed"):
            found = self.module.features(signed(images), self.config.features)
        return torch.cat([found[name].float() for name in self.config.features], dim=1)

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b d"]]:
        """The features by scene parameter, all four whatever `features` chooses."""
        return self.module.features(signed(images))

    def derender(self, images: Float[Tensor, "b 3 h w"]) -> Derendered:
        """Depth, albedo, light and view of the reconstruction, as the camera sees them."""
        return derender(self.module, self.config, images)

    def scene_factors(self, images: Float[Tensor, "b 3 h w"]) -> SceneFactors:
        """Yaw, pitch and light azimuth of the scene that it takes an image apart into."""
        return scene_factors(self.derender(images))

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """Taken apart, moved and rendered again; mid-grey where nothing of the canonical image is seen."""
        scenes, _ = predict_scenes(self.module, self.config, images)
        return scenes.moved(yaw=yaw, pitch=pitch, light=light)

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The encoders' maps of 32, 16, 8 and 4 px, of the scene parameters chosen by `features`."""
        scaled = signed(images)
        found = [encoder_maps(self.module.of(name).encoder_part(), scaled) for name in self.config.features]
        return [one for maps in found for one in maps]

    def group_encoders(self) -> dict[str, nn.Module]:
        """The encoder of each scene parameter."""
        return {name: PDREncoder(self.module, (name,)) for name in PARAMETERS}

    def encoder(self) -> nn.Module:
        """The encoders of the chosen features, side by side."""
        return PDREncoder(self.module, self.config.features)

    @classmethod
    def import_weights(cls, path: Path) -> dict[str, Tensor]:
        """A checkpoint of PDR's or Unsup3D's released code."""
        return load_unsup3d(path)

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """The scene taken apart, lit anew and turned, see `methods.pdr.inspect.decompose`."""
        return decompose(self.module, self.config, images)

    def notes(self) -> list[str]:
        """What is left out, smoothed, narrowed or bounded against the paper's model."""
        found = []
        if self.trains and self.config.weights is None and self.config.perceptual_weight == 0:
            found.append("trained without the perceptual (VGG-16) term")
        if self.trains and self.config.weights is None:
            found += [WITHOUT[name] for name in self.config.without]
            if self.config.loocc != "none" and not self.config.leave_out:
                found.append("nothing is left out of the contrastive loss: the changed parameter's features are in it")
        paper = for_protocol("default", self.domain).get("smoothness", 0.0)
        if self.trains and self.config.smoothness != paper:
            found.append(f"depth smoothed with weight {self.config.smoothness:g} in place of the paper's {paper:g}")
        if (self.config.nf, self.config.nf_encoder) != (64, 32):
            found.append(f"width {self.config.nf} and {self.config.nf_encoder} in place of the paper's 64 and 32")
        if self.config.bounded_outputs:
            found.append("light and view bounded by tanh, as in Unsup3D")
        return found


class RandomInit(PDR):
    """PDR's encoders with the weights they start from: what the architecture alone is worth.

    It renders no scene anew: the floor of that is the image as it is (`methods.rerendered.Unchanged`).
    """

    provides: ClassVar[frozenset[str]] = PDR.provides - {"novel_view", "relight"}
    rerender = Method.rerender
    cites: ClassVar[tuple[str, ...]] = ("wu2020unsup3d",)
    trains: ClassVar[bool] = False
