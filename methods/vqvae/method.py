"""VQ-VAE as a method: configuration, learner, features."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from methods.base import Domain, Learner, Losses, Method, MethodConfig, ProtocolName, Schedule, Trainer
from methods.ranges import signed, unsigned
from methods.vqvae.network import VQVAENetwork, losses

FeatureName = Literal["quantised", "continuous"]


class VQVAEConfig(MethodConfig):
    """VQ-VAE's configuration. The defaults have the PDR paper's 19,199,491 parameters.

    The paper (section 4.3) names a width of 416 beside that number of parameters, which belongs to a width of 512; and
    its features of 416 x 25 x 25 belong to images of 100 px, where every method here sees 64.
    """

    schedule: Schedule = Schedule(batch_size=256, learning_rate=1e-3, patience=10)
    width: int = Field(512, gt=0, description="channels of the hidden layers and of a code")
    codes: int = Field(512, gt=1, description="entries of the codebook")
    features: FeatureName = Field(
        "quantised",
        description="the map after (quantised) or before (continuous) the codebook, flattened",
        json_schema_extra={"stage": "encode"},
    )


class VQVAELearner(Learner):
    """Trains the autoencoder with Adam on its reconstruction, codebook and commitment losses."""

    def __init__(self, network: VQVAENetwork, schedule: Schedule) -> None:
        super().__init__()
        self.network = network
        self.schedule = schedule

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
        """As in validation: nothing is left to chance."""
        return self.validate(images)

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """The losses of `methods.vqvae.network.losses`."""
        target = signed(images)
        return losses(target, self.network(target))


class VQVAEEncoder(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to one of the two maps, flattened: (b, width * (s/4)^2)."""

    def __init__(self, network: VQVAENetwork, features: FeatureName) -> None:
        super().__init__()
        self.network = network
        self.features = features

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The chosen map, flattened."""
        if self.features == "continuous":
            continuous: Tensor = self.network.encoder(signed(images))
            return continuous.flatten(1)
        continuous, quantised, _ = self.network.quantise(signed(images))
        # Straight through: the same values, with the encoder's gradient for fine-tuning.
        return (quantised + (continuous - continuous.detach())).flatten(1)


class VQVAE(Method):
    """VQ-VAE; features are the quantised map, 512 x 16 x 16 = 131,072 values at the paper's size."""

    Config = VQVAEConfig
    provides: ClassVar[frozenset[str]] = frozenset({"features", "encoder"})
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
        self.module: VQVAENetwork = VQVAENetwork(self.config.width, self.config.codes)

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """The released code's learning rate, 2e-4."""
        return {"schedule": {"learning_rate": 2e-4}} if protocol == "released" else {}

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train the autoencoder."""
        return trainer.train(VQVAELearner(self.module, self.config.schedule), images, self.config.schedule)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The chosen map, flattened."""
        features: Tensor = self.encoder()(images)
        return features

    def encoder(self) -> nn.Module:
        """The encoder up to the chosen map, with a gradient straight through the codebook."""
        return VQVAEEncoder(self.module, self.config.features)

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images and their reconstructions."""
        return {"input": images, "reconstruction": unsigned(self.module(signed(images)).reconstruction)}

    def notes(self) -> list[str]:
        """Another width than the paper's."""
        paper = VQVAEConfig.model_fields["width"].default
        width = self.config.width
        return [f"width {width} in place of the paper's {paper}"] if width != paper else []
