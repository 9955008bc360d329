"""Controls that learn what two ordinary views of an image have in common: SimCLR and VICReg."""

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.streams import seed_for
from methods.base import Losses
from methods.pdr.loocc import nt_xent
from methods.selfsupervised.augmentation import Augmentation
from methods.selfsupervised.config import TwinConfig
from methods.selfsupervised.twin import ControlLearner, TwinControl, TwinEncoder


class ViewsConfig(TwinConfig):
    """What the two views of an image are, by default as SimCLR has them."""

    crop: float = Field(0.08, gt=0, le=1, description="least share of an image's area that a crop has; 1 crops nothing")
    colour: float = Field(1.0, ge=0, le=1, description="strength of the changes of colour")
    blur: bool = Field(True, description="blur half of the views")

    @model_validator(mode="after")
    def _has_others(self) -> "ViewsConfig":
        if self.schedule.batch_size < 2:
            raise ValueError("images are compared with others of their batch: expected schedule.batch_size >= 2")
        return self

    @property
    def augmentation(self) -> Augmentation:
        """What makes a view."""
        return Augmentation(self.crop, self.colour, self.blur)


class Projected(nn.Module):
    """An encoder and a head that the loss, and nothing else, looks through."""

    def __init__(self, encoder: TwinEncoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b p"]:
        """Projections of images in [0, 1]."""
        projected: Tensor = self.head(self.encoder(images))
        return projected.float()


class ViewsLearner(ControlLearner):
    """Two views of every image, and a loss on their projections."""

    module: Projected

    def __init__(self, module: Projected, config: ViewsConfig) -> None:
        super().__init__(module, config.schedule)
        self.config = config
        self.augmentation = config.augmentation

    def losses(self, images: Float[Tensor, "b 3 64 64"], generator: torch.Generator) -> Losses:
        """The loss of projections of two views."""
        views = [self.augmentation(images, generator) for _ in range(2)]
        first, second = self.module(torch.cat(views)).chunk(2)
        with torch.autocast(images.device.type, enabled=False):
            return self.compared(first, second)

    @abstractmethod
    def compared(self, first: Float[Tensor, "b p"], second: Float[Tensor, "b p"]) -> Losses:
        """The losses of two views' projections."""


class Views(TwinControl):
    """A control that compares views."""

    module: Projected

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images and two views of them."""
        generator = torch.Generator().manual_seed(seed_for(0, "controls", "pictures"))
        augmentation: Augmentation = self.config.augmentation
        return {"input": images, **{f"view {number}": augmentation(images, generator) for number in (1, 2)}}


class SimCLRConfig(ViewsConfig):
    """SimCLR's configuration."""

    temperature: float = Field(0.5, gt=0, description="temperature of the contrastive loss, LOOCC's by default")
    projection: int = Field(128, gt=0, description="values that the loss compares")


class SimCLRLearner(ViewsLearner):
    """The normalised temperature-scaled cross entropy of two views."""

    config: SimCLRConfig

    def compared(self, first: Float[Tensor, "b p"], second: Float[Tensor, "b p"]) -> Losses:
        """`loss` alone."""
        return {"loss": nt_xent(first, second, self.config.temperature)}


class SimCLR(Views):
    """SimCLR (Chen et al., 2020) with PDR's encoders: LOOCC's loss, on augmentations that know no physics.

    Its head is the paper's, one hidden layer as wide as the features. Features are those before it, 512 values.
    """

    Config = SimCLRConfig
    cites: ClassVar[tuple[str, ...]] = ("chen2020simclr", "wu2020unsup3d")

    def build(self, encoder: TwinEncoder) -> Projected:
        """With the projection head."""
        width = encoder.size
        return Projected(
            encoder, nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, self.config.projection))
        )

    def learner(self) -> ControlLearner:
        """NT-Xent."""
        return SimCLRLearner(self.module, self.config)


class VICRegConfig(ViewsConfig):
    """VICReg's configuration, with its paper's weights."""

    invariance: float = Field(25.0, ge=0, description="weight of the distance between two views")
    variance: float = Field(25.0, ge=0, description="weight of the hinge that keeps deviations at 1")
    covariance: float = Field(1.0, ge=0, description="weight of the covariances between values")
    expansion: int = Field(1024, gt=0, description="width of the expander's three layers (its paper: 8192)")


class VICRegLearner(ViewsLearner):
    """Variance, invariance and covariance of two views."""

    config: VICRegConfig

    def compared(self, first: Float[Tensor, "b p"], second: Float[Tensor, "b p"]) -> Losses:
        """`loss`, and its three terms without their weights."""
        config = self.config
        terms = vicreg_terms(first, second)
        loss = config.invariance * terms[0] + config.variance * terms[1] + config.covariance * terms[2]
        names = ("invariance", "variance", "covariance")
        return {"loss": loss, **{name: term.detach() for name, term in zip(names, terms, strict=True)}}


class VICReg(Views):
    """VICReg (Bardes et al., 2022) with PDR's encoders: no negatives, so it depends less on the batch's size.

    Features are those before the expander, 512 values.
    """

    Config = VICRegConfig
    cites: ClassVar[tuple[str, ...]] = ("bardes2022vicreg", "chen2020simclr", "wu2020unsup3d")

    def build(self, encoder: TwinEncoder) -> Projected:
        """With the expander."""
        width = self.config.expansion
        hidden = [
            layer
            for size in (encoder.size, width)
            for layer in (nn.Linear(size, width), nn.BatchNorm1d(width), nn.ReLU())
        ]
        return Projected(encoder, nn.Sequential(*hidden, nn.Linear(width, width, bias=False)))

    def learner(self) -> ControlLearner:
        """The three terms."""
        return VICRegLearner(self.module, self.config)


def vicreg_terms(
    first: Float[Tensor, "b p"], second: Float[Tensor, "b p"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
    """Invariance, variance and covariance of two views' projections (Bardes et al., 2022, equations 1 to 5).

    The last two are means over the views. A batch of one image varies by nothing.
    """
    variances, covariances = [], []
    for view in (first, second):
        centred = view - view.mean(dim=0)
        covariance = centred.T @ centred / max(1, len(view) - 1)
        own = covariance.diagonal()
        variances.append(F.relu(1 - (own + 1e-4).sqrt()).mean())
        covariances.append((covariance.square().sum() - own.square().sum()) / view.shape[1])
    return F.mse_loss(first, second), torch.stack(variances).mean(), torch.stack(covariances).sum()
