"""VQ-VAE as a method: configuration, learner, features."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor, nn

from datasets.errors import NotApplicable
from methods.base import Domain, Learner, Losses, Method, MethodConfig, ProtocolName, Schedule, Trainer
from methods.vqvae.images import Preparation, Range, Window
from methods.vqvae.network import STRIDE, VQVAENetwork, losses

FeatureName = Literal["quantised", "continuous"]


class VQVAEConfig(MethodConfig):
    """VQ-VAE's configuration. The defaults have the PDR paper's 19,199,491 parameters.

    The paper (section 4.3) names a width of 416 beside that number of parameters, which belongs to a width of 512; and
    its features of 416 x 25 x 25 belong to images of 100 px, where every method here sees 64. The released code has
    that width, and cuts a window of 100 px out of images of 64, most of it black (`RELEASED`).
    """

    schedule: Schedule = Schedule(batch_size=256, learning_rate=1e-3, patience=10)
    width: int = Field(512, gt=0, description="channels of the hidden layers and of a code")
    codes: int = Field(512, gt=1, description="entries of the codebook")
    crop: Window | None = Field(
        None,
        description="top and left edge, height and width in pixels of a window that images are cut to, black beyond "
        "their edges (released: 8,14,100,100)",
    )
    image_range: Range = Field("signed", description="signed: images in [-1, 1]; unit: in [0, 1] (released)")
    initial_std: float | None = Field(
        None,
        gt=0,
        description="standard deviation that convolutions (not the transposed ones) and codes start with, biases at 0 "
        "(released: 0.02); by default PyTorch's initial weights, and codes at the scale of what they quantise",
    )
    flip_window: bool = Field(
        False, description="mirror the window at random in training (released), in place of the image (schedule.flip)"
    )
    features: FeatureName = Field(
        "quantised",
        description="the map after (quantised) or before (continuous) the codebook, flattened",
        json_schema_extra={"stage": "encode"},
    )

    @field_validator("crop")
    @classmethod
    def _whole_codes(cls, value: Window | None) -> Window | None:
        """Refuse a window that the network cannot halve twice, or that shows nothing of an image."""
        if value is None:
            return value
        top, left, height, width = value
        if not (0 <= top < VQVAE.image_size and 0 <= left < VQVAE.image_size):
            raise ValueError(f"the window starts outside the image: top and left lie in 0 to {VQVAE.image_size - 1}")
        if min(height, width) < STRIDE or height % STRIDE or width % STRIDE:
            raise ValueError(f"height and width of the window must be multiples of {STRIDE}")
        return value

    @property
    def preparation(self) -> Preparation:
        """What the network sees of an image."""
        return Preparation(self.crop, self.image_range)


# What the authors' code does otherwise than the paper says. It never changes the rate, since it hands the validation
# loss to a scheduler as the number of the epoch.
RELEASED: Mapping[str, Any] = {
    "schedule": {"learning_rate": 2e-4, "max_epochs": 1000, "flip": False},
    "width": 416,
    "crop": (8, 14, 100, 100),
    "image_range": "unit",
    "initial_std": 0.02,
    "flip_window": True,
    "track_scale": 255.0,
}


class VQVAELearner(Learner):
    """Trains the autoencoder with Adam on its reconstruction, codebook and commitment losses.

    Parameters
    ----------
    preparation: what the network sees of an image.
    flip: whether that is mirrored left-right at random.
    """

    def __init__(
        self,
        network: VQVAENetwork,
        schedule: Schedule,
        preparation: Preparation | None = None,
        *,
        flip: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.schedule = schedule
        self.preparation = Preparation() if preparation is None else preparation
        self.flip = flip

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One phase, `autoencoder`."""
        return {
            "autoencoder": torch.optim.Adam(
                self.network.parameters(),
                lr=self.schedule.learning_rate,
                weight_decay=self.schedule.weight_decay,
            )
        }

    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """As in validation, of windows mirrored at random where that is on."""
        target = self.preparation(images)
        if self.flip:
            turned = (torch.rand(len(target), generator=generator) < 0.5).to(target.device)
            target = torch.where(turned[:, None, None, None], target.flip(3), target)
        return losses(target, self.network(target))

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """The losses of `methods.vqvae.network.losses`."""
        target = self.preparation(images)
        return losses(target, self.network(target))


