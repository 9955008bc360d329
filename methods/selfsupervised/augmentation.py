"""Ordinary augmentations of a batch on its device: SimCLR's crop, flip, colour distortion and blur.

Chen et al. (2020), appendix A, whose ranges these are. Every image of a batch has numbers of its own, drawn on the CPU
from the generator that is handed in, so that all devices see the same ones. Unlike there, the colours' four changes
come in one order, and a crop that reaches beyond the image is cut off at its edge and not drawn again.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from kornia.color import rgb_to_grayscale
from kornia.enhance import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
)
from kornia.filters import gaussian_blur2d
from torch import Tensor
from torch.nn import functional as F

# Width over height of a crop lies between the inverse of this and this.
CROP_RATIO = 4 / 3
FLIPPED, RECOLOURED, GREY, BLURRED = 0.5, 0.8, 0.2, 0.5
# Largest changes at strength 1: of brightness, contrast and saturation as factors, of hue as a share of the circle.
FACTOR, HUE = 0.8, 0.2
# The blur's deviation in pixels, and its kernel's share of the image's side.
SIGMA, KERNEL = (0.1, 2.0), 0.1


@dataclass(frozen=True)
class Augmentation:
    """Random views of images.

    Attributes
    ----------
    crop: least share of the image's area that a crop has, in (0, 1]; 1 crops nothing.
    colour: strength of the changes of colour, 0 to 1; greyscale and its chance are not changed by it.
    blur: whether some are blurred.
    """

    crop: float
    colour: float
    blur: bool

    @torch.no_grad()
    def __call__(self, images: Float[Tensor, "b 3 s s"], generator: torch.Generator) -> Float[Tensor, "b 3 s s"]:
        """One view of each of a batch of images in [0, 1]; in float32, whatever autocast is on."""
        drawn = torch.rand((13, len(images)), generator=generator).to(images.device)
        with torch.autocast(images.device.type, enabled=False):
            views = self._cropped(images.float(), drawn[:5])
            views = self._recoloured(views, drawn[5:11])
            return self._blurred(views, drawn[11:13]) if self.blur else views

    def _cropped(self, images: Float[Tensor, "b 3 s s"], drawn: Float[Tensor, "5 b"]) -> Float[Tensor, "b 3 s s"]:
        """Crops of random area, shape and place, enlarged to the image's size; half of them mirrored."""
        area = self.crop + (1 - self.crop) * drawn[0]
        ratio = ((2 * drawn[1] - 1) * math.log(CROP_RATIO)).exp() if self.crop < 1 else torch.ones_like(area)
        width, height = ((area * shape).sqrt().clamp(max=1) for shape in (ratio, 1 / ratio))
        x, y = ((1 - side) * (2 * place - 1) for side, place in ((width, drawn[2]), (height, drawn[3])))
        mirrored = torch.where(drawn[4] < FLIPPED, -width, width)
        nothing = torch.zeros_like(x)
        rows = torch.stack([torch.stack([mirrored, nothing, x], 1), torch.stack([nothing, height, y], 1)], 1)
        grid = F.affine_grid(rows, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)

    def _recoloured(self, images: Float[Tensor, "b 3 s s"], drawn: Float[Tensor, "6 b"]) -> Float[Tensor, "b 3 s s"]:
        """Most of them in other brightness, contrast, saturation and hue, some grey."""
        change = self.colour * (2 * drawn[:4] - 1)
        brightness, contrast, saturation = 1 + FACTOR * change[:3]
        changed = adjust_brightness_accumulative(images, brightness)
        changed = adjust_contrast_with_mean_subtraction(changed, contrast)
        changed = adjust_saturation_with_gray_subtraction(changed, saturation)
        changed = adjust_hue(changed, 2 * math.pi * HUE * change[3]).clamp(0, 1)
        views = _where(drawn[4] < RECOLOURED, changed, images)
        return _where(drawn[5] < GREY, rgb_to_grayscale(views).expand_as(views), views)

    def _blurred(self, images: Float[Tensor, "b 3 s s"], drawn: Float[Tensor, "2 b"]) -> Float[Tensor, "b 3 s s"]:
        """Half of them blurred."""
        sigma = SIGMA[0] + (SIGMA[1] - SIGMA[0]) * drawn[0]
        size = int(KERNEL * images.shape[-1]) // 2 * 2 + 1
        return _where(drawn[1] < BLURRED, gaussian_blur2d(images, (size, size), sigma[:, None].expand(-1, 2)), images)


def _where(
    chosen: Bool[Tensor, " b"], changed: Float[Tensor, "b 3 s s"], images: Float[Tensor, "b 3 s s"]
) -> Float[Tensor, "b 3 s s"]:
    """The changed images where they are chosen."""
    return torch.where(chosen[:, None, None, None], changed, images)
