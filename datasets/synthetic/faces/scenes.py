"""Draws what is around a face: views, lights and backgrounds."""

import math
from dataclasses import dataclass

import numpy as np

from datasets.synthetic.faces.chance import clipped, happens, one_of, uniform
from datasets.synthetic.faces.parameters import BLOBS, Camera, Colour, Light, Surroundings, View
from datasets.synthetic.faces.people import WORN

# The point of the head, in head units, that a face detector puts near the crop's centre: between eyes and mouth.
FACE_POINT = (0.0, -0.15, 1.15)
# How much of that point's movement under rotation a crop follows.
FOLLOW = 0.85


@dataclass(frozen=True)
class LightRange:
    """Bounds of uniform draws; `angle` is the light's largest distance from the camera's axis in degrees."""

    ambient: tuple[float, float]
    diffuse: tuple[float, float]
    angle: float


# Photographs taken to be looked at are lit from the front; films are not.
TRAINING_LIGHT = LightRange(ambient=(0.3, 0.6), diffuse=(0.3, 0.65), angle=45.0)
TEST_LIGHT = LightRange(ambient=(0.16, 0.6), diffuse=(0.35, 0.85), angle=70.0)


def view_of(
    yaw: float, pitch: float = 0.0, roll: float = 0.0, shift: tuple[float, float] = (0.0, 0.0), nearer: float = 0.0
) -> View:
    """The view of a head turned by `yaw` (to the image's right), `pitch` (down) and `roll`, all in degrees.

    The crop follows the face as a detector's would, missing by `shift` (shares of the image's half width; right and
    down); `nearer` moves the head towards the camera, in camera units. All this is of the default camera.
    """
    camera = Camera()
    rx, ry, rz = math.radians(pitch), -math.radians(yaw), math.radians(roll)
    x, y, z = (camera.unit * sign * value for sign, value in zip((1, -1, -1), FACE_POINT, strict=True))
    # Rz Ry Rx, applied to the face's point.
    y1, z1 = math.cos(rx) * y - math.sin(rx) * z, math.sin(rx) * y + math.cos(rx) * z
    x2 = math.cos(ry) * x + math.sin(ry) * z1
    x3, y3 = math.cos(rz) * x2 - math.sin(rz) * y1, math.sin(rz) * x2 + math.cos(rz) * y1
    half = camera.half_field
    return View(rx, ry, rz, half * shift[0] - FOLLOW * (x3 - x), half * shift[1] - FOLLOW * (y3 - y), -nearer)


def draw_view(rng: np.random.Generator) -> View:
    """Mostly near frontal, up to 60 degrees of yaw."""
    yaw = clipped(rng, 0.0, 24.0, -60.0, 60.0)
    pitch, roll = clipped(rng, 0.0, 8.0, -22.0, 22.0), clipped(rng, 0.0, 6.0, -20.0, 20.0)
    shift = (clipped(rng, 0.0, 0.04, -0.12, 0.12), clipped(rng, 0.0, 0.04, -0.12, 0.12))
    return view_of(yaw, pitch, roll, shift, uniform(rng, -0.03, 0.03))


def draw_aligned_view(rng: np.random.Generator) -> View:
    """As `draw_view`, of a head whose image was turned upright and cut out closely by the face's landmarks."""
    yaw, pitch = clipped(rng, 0.0, 12.0, -40.0, 40.0), clipped(rng, 0.0, 5.0, -15.0, 15.0)
    shift = (clipped(rng, 0.0, 0.015, -0.04, 0.04), clipped(rng, 0.0, 0.015, -0.04, 0.04))
    return view_of(yaw, pitch, clipped(rng, 0.0, 1.5, -4.0, 4.0), shift, uniform(rng, 0.035, 0.065))


def light_from(ambient: float, diffuse: float, azimuth: float, elevation: float) -> Light:
    """Light that comes from `azimuth` (to the image's right) and `elevation` (above), in degrees off the axis."""
    a, e = math.radians(azimuth), math.radians(elevation)
    direction = (-math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e))
    return Light(ambient, diffuse, direction)


def draw_light(rng: np.random.Generator, bounds: LightRange) -> Light:
    """Uniform within `bounds`; more often from above than from below."""
    tilt = bounds.angle * math.sqrt(rng.random())
    around = uniform(rng, -0.25 * math.pi, 1.25 * math.pi)
    ambient, diffuse = uniform(rng, *bounds.ambient), uniform(rng, *bounds.diffuse)
    sine, cosine = math.sin(math.radians(tilt)), math.cos(math.radians(tilt))
    direction = (-sine * math.cos(around), sine * math.sin(around), cosine)
    return Light(ambient, diffuse, direction)


def draw_colour(rng: np.random.Generator) -> Colour:
    """Any colour, mostly of low saturation."""
    grey, strength = uniform(rng, 0.08, 0.92), rng.beta(1.2, 2.5)
    a, b, c = ((1 - strength) * grey + strength * rng.random() for _ in range(3))
    return a, b, c


def draw_surroundings(rng: np.random.Generator) -> Surroundings:
    """A gradient with clutter, and clothes."""
    blobs = []
    for _ in range(BLOBS):
        place = (uniform(rng, -1.1, 1.1), uniform(rng, -1.1, 1.1))
        shape = (uniform(rng, 0.08, 0.7), uniform(rng, 0.15, 1.0), uniform(rng, 0.02, 0.5), uniform(rng, 0.0, 0.9))
        blobs.append((*place, *shape, *draw_colour(rng)))
    cloth = one_of(rng, WORN) if happens(rng, 0.5) else draw_colour(rng)
    collar = (0.88, 0.88, 0.88) if happens(rng, 0.3) else cloth
    return Surroundings(draw_colour(rng), draw_colour(rng), uniform(rng, -0.4, 0.4), tuple(blobs), cloth, collar)
