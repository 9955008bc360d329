"""A segmentation network as the shared loop trains it: a method's feature pyramid and a decoder."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.blocks import to_float
from datasets.errors import BenchError
from methods.learning import Losses, SupervisedLearner
from tasks.celeba_mask.unet import UNetDecoder

# Adam's decay rates in the paper's segmentations.
BETAS = (0.5, 0.999)


class Segmenter(SupervisedLearner):
    """Pyramid and decoder, both trained by Adam on the pixels' mean cross-entropy, as far as they require gradients."""

    def __init__(self, pyramid: nn.Module, decoder: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.decoder = decoder
        self.learning_rate = learning_rate

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on all that requires gradients."""
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return {"segmenter": torch.optim.Adam(trained, lr=self.learning_rate, betas=BETAS, fused=True)}

    def logits(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b classes s s"]:
        """Of images in [0, 1]."""
        logits: Tensor = self.decoder(self.pyramid(images))
        return logits

    def forward(
        self, inputs: Float[Tensor, "b 3 s s"], targets: UInt8[Tensor, "b s s"], *, phase: str, step: int
    ) -> Losses:
        """Mean cross-entropy of all pixels against their classes' numbers."""
        logits = self.logits(inputs)
        # One row per pixel: over maps, the loss has no repeatable gradient on a GPU.
        rows = logits.permute(0, 2, 3, 1).flatten(0, 2)
        with torch.autocast(rows.device.type, enabled=False):
            return {"loss": F.cross_entropy(rows.float(), targets.flatten().long())}

    def parameter_counts(self) -> dict[str, int]:
        """How many weights there are (`total`), and how many of them are trained (`trained`)."""
        counts = [(parameter.numel(), parameter.requires_grad) for parameter in self.parameters()]
        return {
            "total": sum(count for count, _ in counts),
            "trained": sum(count for count, trained in counts if trained),
        }


def new_decoder(channels: tuple[int, ...], classes: int, width: int, seed: int) -> UNetDecoder:
    """A decoder with PyTorch's initial weights, drawn from the stream `seed`, channels last in memory."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = UNetDecoder(channels, classes, width)
    decoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return decoder


def channels_of(pyramid: nn.Module, image: UInt8[np.ndarray, "s s 3"], device: str) -> tuple[int, ...]:
    """The channels of a pyramid's maps, the finest first, once it has shown on an image that it is one.

    Raises BenchError where its maps are not of s, s/2, s/4, ... pixels with as many channels as it says.
    """
    declared = tuple(getattr(pyramid, "channels", ()))
    with torch.no_grad():
        maps = pyramid.eval()(to_float(image[None], device))
    found = [tuple(one.shape[1:]) for one in maps]
    expected = [(count, *(side / 2**level for side in image.shape[:2])) for level, count in enumerate(declared)]
    if len(declared) < 2 or found != expected:
        raise BenchError(
            f"{type(pyramid).__name__} is no pyramid to segment with: on an image of {image.shape[0]} pixels its maps "
            f"are {found} (channels, height, width); expected those of its attribute `channels`, {list(declared)}, "
            "two at least, the first of the image's size and each of half the size of the one before"
        )
    return declared


def predict(segmenter: Segmenter, images: Float[Tensor, "b 3 s s"]) -> UInt8[np.ndarray, "b s s"]:
    """The most probable class of every pixel of images in [0, 1], by a segmenter in eval mode on their device.

    Raises BenchError where a logit is not finite.
    """
    return finite_logits(segmenter, images).argmax(dim=1).to(torch.uint8).cpu().numpy()


def finite_logits(segmenter: Segmenter, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b outputs s s"]:
    """The logits of images in [0, 1], by a segmenter in eval mode on their device.

    Raises BenchError where one is not finite.
    """
    with torch.inference_mode():
        logits = segmenter.logits(images)
    if not bool(torch.isfinite(logits).all()):
        wrong = int((~torch.isfinite(logits)).flatten(1).any(dim=1).sum())
        raise BenchError(
            f"{wrong} of {len(images)} test images get a prediction that is not a finite number: look at the maps of "
            "the method's pyramid, which may not be finite either"
        )
    return logits
