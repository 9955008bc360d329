"""CelebA's 40 attributes, as far as the parameters mean them."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64

from datasets.synthetic.faces.parameters import EMOTIONS, Face

NAMES = (
    *("5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose"),
    *("Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses"),
    *("Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache"),
    *("Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks"),
    *("Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick"),
    *("Wearing_Necklace", "Wearing_Necktie", "Young"),
)
# No parameter means these: they are -1, unknown.
UNKNOWN = ("Attractive", "Blurry", "Double_Chin", "Wearing_Necktie")


def _brightness(colour: tuple[float, float, float]) -> float:
    return sum(colour) / 3.0


def _grey(face: Face) -> bool:
    hair = face.identity.hair
    return _haired(face) and max(hair) - min(hair) < 0.1 and _brightness(hair) > 0.35


def _haired(face: Face) -> bool:
    return face.identity.hair_amount > 0.5


RULES: dict[str, Callable[[Face], bool]] = {
    "5_o_Clock_Shadow": lambda f: 0.1 < f.identity.cheek_beard < 0.5,
    "Arched_Eyebrows": lambda f: f.identity.brow_arch > 0.055,
    "Bags_Under_Eyes": lambda f: f.identity.bags > 0.3,
    "Bald": lambda f: not _haired(f),
    "Bangs": lambda f: _haired(f) and f.identity.hair_line < 0.8 and f.identity.hat < 0.5,
    "Big_Lips": lambda f: f.identity.upper_lip + f.identity.lower_lip > 0.185,
    "Big_Nose": lambda f: f.identity.nose_width + 0.5 * f.identity.nose_height > 0.43,
    "Black_Hair": lambda f: _haired(f) and _brightness(f.identity.hair) < 0.13,
    "Blond_Hair": lambda f: _haired(f) and not _grey(f) and _brightness(f.identity.hair) > 0.45,
    "Brown_Hair": lambda f: (
        _haired(f)
        and not _grey(f)
        and 0.13 <= _brightness(f.identity.hair) <= 0.45
        and f.identity.hair[0] < 2.0 * f.identity.hair[1]
    ),
    "Bushy_Eyebrows": lambda f: f.identity.brow_thick > 0.05,
    "Chubby": lambda f: f.identity.cheek_full > 0.045,
    "Eyeglasses": lambda f: f.identity.glasses > 0.5,
    "Goatee": lambda f: f.identity.goatee > 0.5 and f.identity.cheek_beard < 0.5,
    "Gray_Hair": _grey,
    "Heavy_Makeup": lambda f: f.identity.lipstick > 0.6 and f.identity.eyeshadow > 0.3,
    "High_Cheekbones": lambda f: f.identity.cheekbone + 0.5 * f.expression.cheek_raise > 0.085,
    "Male": lambda f: f.identity.masculine > 0.5,
    "Mouth_Slightly_Open": lambda f: f.expression.mouth_open + f.expression.upper_raise > 0.03,
    "Mustache": lambda f: f.identity.moustache > 0.5,
    "Narrow_Eyes": lambda f: f.identity.eye_open * f.expression.lids < 0.065,
    "No_Beard": lambda f: max(f.identity.moustache, f.identity.goatee, f.identity.cheek_beard) < 0.1,
    "Oval_Face": lambda f: f.identity.jaw_taper > 0.26 and f.identity.jaw_round > 0.55,
    "Pale_Skin": lambda f: _brightness(f.identity.skin) > 0.78,
    "Pointy_Nose": lambda f: f.identity.nose_round < 0.12 and f.identity.nose_height > 0.35,
    "Receding_Hairline": lambda f: _haired(f) and f.identity.hair_line > 1.1 and f.identity.hat < 0.5,
    "Rosy_Cheeks": lambda f: f.identity.blush > 0.2,
    "Sideburns": lambda f: _haired(f) and f.identity.sideburns > 0.5 and f.identity.hair_length > -1.0,
    "Smiling": lambda f: EMOTIONS[int(f.expression.emotion)] == "happiness" and f.expression.corners > 0.03,
    "Straight_Hair": lambda f: _haired(f) and f.identity.hair_curl < 0.2,
    "Wavy_Hair": lambda f: _haired(f) and f.identity.hair_curl > 0.45,
    "Wearing_Earrings": lambda f: f.identity.earrings > 0.0,
    "Wearing_Hat": lambda f: f.identity.hat > 0.5,
    "Wearing_Lipstick": lambda f: f.identity.lipstick > 0.0,
    "Wearing_Necklace": lambda f: f.identity.necklace > 0.5,
    "Young": lambda f: f.identity.age < 0.5,
}


def attributes(face: Face) -> Int64[np.ndarray, "40"]:
    """1 present, 0 absent, -1 unknown (`UNKNOWN`), in CelebA's order `NAMES`."""
    return np.array([int(RULES[name](face)) if name in RULES else -1 for name in NAMES], dtype=np.int64)
