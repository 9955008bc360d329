"""What a method says of the factors of scenes that images show: of each one number, and the code that it is part of."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class SceneFactors:
    """Of b images.

    Attributes
    ----------
    values: what a method declares for a factor, by its name in `datasets.controlled.FACTORS`, in any unit and of either
        sign; those that it has nothing for are left out.
    code: all the numbers of the same unit that these are among: latents of one prior, or angles in degrees.
    """

    values: dict[str, Float[Tensor, " b"]]
    code: Float[Tensor, "b d"]
