"""Which parts are told apart: all of a dataset's, or faces' eight.

The eight classes of "CelebA-Mask-8" in DatasetGAN's tables are defined neither in its paper nor in its code. What
stands here is a guess that was put to the authors and not answered: both eyes are one class, both brows, both ears, the
mouth and the lips; what is worn, the neck and the clothes are background.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from datasets.errors import BenchError

EIGHT = ("background", "skin", "nose", "eye", "brow", "ear", "mouth", "hair")
# Of which of the eight each of CelebAMask-HQ's parts is; those that are not here are background.
_EIGHT_OF = {
    **{part: part for part in ("background", "skin", "nose", "hair")},
    **{f"{side}_{part}": part for side in "lr" for part in ("eye", "brow", "ear")},
    **dict.fromkeys(("mouth", "u_lip", "l_lip"), "mouth"),
}
GUESSED = (
    "The 8 classes are a guess (background with all that is worn, neck and clothes; skin, nose, eyes, brows, ears, "
    "mouth with lips, hair): the paper does not define them."
)


def eight_of(names: Sequence[str], label: str) -> UInt8[np.ndarray, " parts"]:
    """The number among `EIGHT` of each of a dataset's parts.

    Raises BenchError where the dataset's parts are not those of CelebAMask-HQ.
    """
    if missing := sorted(_EIGHT_OF.keys() - set(names)):
        raise BenchError(
            f"{label} has no parts {', '.join(missing)}: 8 classes are made of CelebAMask-HQ's; for other parts set "
            "few_shot_parts.classes=all"
        )
    return np.array([EIGHT.index(_EIGHT_OF.get(name, "background")) for name in names], dtype=np.uint8)