class VQVAEEncoder(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to one of the two maps, flattened: (b, width * (s/4)^2), or with a window
    (b, width * height/4 * width/4)."""

    def __init__(self, network: VQVAENetwork, features: FeatureName, preparation: Preparation) -> None:
        super().__init__()
        self.network = network
        self.features = features
        self.preparation = preparation

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The chosen map, flattened."""
        prepared = self.preparation(images)
        if self.features == "continuous":
            continuous: Tensor = self.network.encoder(prepared)
            return continuous.flatten(1)
        continuous, quantised, _ = self.network.quantise(prepared)
        # Straight through: the same values, with the encoder's gradient for fine-tuning.
        return (quantised + (continuous - continuous.detach())).flatten(1)


class VQVAE(Method):
    """VQ-VAE; features are the quantised map, 512 x 16 x 16 = 131,072 values at the paper's size, and as released
    416 x 25 x 25 = 260,000."""

    Config = VQVAEConfig
    provides: ClassVar[frozenset[str]] = frozenset({"features", "encoder", "pixel_features"})
    cites: ClassVar[tuple[str, ...]] = ("oord2017vqvae",)
    trains: ClassVar[bool] = True
    # mini: on 2,700 real photographs, widths 64 and 32 (batch 32) both reach a mean squared error of 0.015 on [-1, 1]
    # at 200 steps, width 32 0.014 at 400; the clusters of real tracks do not change beyond their noise after 100
    # steps. The paper's rate is kept: 3e-3 reached 0.011 at 400 steps, and no better clusters.
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"width": 8, "codes": 16, "schedule": {"batch_size": 16, "max_steps": 4}},
        "mini": {"width": 64, "schedule": {"batch_size": 32, "max_steps": 400}},
        "paper": {},
    }

    def __init__(self, config: VQVAEConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        settings: VQVAEConfig = self.config
        self.module: VQVAENetwork = VQVAENetwork(settings.width, settings.codes, initial_std=settings.initial_std)

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """The released code's network, images and schedule."""
        return RELEASED if protocol == "released" else {}

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train the autoencoder."""
        settings: VQVAEConfig = self.config
        learner = VQVAELearner(self.module, settings.schedule, settings.preparation, flip=settings.flip_window)
        return trainer.train(learner, images, settings.schedule)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The chosen map, flattened."""
        features: Tensor = self.encoder()(images)
        return features

    def encoder(self) -> nn.Module:
        """The encoder up to the chosen map, with a gradient straight through the codebook."""
        settings: VQVAEConfig = self.config
        return VQVAEEncoder(self.module, settings.features, settings.preparation)

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The maps that enter the encoder's later convolutions and its residual blocks, and the one that it ends in.

        Raises NotApplicable where it sees a window of the image, which the maps would be of.
        """
        settings: VQVAEConfig = self.config
        if settings.crop is not None:
            raise NotApplicable("VQ-VAE sees a window of the image (crop), so its maps are not of the whole image")
        return self.module.encoder_maps(settings.preparation(images))

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images, as far as the network sees them, and their reconstructions."""
        prepare: Preparation = self.config.preparation
        made = self.module(prepare(images)).reconstruction
        return {"input": prepare.window(images), "reconstruction": prepare.undo(made)}

    def notes(self) -> list[str]:
        """Another width than the paper's."""
        paper = VQVAEConfig.model_fields["width"].default
        width = self.config.width
        return [f"width {width} in place of the paper's {paper}"] if width != paper else []
