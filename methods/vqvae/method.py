"""VQ-VAE as a method: configuration, learner, features."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor, nn

from methods.base import Domain, Learner, Losses, Method, MethodConfig, ProtocolName, Schedule, Trainer
from methods.vqvae.network import STRIDE, VQVAENetwork, losses

FeatureName = Literal["quantised", "continuous"]


class VQVAEConfig(MethodConfig):
    """VQ-VAE's configuration. The defaults have the PDR paper's 19,199,491 parameters.

    The paper (section 4.3) names a width of 416 beside that number of parameters, which belongs to a width of 512;
    its 416 x 25 x 25 features are those of a 100 px input (`width=416`, `image_size=100`).
    """

    schedule: Schedule = Schedule(batch_size=256, learning_rate=1e-3, patience=10)
    width: int = Field(512, gt=0, description="channels of the hidden layers and of a code")
    codes: int = Field(512, gt=1, description="entries of the codebook")
    image_size: int = Field(64, gt=0, description="side of the input in pixels, a multiple of 4")
    features: FeatureName = Field(
        "quantised",
        description="the map after (quantised) or before (continuous) the codebook, flattened",
        json_schema_extra={"stage": "encode"},
    )

    @field_validator("image_size")
    @classmethod
    def _divisible(cls, value: int) -> int:
        if value % STRIDE:
            raise ValueError(f"must be a multiple of {STRIDE}, since the encoder halves the image twice")
        return value


class VQVAELearner(Learner):
    """Trains the autoencoder with Adam on its reconstruction, codebook and commitment losses."""

    def __init__(self, network: VQVAENetwork, schedule: Schedule) -> None:
        super().__init__()
        self.network = network
        self.schedule = schedule

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "autoencoder": torch.optim.Adam(
                self.network.parameters(),
                lr=self.schedule.learning_rate,
                weight_decay=self.schedule.weight_decay,
            )
        }

    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        return self.validate(images)

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        target = signed(images)
        return losses(target, self.network(target))


class VQVAEEncoder(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to one of the two maps, flattened: (b, width * (s/4)^2)."""

    def __init__(self, network: VQVAENetwork, features: FeatureName) -> None:
        super().__init__()
        self.network = network
        self.features = features

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        if self.features == "continuous":
            return self.network.encoder(signed(images)).flatten(1)
        continuous, quantised, _ = self.network.quantise(signed(images))
        # Straight through: the same values, with the encoder's gradient for fine-tuning.
        return (quantised + (continuous - continuous.detach())).flatten(1)


class VQVAE(Method):
    """VQ-VAE; features are the quantised map, 512 x 16 x 16 = 131,072 values at the paper's size."""

    Config = VQVAEConfig
    trains: ClassVar[bool] = True
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"width": 8, "codes": 16, "schedule": {"batch_size": 16, "max_epochs": 2, "max_steps": 4}},
        "mini": {
            "width": 64,
            "codes": 512,
            "schedule": {"batch_size": 32, "max_steps": 300},
        },
        "paper": {},
    }

    def __init__(self, config: VQVAEConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.image_size = self.config.image_size
        self.module: VQVAENetwork = VQVAENetwork(self.config.width, self.config.codes)

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        return {"schedule": {"learning_rate": 2e-4}} if protocol == "released" else {}

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        return trainer.train(VQVAELearner(self.module, self.config.schedule), images, self.config.schedule)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        return self.encoder()(images)

    def encoder(self) -> nn.Module:
        return VQVAEEncoder(self.module, self.config.features)


def signed(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """[0, 1] to [-1, 1], the range of the decoder's tanh."""
    return images * 2 - 1
