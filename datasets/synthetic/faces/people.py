"""Draws people: independent traits around those that sex, age and complexion make likely."""

from typing import Any

import numpy as np

from datasets.synthetic.faces.chance import clipped, happens, one_of, picked, uniform
from datasets.synthetic.faces.parameters import Colour, Identity

# Complexions from light to dark.
SKINS: tuple[Colour, ...] = (
    (0.96, 0.78, 0.7),
    (0.92, 0.71, 0.59),
    (0.83, 0.61, 0.47),
    (0.66, 0.45, 0.33),
    (0.48, 0.31, 0.23),
    (0.34, 0.22, 0.17),
)
BLACK, DARK_BROWN, BROWN, BLOND, RED, GREY = range(6)
HAIR: tuple[Colour, ...] = (
    (0.08, 0.07, 0.07),
    (0.23, 0.14, 0.09),
    (0.4, 0.25, 0.14),
    (0.82, 0.65, 0.38),
    (0.55, 0.24, 0.1),
    (0.68, 0.67, 0.66),
)
# Probabilities of the first five for light, middling and dark complexions.
HAIR_ODDS = ((0.12, 0.24, 0.26, 0.28, 0.1), (0.45, 0.35, 0.15, 0.04, 0.01), (0.8, 0.18, 0.02, 0.0, 0.0))
IRISES: tuple[Colour, ...] = ((0.3, 0.17, 0.08), (0.35, 0.5, 0.68), (0.36, 0.47, 0.26), (0.48, 0.52, 0.54))
WORN: tuple[Colour, ...] = (
    (0.1, 0.1, 0.12),
    (0.75, 0.12, 0.13),
    (0.13, 0.25, 0.6),
    (0.16, 0.45, 0.26),
    (0.85, 0.82, 0.76),
    (0.45, 0.3, 0.18),
    (0.85, 0.65, 0.15),
    (0.5, 0.2, 0.5),
)
JEWELS: tuple[Colour, ...] = ((0.95, 0.8, 0.35), (0.88, 0.9, 0.93), (0.15, 0.6, 0.5))


def draw_identity(rng: np.random.Generator, masculine: bool | None = None) -> Identity:
    """A person from the stream `rng`; without `masculine` either sex with equal probability."""
    male = happens(rng, 0.5) if masculine is None else masculine
    age = float(rng.beta(1.3, 1.9))
    darkness = float(rng.beta(1.0, 1.3)) * (len(SKINS) - 1)
    skin = _jitter(rng, _between(SKINS, darkness), 0.03)
    colour, grey = _hair_colour(rng, darkness, age)
    hair = _jitter(rng, HAIR[GREY] if grey else HAIR[colour], 0.03)
    made_up = 0.0 if male or happens(rng, 0.45) else uniform(rng, 0.4, 1.0)
    lip = _lip(rng, skin, made_up)
    return Identity(
        masculine=float(male),
        age=age,
        texture=float(int(uniform(rng, 1.0, 10_000.0))),
        skin=skin,
        hair=hair,
        lip=lip,
        lipstick=made_up,
        eyeshadow=made_up * uniform(rng, 0.2, 1.0),
        blush=uniform(rng, 0.0, 0.18) + 0.12 * made_up,
        freckles=uniform(rng, 0.4, 1.0) if darkness < 1.8 and happens(rng, 0.2) else 0.0,
        bags=age * uniform(rng, 0.2, 1.2) if age > 0.3 else 0.0,
        **_skull(rng, male, age),
        **_features(rng, male, hair, darkness),
        **_hair_style(rng, male, age),
        **_beard(rng, male, hair),
        **_worn(rng, male),
    )


def _between(colours: tuple[Colour, ...], place: float) -> Colour:
    """The colour at a fractional index."""
    low = min(int(place), len(colours) - 2)
    t = place - low
    a, b, c = ((1 - t) * x + t * y for x, y in zip(colours[low], colours[low + 1], strict=True))
    return a, b, c


