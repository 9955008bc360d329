"""Which parts are told apart: all of a dataset's, faces' eight, or cars' twelve.

The eight classes of "CelebA-Mask-8" in DatasetGAN's tables are defined neither in its paper nor in its code. What
stands here is a guess that was put to the authors and not answered: both eyes are one class, both brows, both ears, the
mouth and the lips; what is worn, the neck and the clothes are background.

The twelve of "ADE-Car-12" are made of DatasetGAN's twenty parts of cars as its code does it: nine have a class of their
own, all others are the car.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from datasets.errors import BenchError

Classes = Literal[8, 12, "all"]

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

TWENTY = (
    *("background", "back_bumper", "bumper", "car_body", "car_lights", "door", "fender", "grilles", "handles", "hoods"),
    *("licensePlate", "mirror", "roof", "running_boards", "tailLight", "tire", "trunk_lids", "wheelhub", "window"),
    "windshield",
)
TWELVE = (
    *("background", "car", "head_light", "licence_plate", "mirror", "tail_light", "wheel", "window", "windshield"),
    *("door", "handle", "wheelhub"),
)
# Those of the twenty that have a class of their own.
_TWELVE_OF = {
    **{part: part for part in ("background", "mirror", "window", "windshield", "door", "wheelhub")},
    "car_lights": "head_light",
    "licensePlate": "licence_plate",
    "tailLight": "tail_light",
    "tire": "wheel",
    "handles": "handle",
}


def classes_of(
    parts: Sequence[str], chosen: Classes, label: str
) -> tuple[tuple[str, ...], UInt8[np.ndarray, " parts"]]:
    """The names of the classes that are told apart, and the class's number of each of a dataset's parts.

    Raises BenchError where the dataset's parts are not those that the classes are made of.
    """
    if chosen == 8:
        if missing := sorted(_EIGHT_OF.keys() - set(parts)):
            raise BenchError(
                f"{label} has no parts {', '.join(missing)}: 8 classes are made of CelebAMask-HQ's; for other parts "
                "set few_shot_parts.classes=all"
            )
        return _merged(parts, EIGHT, _EIGHT_OF, "background")
    if chosen == 12:
        if unknown := sorted(set(parts) - set(TWENTY)):
            raise BenchError(
                f"{label} has parts {', '.join(unknown)}: 12 classes are made of DatasetGAN's parts of cars; for other "
                "parts set few_shot_car_parts.classes=all"
            )
        return _merged(parts, TWELVE, _TWELVE_OF, "car")
    return tuple(parts), np.arange(len(parts), dtype=np.uint8)


def _merged(
    parts: Sequence[str], names: tuple[str, ...], own: Mapping[str, str], rest: str
) -> tuple[tuple[str, ...], UInt8[np.ndarray, " parts"]]:
    """Classes `names`, of which each part is that in `own`, or `rest`."""
    return names, np.array([names.index(own.get(part, rest)) for part in parts], dtype=np.uint8)
