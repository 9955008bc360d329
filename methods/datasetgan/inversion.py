"""Labelled images brought into the generator: e4e's codes, then optimised together with the noise.

In the way of EditGAN (Ling et al., 2021) and HandsOff (Xu et al., 2023), who label images of a dataset in place of
generated ones. Of their losses the squared error is here; LPIPS needs networks trained on other images.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from datasets.base import Progress
from datasets.blocks import to_float
from methods.ranges import signed, unsigned
from methods.stylegan2.networks import Networks, resized

# Pixels of the images that are optimised at once: 16 of 64 px.
PIXELS = 2**16


@dataclass(frozen=True)
class Inverted:
    """Images as the generator makes them.

    Attributes
    ----------
    w_plus: their codes; noise: their noise maps (n, 1, side, side), in the order of the convolutions.
    error: mean squared error of each image's values in [0, 1]; encoder_error: that of e4e's code, not optimised.
    """

    w_plus: Float[Tensor, "n layers style"]
    noise: list[Tensor]
    error: Float[np.ndarray, " n"]
    encoder_error: Float[np.ndarray, " n"]

    def only(self, chosen: Bool[np.ndarray, " n"]) -> "Inverted":
        """Those of some images."""
        rows = torch.from_numpy(chosen).to(self.w_plus.device)
        noise = [maps[rows] for maps in self.noise]
        return Inverted(self.w_plus[rows], noise, self.error[chosen], self.encoder_error[chosen])


def invert(
    networks: Networks,
    images: UInt8[np.ndarray, "n s s 3"],
    *,
    steps: int,
    rate: float,
    noise: bool,
    progress: Progress,
) -> Inverted:
    """Images inverted by e4e and `steps` of Adam on codes and, with `noise`, noise maps. The networks stay as they are.

    The noise maps start as those of the checkpoint and are brought back to mean 0 and deviation 1 after each step, as
    in StyleGAN2's projection, so that they take up little of the image.
    """
    device = networks.latent_avg.device
    at_once = max(1, PIXELS // networks.architecture.resolution**2)
    starts = range(0, len(images), at_once)
    parts = [
        _optimised(networks, to_float(images[start : start + at_once], device), steps, rate, noise)
        for start in progress.track(starts, total=len(starts), what="datasetgan: invert")
    ]
    return Inverted(
        torch.cat([part.w_plus for part in parts]),
        [torch.cat(level) for level in zip(*(part.noise for part in parts), strict=True)],
        np.concatenate([part.error for part in parts]),
        np.concatenate([part.encoder_error for part in parts]),
    )


def _optimised(networks: Networks, images: Float[Tensor, "b 3 s s"], steps: int, rate: float, noise: bool) -> Inverted:
    """A batch of images."""
    generator = networks.generator
    # The noise maps of official checkpoints are of the generator's own sizes, one for all images.
    stored = [generator.noises.get_buffer(f"noise_{number}") for number in range(generator.architecture.styles - 1)]
    target = signed(resized(images, generator.architecture.resolution))
    with torch.no_grad():
        start = networks.invert(images)
        maps = [one.expand(len(images), -1, -1, -1).clone() for one in stored]
        encoder_error = _errors(generator.synthesize(start, noise=maps), target)
    w_plus = start.clone().requires_grad_(True)
    if noise:
        maps = [one.requires_grad_(True) for one in maps]
    optimizer = torch.optim.Adam([w_plus, *(maps if noise else [])], lr=rate)
    frozen = [parameter for parameter in networks.parameters() if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        with torch.enable_grad():
            for _ in range(steps):
                loss = (generator.synthesize(w_plus, noise=maps) - target).square().mean(dim=(1, 2, 3)).sum()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if noise:
                    _normalise(maps)
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
    with torch.no_grad():
        found, kept = w_plus.detach(), [one.detach() for one in maps]
        error = _errors(generator.synthesize(found, noise=kept), target)
    return Inverted(found, kept, error, encoder_error)


@torch.no_grad()
def _normalise(maps: list[Tensor]) -> None:
    """Each map to mean 0 and deviation 1."""
    for one in maps:
        one -= one.mean(dim=(1, 2, 3), keepdim=True)
        one /= one.std(dim=(1, 2, 3), keepdim=True, correction=0)


def _errors(image: Float[Tensor, "b 3 s s"], target: Float[Tensor, "b 3 s s"]) -> Float[np.ndarray, " b"]:
    """Mean squared error of each image's values in [0, 1]."""
    errors = (unsigned(image) - unsigned(target)).square().mean(dim=(1, 2, 3))
    return np.asarray(errors.cpu().numpy().astype(np.float64))