def _jitter(rng: np.random.Generator, colour: Colour, amount: float) -> Colour:
    """The colour, a little brighter or darker and of another hue."""
    gain = 1.0 + uniform(rng, -3 * amount, 3 * amount)
    a, b, c = (min(max(value * gain + uniform(rng, -amount, amount), 0.02), 0.97) for value in colour)
    return a, b, c


def _hair_colour(rng: np.random.Generator, darkness: float, age: float) -> tuple[int, bool]:
    odds = HAIR_ODDS[0 if darkness < 1.5 else 1 if darkness < 3 else 2]
    return picked(rng, odds), happens(rng, min(2.2 * age - 1.0, 0.95))


def _lip(rng: np.random.Generator, skin: Colour, made_up: float) -> Colour:
    natural = (skin[0] * 0.88, skin[1] * 0.58, skin[2] * 0.62)
    paint = one_of(rng, ((0.75, 0.08, 0.12), (0.82, 0.25, 0.35), (0.5, 0.08, 0.2)))
    share = 0.85 * made_up
    a, b, c = ((1 - share) * n + share * q for n, q in zip(natural, paint, strict=True))
    return _jitter(rng, (a, b, c), 0.02)


def _skull(rng: np.random.Generator, male: bool, age: float) -> dict[str, Any]:
    full = rng.standard_normal()
    return {
        "head_width": clipped(rng, 1.0 + 0.035 * full, 0.03, 0.88, 1.12),
        "head_height": uniform(rng, 0.95, 1.06),
        "jaw_taper": clipped(rng, (0.2 if male else 0.26) - 0.03 * full, 0.07, 0.1, 0.45),
        "jaw_round": uniform(rng, *((0.45, 0.65) if male else (0.52, 0.72))),
        "chin_length": clipped(rng, 0.04 if male else 0.0, 0.06, -0.1, 0.17),
        "chin_forward": uniform(rng, 0.08, 0.24),
        "chin_width": uniform(rng, *((0.17, 0.3) if male else (0.13, 0.22))),
        "cheekbone": uniform(rng, 0.02, 0.13),
        "cheek_full": clipped(rng, 0.045 * full - 0.04 * age, 0.02, -0.1, 0.12),
        "brow_ridge": uniform(rng, *((0.03, 0.11) if male else (0.0, 0.04))),
        "ear_size": uniform(rng, 0.85, 1.2) + 0.1 * age,
        "ear_out": uniform(rng, 0.15, 0.75),
    }


def _features(rng: np.random.Generator, male: bool, hair: Colour, darkness: float) -> dict[str, Any]:
    eye_y = uniform(rng, 0.14, 0.24)
    iris = IRISES[picked(rng, (0.4, 0.3, 0.18, 0.12) if darkness < 2.0 else (1.0,))]
    broad = 0.035 * max(darkness - 2.0, 0.0) / 3.0
    return {
        "eye_x": uniform(rng, 0.38, 0.46),
        "eye_y": eye_y,
        "eye_width": uniform(rng, 0.185, 0.24),
        "eye_open": uniform(rng, 0.06, 0.105),
        "eye_tilt": clipped(rng, 0.06, 0.09, -0.15, 0.28),
        "eye_depth": uniform(rng, 0.1, 0.19),
        "iris_radius": uniform(rng, 0.085, 0.1),
        "iris": _jitter(rng, iris, 0.02),
        "brow_y": uniform(rng, *((0.2, 0.27) if male else (0.24, 0.32))),
        "brow_length": uniform(rng, 0.24, 0.31),
        "brow_thick": uniform(rng, *((0.035, 0.07) if male else (0.02, 0.045))),
        "brow_arch": uniform(rng, *((0.0, 0.05) if male else (0.02, 0.1))),
        "brow_tilt": clipped(rng, 0.01, 0.025, -0.05, 0.07),
        "brow_dark": uniform(rng, 0.65, 0.95),
        "brow": (0.65 * hair[0], 0.6 * hair[1], 0.6 * hair[2]),
        "nose_tip_y": eye_y + uniform(rng, -0.58, -0.43),
        "nose_height": uniform(rng, 0.27, 0.46),
        "nose_bridge": uniform(rng, 0.05, 0.14),
        "nose_hump": clipped(rng, 0.0, 0.03, -0.07, 0.07),
        "nose_round": uniform(rng, 0.1, 0.15) + broad,
        "nose_width": uniform(rng, 0.17, 0.25) + broad,
        "mouth_y": uniform(rng, -0.73, -0.64),
        "mouth_width": uniform(rng, 0.29, 0.42),
        "upper_lip": uniform(rng, 0.04, 0.09) + broad + (0.0 if male else 0.015),
        "lower_lip": uniform(rng, 0.06, 0.12) + broad,
        "lip_forward": uniform(rng, 0.035, 0.08) + broad,
    }


