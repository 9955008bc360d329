"""Between the range of images, [0, 1], and the range that networks with a tanh work in, [-1, 1]."""

from jaxtyping import Float
from torch import Tensor


def signed(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """[0, 1] to [-1, 1]."""
    return images * 2 - 1


def unsigned(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """[-1, 1] to [0, 1], what lies outside cut off."""
    return (images / 2 + 0.5).clamp(0, 1)
