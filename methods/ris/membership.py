"""Which style channels belong to which part of the face: the membership M of RIS.

A style channel scales one channel of the activations that its convolution takes in, so it belongs to the part in
which that channel is active.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from methods.ris.catalogue import PARTS

TEMPERATURE = 0.1
THRESHOLD = 0.8
# Added to the variance in instance normalisation.
EPSILON = 1e-5
# Style layers of the 4 and 8 px convolutions (with one toRGB: 2,048 channels at full size). They hold pose and hair.
POSE_LAYERS = 4


def part_masks(parts: Int[Tensor, "b h w"]) -> Float[Tensor, "b parts h w"]:
    """A mask of zeros and ones for each of `PARTS`."""
    return F.one_hot(parts, len(PARTS)).movedim(-1, 1).float()


def part_energies(layer: Float[Tensor, "b c h w"], masks: Float[Tensor, "b parts u v"]) -> Float[Tensor, "b parts c"]:
    """How active each channel of a layer is in each part.

    Every channel is normalised over its positions and squared; its sum over a part's mask, resized bilinearly to the
    layer, is divided by the layer's area.
    """
    height, width = layer.shape[2:]
    resized = F.interpolate(masks, size=(height, width), mode="bilinear", align_corners=False)
    squares = (layer - layer.mean(dim=(2, 3), keepdim=True)).square()
    energy = torch.einsum("bphw,bchw->bpc", resized, squares)
    # Dividing by the variance after the sum instead of before saves a pass over the largest layers.
    variance = squares.mean(dim=(2, 3))
    return energy / ((variance + EPSILON)[:, None] * (height * width))


def soft_membership(energies: Sequence[Float[Tensor, "b parts _c"]]) -> Float[Tensor, "b parts channels"]:
    """How much of each channel of all style layers belongs to each part, by the layers' energies; parts sum to 1."""
    return F.softmax(torch.cat(list(energies), dim=2) / TEMPERATURE, dim=1)


def kept(sizes: Sequence[int], rgb: Sequence[bool]) -> Bool[Tensor, "parts channels"]:
    """Which entries of a membership are not set to zero, for style layers of `sizes` channels, some of them toRGBs.

    toRGBs change colours everywhere; and the first `POSE_LAYERS` layers are left to the hair alone.
    """
    layer = torch.tensor([number for number, size in enumerate(sizes) for _ in range(size)])
    hair = torch.tensor([part == "hair" for part in PARTS])
    return ~torch.tensor(rgb)[layer] & (hair[:, None] | (layer >= POSE_LAYERS))


def hard_membership(
    soft: Float[Tensor, "b parts channels"], keep: Bool[Tensor, "parts channels"]
) -> Float[Tensor, "b parts channels"]:
    """1 where a channel belongs to a part by more than `THRESHOLD` and the entry is kept, else 0."""
    return ((soft > THRESHOLD) & keep).to(soft.dtype)


def straight_through(
    soft: Float[Tensor, "b parts channels"], keep: Bool[Tensor, "parts channels"]
) -> Float[Tensor, "b parts channels"]:
    """The hard membership with the soft one's gradient at the entries that are kept."""
    return hard_membership(soft, keep) + (soft - soft.detach()) * keep
