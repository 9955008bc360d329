"""DC-IGN's training objective for the shared loop, and the batches that it is given."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from datasets.controlled import FACTORS, INTRINSIC, ControlledBatches
from methods.dcign.config import DCIGNConfig
from methods.dcign.images import prepared
from methods.dcign.model import DCIGNModel
from methods.dcign.sgvb import objective
from methods.learning import Losses, SupervisedLearner

# As released: Adam by another name, whose second moment forgets sooner than usual.
BETAS = (0.9, 0.99)


def active_latents(latents: int) -> Bool[Tensor, "4 d"]:
    """Which latents each factor has: the first three one each, all the rest the others."""
    found = torch.zeros(len(FACTORS), latents, dtype=torch.bool)
    found[:INTRINSIC, :INTRINSIC] = torch.eye(INTRINSIC, dtype=torch.bool)
    found[INTRINSIC, INTRINSIC:] = True
    return found


@dataclass(frozen=True)
class FactorSampler:
    """Draws a factor by its odds, then one of the batches in which it varies.

    Attributes
    ----------
    batches: those that are stored.
    ratio: odds of each of `FACTORS`.
    """

    batches: ControlledBatches
    ratio: tuple[float, ...]

    @property
    def per_epoch(self) -> int:
        """As many as are stored."""
        return len(self.batches.rows)

    def factors(self, steps: int, rng: np.random.Generator) -> Int[np.ndarray, " steps"]:
        """What varies in each of the batches drawn."""
        odds = np.array(self.ratio) / sum(self.ratio)
        return rng.choice(len(FACTORS), size=steps, p=odds)

    def draw(self, steps: int, rng: np.random.Generator) -> Int[np.ndarray, "steps b"]:
        """Indices of the images of each batch."""
        factors, places = self.factors(steps, rng), rng.random(steps)
        own = [self.batches.of_factor(factor) for factor in range(len(FACTORS))]
        return np.stack([own[f][int(place * len(own[f]))] for f, place in zip(factors, places, strict=True)])


class DCIGNLearner(SupervisedLearner):
    """Trains all weights on batches in which one factor varies; the target of every image is which, of `FACTORS`.

    Losses: see `methods.dcign.sgvb.objective`.
    """

    def __init__(self, model: DCIGNModel, config: DCIGNConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.register_buffer("active", active_latents(config.latents), persistent=False)
        self.active: Tensor

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One phase, `autoencoder`."""
        schedule = self.config.schedule
        adam = torch.optim.Adam(
            self.model.parameters(), lr=schedule.learning_rate, betas=BETAS, weight_decay=schedule.weight_decay
        )
        return {"autoencoder": adam}

    def forward(self, inputs: Float[Tensor, "b 3 s s"], targets: Int[Tensor, " b"], *, phase: str, step: int) -> Losses:
        """The objective of one batch; noise is drawn from the global generator."""
        images = prepared(inputs, self.config.channels)
        noise = torch.randn(len(images), self.config.latents, device=images.device)
        settings = self.config
        return objective(self.model.network, images, noise, self.active[targets[0]], settings.rule, settings.invariance)