def _hair_style(rng: np.random.Generator, male: bool, age: float) -> dict[str, Any]:
    bald = male and happens(rng, 0.04 + 0.28 * age)
    receding = male and happens(rng, 0.5 * age)
    fringe = happens(rng, 0.2 if male else 0.3)
    line = uniform(rng, 1.15, 1.3) if receding else uniform(rng, 0.6, 0.76) if fringe else uniform(rng, 0.86, 1.06)
    long = happens(rng, 0.1 if male else 0.8)
    return {
        "hair_amount": 0.0 if bald else 1.0,
        "hair_line": line,
        "hair_temple": uniform(rng, 0.95, 1.2),
        "hair_volume": uniform(rng, *((0.05, 0.2) if male else (0.1, 0.28))),
        "hair_length": float(uniform(rng, -2.2, -1.2) if long else uniform(rng, -0.75, -0.45)),
        "hair_curl": float(rng.beta(0.7, 1.4)),
        "hair_part": uniform(rng, -1.0, 1.0) if happens(rng, 0.7) else 0.0,
        "sideburns": uniform(rng, 0.0, 1.0) if male else 0.0,
    }


def _beard(rng: np.random.Generator, male: bool, hair: Colour) -> dict[str, Any]:
    kind = picked(rng, (0.45, 0.2, 0.08, 0.09, 0.1, 0.08)) if male else 0
    thick = uniform(rng, 0.7, 0.95)
    # Shaven, stubble, moustache, goatee, full beard, chin and moustache with stubble.
    moustache, goatee, cheeks = (
        (0.0, 0.0, 0.0),
        (0.3, 0.32, 0.3),
        (thick, 0.0, 0.0),
        (thick, thick, 0.0),
        (thick, thick, thick),
        (thick, thick, 0.3),
    )[kind]
    return {
        "moustache": moustache,
        "goatee": goatee,
        "cheek_beard": cheeks,
        "beard": (0.75 * hair[0], 0.68 * hair[1], 0.65 * hair[2]),
    }


def _worn(rng: np.random.Generator, male: bool) -> dict[str, Any]:
    dark_lenses = happens(rng, 0.15)
    hat_kind = one_of(rng, (0, 1, 2))
    return {
        "glasses": float(happens(rng, 0.2)),
        "glasses_size": uniform(rng, 0.85, 1.05),
        "glasses_square": uniform(rng, 2.0, 5.0),
        "glasses_rim": uniform(rng, 0.018, 0.04),
        "glasses_tint": uniform(rng, 0.75, 0.95) if dark_lenses else uniform(rng, 0.02, 0.15),
        "rim": _jitter(rng, WORN[picked(rng, (0.6, 0.05, 0.05, 0.0, 0.05, 0.2, 0.05))], 0.02),
        "hat": float(happens(rng, 0.06)),
        "hat_line": uniform(rng, 0.62, 0.82),
        "hat_brim": (0.0, uniform(rng, 0.5, 1.0), 0.0)[hat_kind],
        "hat_visor": (0.0, 0.0, 1.0)[hat_kind],
        "hat_colour": _jitter(rng, one_of(rng, WORN), 0.03),
        "earrings": 0.0 if male or happens(rng, 0.6) else uniform(rng, 0.045, 0.085),
        "necklace": 0.0 if male or happens(rng, 0.7) else 1.0,
        "jewel": one_of(rng, JEWELS),
    }
