"""The expanding path of a U-Net, on any feature pyramid."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class UNetDecoder(nn.Module):
    """Maps of s, s/2, s/4, ... pixels to logits of every pixel (Ronneberger et al., 2015, padded, with batch norm).

    From the coarsest map on: a transposed 2x2 convolution of stride 2, the finer map of the pyramid stacked onto it,
    two 3x3 convolutions, each followed by batch normalisation and ReLU; a 1x1 convolution at the end.

    Parameters
    ----------
    channels: of the pyramid's maps, the finest first; at least two.
    classes: number of logits.
    width: channels at the finest level; every coarser one doubles them, whatever the pyramid's are, so that pyramids
        of different widths get decoders of the same.
    """

    def __init__(self, channels: Sequence[int], classes: int, width: int) -> None:
        super().__init__()
        self.enlarge, self.merge = nn.ModuleList(), nn.ModuleList()
        below = channels[-1]
        for level in reversed(range(len(channels) - 1)):
            own = width * 2**level
            self.enlarge.append(nn.ConvTranspose2d(below, own, 2, stride=2))
            self.merge.append(
                nn.Sequential(
                    nn.Conv2d(own + channels[level], own, 3, padding=1, bias=False),
                    nn.BatchNorm2d(own),
                    nn.ReLU(),
                    nn.Conv2d(own, own, 3, padding=1, bias=False),
                    nn.BatchNorm2d(own),
                    nn.ReLU(),
                )
            )
            below = own
        self.classify = nn.Conv2d(below, classes, 1)

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "b classes s s"]:
        """Logits of every pixel, from the pyramid's maps, the finest first."""
        *finer, hidden = maps
        for enlarge, merge, skip in zip(self.enlarge, self.merge, reversed(finer), strict=True):
            hidden = merge(torch.cat([skip, enlarge(hidden)], dim=1))
        logits: Tensor = self.classify(hidden)
        return logits
