"""DC-IGN as a method: the means of its latents, re-rendering by moving them, and the factors that it declares."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.base import Dataset, Silent
from datasets.blocks import blocks
from datasets.controlled import controlled_batches
from datasets.errors import BenchError
from datasets.scene_factors import SceneFactors
from methods.base import Domain, Method, ProtocolName, Trainer
from methods.dcign.config import EXTRINSIC, PROFILES, DCIGNConfig, for_protocol
from methods.dcign.images import prepared, shown
from methods.dcign.learner import DCIGNLearner, FactorSampler
from methods.dcign.model import DCIGNModel

# Images encoded at once.
BATCH = 256
# The changes that the contact sheet shows, in degrees.
SHOWN: Mapping[str, dict[str, float]] = {
    "yaw -40": {"yaw": -40.0},
    "yaw +40": {"yaw": 40.0},
    "pitch -15": {"pitch": -15.0},
    "pitch +15": {"pitch": 15.0},
    "light -60": {"light": -60.0},
    "light +60": {"light": 60.0},
}


class DCIGNEncoder(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to the means of the chosen groups of latents (b, d)."""

    def __init__(self, model: DCIGNModel, features: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.features = features

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The chosen latents, in their order."""
        groups = self.model.groups(self.model.code(images))
        return torch.cat([groups[name] for name in self.features], dim=1)


class DCIGN(Method):
    """Deep convolutional inverse graphics network; features are the 197 latents that no view or light belongs to."""

    Config = DCIGNConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    provides: ClassVar[frozenset[str]] = frozenset(
        {"features", "encoder", "groups", "scene_factors", "novel_view", "relight"}
    )
    cites: ClassVar[tuple[str, ...]] = ("kulkarni2015dcign",)
    trains: ClassVar[bool] = True
    trains_on: ClassVar[Mapping[Domain, str]] = {"faces": "faces_factors", "cars": "cars_factors"}

    def __init__(self, config: DCIGNConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        settings: DCIGNConfig = self.config
        self.module: DCIGNModel = DCIGNModel(settings)
        self.image_size = settings.size

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """The released code's widths, clamps and odds."""
        return for_protocol(protocol)

    @classmethod
    def size_for(cls, config: DCIGNConfig) -> int:
        """150 pixels as published, or 64."""
        return config.size

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Raises BenchError: images alone do not say what varies among them."""
        raise BenchError(
            f"{type(self).__name__} learns from batches in which one factor of the scene varies, not from images "
            f"alone: train it by bench run, on {self.trains_on[self.domain]}"
        )

    def fit_dataset(self, dataset: Dataset, trainer: Trainer) -> dict[str, Any]:
        """Train on a dataset's batches, then read on them where factors are in the code and on which scale.

        Raises BenchError where the dataset has no such batches, or not of the size of the schedule.
        """
        settings: DCIGNConfig = self.config
        batches = controlled_batches(dataset)
        if batches.rows.shape[1] != settings.schedule.batch_size:
            raise BenchError(
                f"{dataset.label} has batches of {batches.rows.shape[1]} images, and schedule.batch_size is "
                f"{settings.schedule.batch_size}: set it to theirs"
            )
        summary = trainer.train_supervised(
            DCIGNLearner(self.module, settings),
            dataset.images,
            batches.of_image,
            settings.schedule,
            sampler=FactorSampler(batches, settings.ratio),
        )
        self.module.read_scale(self._codes(dataset.images), batches, find=settings.entangled)
        return summary

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The means of the chosen groups of latents."""
        features: Tensor = self.encoder()(images)
        return features

    def encoder(self) -> nn.Module:
        """The encoder up to the means of the chosen groups."""
        return DCIGNEncoder(self.module, self.config.features)

    def feature_groups(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b d"]]:
        """The latents of azimuth, elevation and light, and the others, all four whatever `features` chooses."""
        return self.module.groups(self.module.code(images))

    def scene_factors(self, images: Float[Tensor, "b 3 h w"]) -> SceneFactors:
        """The three latents of view and light, among all."""
        code = self.module.code(images)
        groups = self.module.groups(code)
        return SceneFactors({name: groups[name][:, 0] for name in EXTRINSIC}, code)

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """The reconstruction with the latents of view and light moved; see `DCIGNModel.moved`."""
        code = self.module.code(images)
        change = torch.tensor([yaw, pitch, light], dtype=code.dtype, device=code.device)
        return shown(self.module.network.decode(self.module.moved(code, change)))

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images as the network sees them, their reconstructions, and these turned and lit anew."""
        seen = shown(prepared(images, self.module.channels))
        moved = {name: self.rerender(images, **change) for name, change in SHOWN.items()}
        return {"input": seen, "reconstruction": self.rerender(images), **moved}

    def notes(self) -> list[str]:
        """Another size or width than the paper's, and what was not clamped."""
        settings: DCIGNConfig = self.config
        paper = DCIGNConfig.model_fields
        found = []
        if settings.entangled:
            found.append("trained without clamps; latents of view and light are those that vary most with them")
        if settings.size != paper["size"].default:
            found.append(f"{settings.size} px and a padded decoder in place of the published 150 px")
        widths, published = settings.encoder_widths, paper["encoder_widths"].default
        if widths != published:
            found.append(f"width {_joined(widths)} in place of the paper's {_joined(published)}")
        return found

    def _codes(self, images: np.ndarray) -> Float[np.ndarray, "n d"]:
        """The codes of many images."""
        device = next(self.module.parameters()).device
        rows = np.arange(len(images))
        found = []
        self.module.eval()
        with torch.inference_mode():
            for _, block in blocks(images, rows, BATCH, device=str(device), progress=Silent(), what="codes"):
                found.append(self.module.code(block).cpu().numpy())
        return np.concatenate(found)


def _joined(widths: tuple[int, ...]) -> str:
    return ", ".join(map(str, widths))
