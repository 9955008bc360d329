"""What VQ-VAE's network sees of an image: a window of it, in a range."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from methods.ranges import signed, unsigned

# Top and left edge, height and width of a window, in pixels of the image.
Window = tuple[int, int, int, int]
Range = Literal["signed", "unit"]


@dataclass(frozen=True)
class Preparation:
    """Images as data hold them, in [0, 1], to what the network is fed.

    Attributes
    ----------
    crop: the window that is cut out, 0 (black) where it reaches beyond the image; None: the whole image.
    image_range: `signed` is [-1, 1], `unit` is [0, 1].
    """

    crop: Window | None = None
    image_range: Range = "signed"

    def __call__(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 u v"]:
        """Cut the window out, then change the range."""
        window = self.window(images)
        return signed(window) if self.image_range == "signed" else window

    def window(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 u v"]:
        """The window alone, in the images' own range."""
        if self.crop is None:
            return images
        top, left, height, width = self.crop
        below, right = top + height - images.shape[-2], left + width - images.shape[-1]
        return F.pad(images, (-left, right, -top, below))  # negative margins cut off

    def undo(self, prepared: Float[Tensor, "b 3 u v"]) -> Float[Tensor, "b 3 u v"]:
        """What the network makes, back in [0, 1]; what lies outside is cut off."""
        return unsigned(prepared) if self.image_range == "signed" else prepared.clamp(0, 1)
