"""The e4e encoder: an image to a code in W+, close to W.

Tov et al., "Designing an Encoder for StyleGAN Image Manipulation", SIGGRAPH 2021, section 4; the pyramid and its heads
are those of pSp (Richardson et al., CVPR 2021, figure 2). Named and shaped as in the published checkpoints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from methods.stylegan2.architecture import Architecture
from methods.stylegan2.irse import stages, stem
from methods.stylegan2.layers import EqualLinear

# Styles 0 to 2 read the coarsest map of the pyramid, 3 to 6 the middle one, the rest the finest.
MIDDLE, FINE = 3, 7


class StyleHead(nn.Module):
    """A map of `side` px to one style, by strided convolutions down to a single pixel: (b, cin, s, s) -> (b, dim)."""

    def __init__(self, cin: int, dim: int, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(side.bit_length() - 1):
            layers += [nn.Conv2d(cin if number == 0 else dim, dim, 3, stride=2, padding=1), nn.LeakyReLU()]
        self.convs = nn.Sequential(*layers)
        self.linear = EqualLinear(dim, dim)

    def forward(self, x: Float[Tensor, "b c s s"]) -> Float[Tensor, "b dim"]:
        """The style."""
        style: Tensor = self.linear(self.convs(x).flatten(1))
        return style


class Encoder(nn.Module):
    """Images in [-1, 1] (b, 3, s, s), s = `architecture.encoder_input`, to offsets from the average latent.

    All styles are one vector w plus an offset of their own (equation 2): the offset of style 0 is zero.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        width, dim = architecture.encoder_width, architecture.style_dim
        top = 8 * width
        self.input_layer = stem(width)
        built = stages(width, architecture.encoder_units)
        self.body = nn.Sequential(*[unit for stage in built for unit in stage])
        # Units after which the pyramid takes its maps, a quarter, an eighth and a sixteenth of the image's side.
        counts = [len(stage) for stage in built]
        self.taps = [sum(counts[:stage]) - 1 for stage in (2, 3, 4)]
        side = architecture.encoder_input
        self.styles = nn.ModuleList(
            StyleHead(top, dim, side // (16 if style < MIDDLE else 8 if style < FINE else 4))
            for style in range(architecture.styles)
        )
        self.latlayer1 = nn.Conv2d(4 * width, top, 1)
        self.latlayer2 = nn.Conv2d(2 * width, top, 1)

    def forward(self, images: Float[Tensor, "b 3 s s"], *, stage: int | None = None) -> Float[Tensor, "b layers style"]:
        """Codes, to which the average latent is still to be added.

        `stage`: the last style that has an offset of its own (progressive training, section 4.1); all by default.
        """
        x = self.input_layer(images)
        maps = []
        for number, unit in enumerate(self.body):
            x = unit(x)
            if number in self.taps:
                maps.append(x)
        fine, middle, features = maps
        main = self.styles[0](features)
        last = len(self.styles) - 1 if stage is None else min(stage, len(self.styles) - 1)
        codes = [main]
        for style in range(1, last + 1):
            if style == MIDDLE:
                features = self._add(features, self.latlayer1(middle))
            elif style == FINE:
                features = self._add(features, self.latlayer2(fine))
            codes.append(main + self.styles[style](features))
        codes += [main] * (len(self.styles) - len(codes))
        return torch.stack(codes, dim=1)

    @staticmethod
    def _add(coarse: Float[Tensor, "b c h w"], lateral: Float[Tensor, "b c u v"]) -> Float[Tensor, "b c u v"]:
        return F.interpolate(coarse, size=lateral.shape[2:], mode="bilinear", align_corners=True) + lateral
