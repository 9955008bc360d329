"""What a face does: the seven basic emotions, graded, and blends of them."""

from dataclasses import fields
from operator import attrgetter

import numpy as np

from datasets.synthetic.faces.chance import clipped, picked, uniform
from datasets.synthetic.faces.parameters import EMOTIONS, Expression

# Each emotion at full strength (after Ekman's action units).
POSES: dict[str, dict[str, float]] = {
    "surprise": {"brow_raise": 0.1, "lids": 1.55, "mouth_open": 0.3, "mouth_wide": -0.25, "brow_inner": 0.02},
    "fear": {
        "brow_raise": 0.04,
        "brow_inner": 0.1,
        "brow_knit": 0.6,
        "lids": 1.5,
        "mouth_open": 0.12,
        "mouth_wide": 0.16,
        "corners": -0.06,
    },
    "disgust": {
        "brow_raise": -0.05,
        "brow_knit": 0.7,
        "lids": 0.6,
        "cheek_raise": 0.05,
        "upper_raise": 0.035,
        "nose_wrinkle": 1.0,
        "mouth_wide": -0.05,
        "corners": -0.05,
    },
    "happiness": {
        "lids": 0.8,
        "cheek_raise": 0.1,
        "mouth_open": 0.09,
        "mouth_wide": 0.32,
        "corners": 0.11,
        "upper_raise": 0.03,
    },
    "sadness": {"brow_inner": 0.13, "brow_knit": 0.3, "lids": 0.72, "corners": -0.1, "mouth_wide": -0.08},
    "anger": {
        "brow_raise": -0.06,
        "brow_inner": -0.11,
        "brow_knit": 1.0,
        "lids": 0.8,
        "mouth_wide": -0.06,
        "upper_raise": 0.01,
        "corners": -0.04,
        "nose_wrinkle": 0.4,
    },
    "neutral": {},
}
# The same acted plainly, so that each can be told from every other at 64 pixels: what an emotion alone does is larger
# (brows, eyes and upper lip tell anger from disgust; brows and mouth sadness from neutral).
PLAIN_POSES: dict[str, dict[str, float]] = {
    "surprise": {"brow_raise": 0.16, "lids": 1.75, "mouth_open": 0.42, "mouth_wide": -0.34, "brow_inner": 0.02},
    "fear": {
        "brow_raise": 0.06,
        "brow_inner": 0.16,
        "brow_knit": 0.8,
        "lids": 1.8,
        "mouth_open": 0.16,
        "mouth_wide": 0.32,
        "corners": -0.12,
    },
    "disgust": {
        "brow_raise": -0.08,
        "brow_knit": 0.6,
        "lids": 0.4,
        "cheek_raise": 0.09,
        "upper_raise": 0.09,
        "nose_wrinkle": 1.5,
        "mouth_wide": -0.05,
        "corners": -0.1,
    },
    "happiness": {
        "lids": 0.7,
        "cheek_raise": 0.13,
        "mouth_open": 0.13,
        "mouth_wide": 0.42,
        "corners": 0.17,
        "upper_raise": 0.04,
    },
    "sadness": {"brow_inner": 0.18, "brow_knit": 0.4, "lids": 0.55, "corners": -0.2, "mouth_wide": -0.12},
    "anger": {
        "brow_raise": -0.09,
        "brow_inner": -0.17,
        "brow_knit": 1.2,
        "lids": 1.0,
        "mouth_wide": -0.2,
        "corners": -0.05,
        "nose_wrinkle": 0.3,
    },
    "neutral": {},
}
EQUAL = (1.0 / len(EMOTIONS),) * len(EMOTIONS)
# What photographs of faces show.
TYPICAL = (0.04, 0.02, 0.03, 0.4, 0.05, 0.04, 0.42)
FULL = tuple(Expression(emotion=float(i), **POSES[name]) for i, name in enumerate(EMOTIONS))


_movements = attrgetter(*(field.name for field in fields(Expression) if field.name != "emotion"))


def blend(a: Expression, b: Expression, share: float) -> Expression:
    """Between `a` (share 0) and `b` (share 1); the emotion is that of the nearer."""
    emotion = (a if share < 0.5 else b).emotion
    values = ((1 - share) * x + share * y for x, y in zip(_movements(a), _movements(b), strict=True))
    return Expression(emotion, *values)


def act(emotion: str, strength: float, gaze: tuple[float, float] = (0.0, 0.0)) -> Expression:
    """An emotion at a strength in [0, 1], looking aside by `gaze` (head units)."""
    return _graded(emotion, POSES[emotion], strength, gaze)


def show(emotion: str, strength: float, gaze: tuple[float, float] = (0.0, 0.0)) -> Expression:
    """As `act`, plainly."""
    return _graded(emotion, PLAIN_POSES[emotion], strength, gaze)


def _graded(emotion: str, pose: dict[str, float], strength: float, gaze: tuple[float, float]) -> Expression:
    index = EMOTIONS.index(emotion)
    neutral = Expression(emotion=float(index), gaze_x=gaze[0], gaze_y=gaze[1])
    full = Expression(emotion=float(index), gaze_x=gaze[0], gaze_y=gaze[1], **pose)
    return blend(neutral, full, strength)


def draw_expression(rng: np.random.Generator, odds: tuple[float, ...] = EQUAL) -> Expression:
    """A random emotion (by `odds` in the order of EMOTIONS), its strength and gaze."""
    emotion = EMOTIONS[picked(rng, odds)]
    gaze = (clipped(rng, 0.0, 0.025, -0.06, 0.06), clipped(rng, 0.0, 0.012, -0.03, 0.03))
    return act(emotion, uniform(rng, 0.55, 1.0), gaze)
