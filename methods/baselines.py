"""Rows that keep a table honest: what no learning at all scores."""

import hashlib
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.streams import generator
from methods.base import Domain, Method, MethodConfig


class RawPixels(Method):
    """The image itself: 64 x 64 x 3 = 12,288 values in [0, 1]."""

    provides: ClassVar[frozenset[str]] = frozenset({"features", "pixel_features"})
    stateless: ClassVar[bool] = True

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The images, flattened."""
        return images.flatten(1)

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The images and each pixel's place: its column and row, from -1 to 1."""
        count, _, height, width = images.shape
        down, across = (torch.linspace(-1, 1, side, device=images.device) for side in (height, width))
        place = torch.stack(torch.meshgrid(across, down, indexing="xy"))
        return [images, place.expand(count, -1, -1, -1)]


class Chance(Method):
    """64 standard normal values that carry nothing of the content: any task's score on them is its chance level.

    The stream is named by a hash of the image's values, so that an image's features do not depend on the batch it
    is in, and that two images differing in one value have unrelated features. Its number is drawn with the initial
    weights, so that every seed has other features.
    """

    size: ClassVar[int] = 64

    def __init__(self, config: MethodConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.module = Drawn()

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Numbers drawn from a stream of each image's own, (b, 64)."""
        assert isinstance(self.module, Drawn), "chance has a number"
        number = int(self.module.number)
        rows = [self._row(number, image) for image in images.float().cpu().numpy()]
        return torch.from_numpy(np.stack(rows)).to(images.device)

    def _row(self, number: int, image: Float[np.ndarray, "3 h w"]) -> Float[np.ndarray, " d"]:
        digest = hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
        return generator(number, "chance", digest).standard_normal(self.size, dtype=np.float32)


class Drawn(nn.Module):
    """A number below 2^31, drawn from torch's generator."""

    number: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("number", torch.randint(2**31 - 1, ()))
