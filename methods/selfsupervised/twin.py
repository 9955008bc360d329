"""PDR's two feature encoders side by side, and the method that has them as its encoder.

PDR's features, and those of `random_init`, are its geometry's and its albedo's: two encoders of 256 values each. Every
control but the masked autoencoder has these two, which read the same image and whose 512 values its objective sees as
one vector. So no row has more or less of an encoder than another.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.streams import seed_for
from methods.base import Domain, Learner, Losses, Method, ProtocolName, Schedule, Trainer
from methods.pdr.networks import IMAGE_SIZE, normalised_encoder
from methods.ranges import signed
from methods.selfsupervised.config import PDR_DEFAULTS, ControlConfig, TwinConfig, profile_values, protocol_values


class TwinEncoder(nn.Module):
    """Images in [0, 1] (b, 3, 64, 64) to two vectors of `zdim` values as one, (b, 2 zdim), not negative."""

    def __init__(self, nf: int, zdim: int) -> None:
        super().__init__()
        self.size = 2 * zdim
        self.halves = nn.ModuleList(nn.Sequential(*normalised_encoder(nf, zdim)) for _ in range(2))

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The vectors of both, concatenated."""
        scaled = signed(images)
        return torch.cat([half(scaled).flatten(1) for half in self.halves], dim=1)


class ControlLearner(Learner):
    """Adam, as PDR has it, on an objective that draws from one generator.

    Parameters
    ----------
    module: everything that is trained.
    """

    def __init__(self, module: nn.Module, schedule: Schedule) -> None:
        super().__init__()
        self.module = module
        self.schedule = schedule

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One phase, `all`."""
        schedule = self.schedule
        adam = torch.optim.Adam(
            self.module.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
        )
        return {"all": adam}

    def forward(self, images: Float[Tensor, "b 3 h w"], *, phase: str, step: int, generator: torch.Generator) -> Losses:
        """The losses of a batch."""
        return self.losses(images, generator)

    def validate(self, images: Float[Tensor, "b 3 h w"]) -> Losses:
        """As in training, but with the same numbers drawn for every batch."""
        return self.losses(images, torch.Generator().manual_seed(seed_for(0, "controls", "validate")))

    @abstractmethod
    def losses(self, images: Float[Tensor, "b 3 h w"], generator: torch.Generator) -> Losses:
        """The losses of images in [0, 1], of which `loss` is minimised; `generator` is the only source of chance."""


class Control(Method):
    """A control: trained for as long as PDR on the same images."""

    Config = ControlConfig
    trains: ClassVar[bool] = True
    provides: ClassVar[frozenset[str]] = frozenset({"features", "encoder"})
    image_size: int = IMAGE_SIZE

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """PDR's, as far as it is shared."""
        return protocol_values(cls._config(), protocol, domain)

    @classmethod
    def for_profile(cls, profile: str, domain: Domain) -> Mapping[str, Any]:
        """PDR's, as far as it is shared, and the class's own."""
        return {**profile_values(cls._config(), profile, domain), **cls.profiles.get(profile, {})}

    @classmethod
    def _config(cls) -> type[ControlConfig]:
        assert issubclass(cls.Config, ControlConfig), f"{cls.__name__} is configured as a control"
        return cls.Config

    @abstractmethod
    def learner(self) -> ControlLearner:
        """What the shared loop trains: the whole of `module`."""

    @abstractmethod
    def encoder(self) -> nn.Module:
        """What is trained to be a representation: images in [0, 1] to features."""

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        """Train `module` on the learner's losses."""
        return trainer.train(self.learner(), images, self.config.schedule)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The encoder's values."""
        features: Tensor = self.encoder()(images)
        return features


class TwinControl(Control):
    """A control whose encoder is PDR's two; `module` is what `build` makes of them."""

    Config = TwinConfig

    def __init__(self, config: TwinConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.module: nn.Module = self.build(TwinEncoder(self.config.nf, self.config.zdim))

    @abstractmethod
    def build(self, encoder: TwinEncoder) -> nn.Module:
        """The encoder, as the attribute `encoder`, with what the objective needs besides."""

    def encoder(self) -> nn.Module:
        """Both encoders."""
        found = self.module.encoder
        assert isinstance(found, nn.Module), "the module has its encoder"
        return found

    def notes(self) -> list[str]:
        """Another width than PDR's at full size."""
        width, full = self.config.nf, PDR_DEFAULTS.nf
        return [f"width {width} in place of {full}"] if width != full else []
