"""The generator's activations that a pixel's features are made of.

In StyleGAN2, as the authors' later code (EditGAN's) takes them: the constant that synthesis starts from and the output
of every styled convolution, after noise, bias and activation. The first release, on StyleGAN, took of each resolution
the second convolution's output before and after its normalisation, the paper speaks of the normalisations alone.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from methods.stylegan2.generator import Generator, Modulated, Noise

# Pixels of the largest maps that are held at once: one image of 1024 px, or 64 of 64 px.
PIXELS = 2**18


def channels(generator: Generator) -> list[int]:
    """Channels of the taps: 480 in all in the `mini` profile, 5,120 of a 64 px generator of official widths."""
    own = generator.architecture
    return [own.channels(4), own.channels(4), *(own.channels(side) for side in own.sides[1:] for _ in range(2))]


def taps(
    generator: Generator, w_plus: Float[Tensor, "b layers style"], noise: Noise = None
) -> tuple[list[Tensor], Float[Tensor, "b 3 side side"]]:
    """The activations of the images of codes in W+, the coarsest first, and the images, in about [-1, 1]."""
    # A layer behind a toRGB takes in what that one took in.
    repeated = {index + 1 for index, layer in enumerate(generator.layers) if layer.to_rgb}
    found: list[Tensor] = []

    def observe(modulated: Modulated) -> None:
        if modulated.index not in repeated:
            found.append(modulated.activation)

    image = generator.synthesize(w_plus, noise=noise, observe=observe)
    return found, image


def bounded_taps(
    generator: Generator, w_plus: Float[Tensor, "b layers style"], side: int, noise: Sequence[Tensor] | None = None
) -> list[Float[Tensor, "b _ _ _"]]:
    """The activations alone, those of more than `side` px reduced to that, a few codes at a time.

    `noise` as in `Generator.synthesize`: maps of one image for all, or one for each.
    """
    at_once = max(1, PIXELS // generator.architecture.resolution**2)
    found = []
    for start in range(0, len(w_plus), at_once):
        chosen = slice(start, start + at_once)
        own = None if noise is None else [one[chosen] if len(one) == len(w_plus) else one for one in noise]
        found.append([_reduced(one, side) for one in taps(generator, w_plus[chosen], own)[0]])
    return [torch.cat(level) for level in zip(*found, strict=True)]


def _reduced(one: Float[Tensor, "b c h w"], side: int) -> Float[Tensor, "b c u v"]:
    if one.shape[-1] <= side:
        return one
    return F.interpolate(one, size=(side, side), mode="bilinear", align_corners=False)
