"""PDR with a U-Net's encoder in place of its own for geometry and for albedo, and that encoder as a feature pyramid.

The paper segments faces by a U-Net whose encoder PDR has trained: "we replace and train E in our model with U-net
encoders" (section 4.7). What it leaves open is decided so. The encoder's centre, 256 maps of 4 x 4, becomes the vector
of 256 values by a 4x4 convolution and a ReLU, as in the encoder that it replaces; decoders, light, view and confidence
stay as they are, so that nothing but the vector reaches the depth and the albedo. Training is PDR's without LOOCC, of
which table 3 says nothing (`--set pdr_unet.loocc=lv` trains with it). All rows share one training. The joint
pyramid stacks the maps of both encoders at every level, the centre too, of which the released code stacks one
encoder's twice.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from methods.base import Domain
from methods.pdr.config import PROFILES, PDRConfig
from methods.pdr.layers import MapToVector
from methods.pdr.method import PDR
from methods.ranges import signed

LEVELS = 5
# Side of the deepest map of an image of 64 pixels.
CENTRE = 4

EncoderName = Literal["geometry", "albedo"]
BOTH: tuple[EncoderName, ...] = ("geometry", "albedo")


def _two_convolutions(cin: int, cout: int) -> nn.Sequential:
    """A level of the U-Net. The normalisation's shift stands in for the convolutions' bias."""
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(),
        nn.Conv2d(cout, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(),
    )


class UNetEncoder(nn.Module):
    """The contracting path of a U-Net (Ronneberger et al., 2015), padded, with batch normalisation.

    Takes images (b, 3, s, s) to five maps of s, s/2, s/4, s/8, s/16 pixels and width, 2 width, ... channels, with
    max-pooling between them. `channels` has their numbers of channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = tuple(width * 2**level for level in range(LEVELS))
        self.levels = nn.ModuleList(_two_convolutions(cin, cout) for cin, cout in pairwise((3, *self.channels)))

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> list[Tensor]:
        """The five maps, the finest first."""
        maps: list[Tensor] = []
        for level in self.levels:
            maps.append(level(F.max_pool2d(maps[-1], 2) if maps else images))
        return maps


class VectorEncoder(nn.Module):
    """A U-Net's encoder in the place of PDR's: image (b, 3, 64, 64) -> vector (b, zdim, 1, 1), not negative."""

    def __init__(self, unet: UNetEncoder, zdim: int) -> None:
        super().__init__()
        self.unet = unet
        self.to_vector = MapToVector(unet.channels[-1], zdim, CENTRE, bias=False)

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d 1 1"]:
        """The vector of the deepest map."""
        vector: Tensor = self.to_vector(self.unet(images)[-1])
        return vector.relu()


class UNetPyramid(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to a U-Net's five maps, those of several encoders stacked.

    Attributes
    ----------
    channels: of each map, the finest first.
    frozen: whether weights and batch statistics stay as they are, whatever mode is set.
    """

    def __init__(self, encoders: Sequence[UNetEncoder], *, frozen: bool) -> None:
        super().__init__()
        self.channels = tuple(map(sum, zip(*(encoder.channels for encoder in encoders), strict=True)))
        self.frozen = frozen
        self.encoders = nn.ModuleList(encoders)
        if frozen:
            self.requires_grad_(False)

    def train(self, mode: bool = True) -> "UNetPyramid":
        """Set training or eval mode; a frozen pyramid stays in eval mode."""
        return super().train(mode and not self.frozen)

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> list[Tensor]:
        """The maps, the finest first, encoders stacked along the channels."""
        scaled = signed(images)
        found = [encoder(scaled) for encoder in self.encoders]
        return [torch.cat(level, dim=1) for level in zip(*found, strict=True)]


class PDRUNetConfig(PDRConfig):
    """PDR's configuration; `nf` and `zdim` are those of the decoders, which stay PDR's own."""

    width: int = Field(16, gt=0, description="channels of the U-Net encoder's first level; every next one doubles them")
    encoder: Literal["geometry", "albedo", "joint"] = Field(
        "joint",
        description="whose maps are segmented: the geometry's encoder, the albedo's, or both, stacked",
        json_schema_extra={"stage": "encode"},
    )
    frozen: bool = Field(
        False,
        description="whether the encoder stays as it is while the segmentation is trained",
        json_schema_extra={"stage": "encode"},
    )


class PDRUNet(PDR):
    """PDR trained with U-Net encoders. The rows of table 3 are presets of `encoder` and `frozen`."""

    Config = PDRUNetConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {**PROFILES, "smoke": {**PROFILES["smoke"], "width": 4}}
    provides: ClassVar[frozenset[str]] = PDR.provides | {"pyramid"}
    cites: ClassVar[tuple[str, ...]] = (*PDR.cites, "ronneberger2015unet")

    def __init__(self, config: PDRUNetConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.unets = {name: UNetEncoder(self.config.width) for name in BOTH}
        for name, unet in self.unets.items():
            # In place of the encoder that is there under this name.
            self.module.of(name).add_module("network_down", VectorEncoder(unet, self.config.zdim))

    @classmethod
    def import_weights(cls, path: Path) -> dict[str, Tensor]:
        """None is known: the released checkpoints are of PDR's own encoders."""
        return super(PDR, cls).import_weights(path)  # PDR's knows a model with other encoders

    def pyramid(self) -> nn.Module:
        """The encoder chosen by `encoder`, or both; it stays as it is where `frozen` says so."""
        names = BOTH if self.config.encoder == "joint" else (self.config.encoder,)
        return UNetPyramid([self.unets[name] for name in names], frozen=self.config.frozen)

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The pyramid's maps."""
        maps: list[Tensor] = self.pyramid()(images)
        return maps


class UNetRandomInit(PDRUNet):
    """The supervised U-Net: its encoder starts where PDR's training starts, and learns from a task's labels alone."""

    trains: ClassVar[bool] = False

    def notes(self) -> list[str]:
        """That labels alone train it."""
        return ["trained from scratch on the task's labelled images alone"]
