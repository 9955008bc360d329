"""Draws cars: meshes posed in front of the camera, rasterised, shaded flat, averaged to pixels.

PDR, which is tested on them, has a camera of 10 degrees, one light and matt surfaces; these have a camera of 30
degrees, a second light and glossy paint, unless a shot is of PDR's own world (`matched`). Nothing casts a shadow: the
surroundings are empty, and a car has hardly a part that could upon another.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int32, UInt8

from datasets.synthetic.cars.models import Car, build
from datasets.synthetic.cars.parts import BACKGROUND, PARTS
from methods.rendering.camera import intrinsics, to_screen
from methods.rendering.rasterize import fragments

# Fields of view in degrees: the one that cars are drawn with, and PDR's.
FOV, MATCHED_FOV = 30.0, 10.0
# The share of the image's width (or height) that a car covers, and how much larger than side on it may be drawn.
COVERED = 0.84
LARGER = 1.6
# Samples across a pixel.
FINE = 2
# How far, in metres, a keypoint may lie behind what is seen there without being hidden.
SUNK = 0.1
# As `Source.world` says it.
WORLD = f"with what PDR does not model: a {FOV:.0f} degree camera, a second light, glossy paint"
MATCHED_WORLD = f"in PDR's own world: a {MATCHED_FOV:.0f} degree camera, matt paint under one light"
# Of the highlight (Blinn and Phong): its exponent, and its strength as a share of each light's.
GLOSS, SHINE = 80.0, 0.6


@dataclass(frozen=True)
class Shot:
    """A car as it is seen.

    Attributes
    ----------
    azimuth, elevation: of the camera in degrees; 0 is level with the car before its front, positive its left and above.
    light_azimuth, light_elevation: where the light comes from, in degrees as the camera sees it; 0 is the camera,
        positive the image's right and above.
    ambient, diffuse: strengths of the light; a surface shows its albedo times ambient + diffuse * cosine, and the same
        of the second light, and highlights of both, cut at 1.
    ground: grey of the background in [0, 1].
    second, second_azimuth, second_elevation: strength and place of the second light, as of the first.
    scale: camera units per metre of the car; None: `largest_scale`.
    fov: field of view of the camera in degrees.
    shine: strength of the highlights, as a share of each light's.
    """

    car: Car
    azimuth: float
    elevation: float
    light_azimuth: float
    light_elevation: float
    ambient: float
    diffuse: float
    ground: float
    second: float = 0.0
    second_azimuth: float = 0.0
    second_elevation: float = 0.0
    scale: float | None = None
    fov: float = FOV
    shine: float = SHINE


def matched(shot: Shot) -> Shot:
    """The shot in PDR's own world: through its camera, in matt paint, under the first light alone."""
    return replace(shot, fov=MATCHED_FOV, shine=0.0, second=0.0)


def render(shots: Sequence[Shot], size: int) -> UInt8[np.ndarray, "n s s 3"]:
    """Draw each shot as a `size` x `size` image; a shot's bits do not depend on the others."""
    return rendered(shots, size).images


class Rendered(NamedTuple):
    """Images and what is known of them.

    Attributes
    ----------
    covered: share of each pixel's samples that show the car.
    parts: the part that most of each pixel's samples show, of equally many the first of `PARTS`.
    keypoints: of each of `KEYPOINTS` x and y in pixels, whose centres lie at whole numbers, and 1; 0, 0, 0 of what is
        hidden.
    """

    images: UInt8[np.ndarray, "n s s 3"]
    covered: Float32[np.ndarray, "n s s"]
    parts: UInt8[np.ndarray, "n s s"]
    keypoints: Float32[np.ndarray, "n k 3"]


def rendered(shots: Sequence[Shot], size: int) -> Rendered:
    """As `render`, with what is known of each pixel."""
    built = [build(shot.car) for shot in shots]
    meshes = [mesh.arrays() for mesh in built]
    count = max(len(corners) for corners, _ in meshes)
    points = np.zeros((len(shots), count, 3, 3), np.float32)
    points[..., 2] = 1000.0  # beyond the far plane: not drawn
    colours = np.zeros((len(shots), count, 3), np.float32)
    normals = np.zeros((len(shots), count, 3), np.float32)
    for index, (shot, (corners, albedo)) in enumerate(zip(shots, meshes, strict=True)):
        placed, towards = _placed(shot, corners)
        points[index, : len(corners)] = placed
        shading = shot.ambient + sum(
            strength * np.maximum(towards @ direction, 0.0) for strength, direction in _lights(shot)
        )
        colours[index, : len(corners)] = albedo * shading[:, None]
        normals[index, : len(corners)] = towards
    flat = torch.from_numpy(points.reshape(len(shots), -1, 3))
    cameras = [intrinsics(size, shot.fov) for shot in shots]
    screen = torch.cat([to_screen(flat[k : k + 1], camera, size) for k, camera in enumerate(cameras)])
    faces = torch.arange(3 * count, dtype=torch.int32).view(-1, 3)
    found = fragments(screen, faces, size * FINE)
    seen, depth = found.face.numpy(), found.depth.numpy()
    ground = np.array([shot.ground for shot in shots], np.float32)
    shown = np.take_along_axis(colours, np.maximum(seen, 0).reshape(len(shots), -1)[..., None], axis=1).reshape(
        *seen.shape, 3
    )
    for index, shot in enumerate(shots):
        inside = seen[index] >= 0
        rays = _rays(size * FINE, shot.fov)
        shown[index, inside] += _highlights(shot, normals[index, seen[index, inside]], rays[inside])[:, None]
    shown = np.minimum(shown, 1.0)
    shown = np.where(seen[..., None] >= 0, shown, ground[:, None, None, None])
    pixels = shown.reshape(len(shots), size, FINE, size, FINE, 3).mean(axis=(2, 4))
    image: np.ndarray = np.rint(pixels * 255).astype(np.uint8)
    covered: np.ndarray = (seen >= 0).reshape(len(shots), size, FINE, size, FINE).mean(axis=(2, 4))
    parts = np.stack([_parts(own.parts(), one, size) for own, one in zip(built, seen, strict=True)])
    marked = zip(shots, built, meshes, depth, strict=True)
    keypoints = np.stack([_keypoints(shot, mesh.keypoints(), own[0], far, size) for shot, mesh, own, far in marked])
    return Rendered(image, covered.astype(np.float32), parts, keypoints)


def _parts(
    parts: UInt8[np.ndarray, " t"], seen: Int32[np.ndarray, "fine fine"], size: int
) -> UInt8[np.ndarray, "size size"]:
    """The part of each pixel, from the triangle that each sample sees (-1: none)."""
    samples = np.where(seen >= 0, parts[np.maximum(seen, 0)], BACKGROUND)
    grouped = samples.reshape(size, FINE, size, FINE).transpose(0, 2, 1, 3).reshape(size, size, FINE**2)
    votes = (grouped[..., None] == np.arange(len(PARTS))).sum(axis=2)
    found: np.ndarray = votes.argmax(axis=-1).astype(np.uint8)
    return found


def _keypoints(
    shot: Shot,
    points: Float[np.ndarray, "k 3"],
    corners: Float[np.ndarray, "t 3 3"],
    depth: Float32[np.ndarray, "fine fine"],
    size: int,
) -> Float32[np.ndarray, "k 3"]:
    """Where points of the car are in the image (see `Rendered`); hidden where all samples around one show what is
    nearer."""
    turned, length = _turned(shot, corners)
    scale = _fitting(turned, length, shot.fov) if shot.scale is None else shot.scale
    placed = scale * _turned(shot, points, corners)[0] + np.array([0.0, 0.0, 1.0])
    screen = to_screen(torch.from_numpy(placed.astype(np.float32))[None], intrinsics(size, shot.fov), size)[0].numpy()
    found = np.zeros((len(points), 3), np.float32)
    for point, (x, y, z) in zip(found, screen, strict=True):
        column, row = ((x + 1) * size * FINE - 1) / 2, ((1 - y) * size * FINE - 1) / 2
        down, across = (slice(max(0, int(middle)), int(middle) + 2) for middle in (row, column))
        around = depth[down, across]
        if around.size and around.max() > z - SUNK * scale:
            point[:] = ((x + 1) * size - 1) / 2, ((1 - y) * size - 1) / 2, 1.0
    return found


def largest_scale(shot: Shot) -> float:
    """The scale at which all of the car is seen, but never more than `LARGER` times that of its side."""
    corners, _ = build(shot.car).arrays()
    return _fitting(*_turned(shot, corners), shot.fov)


def _placed(
    shot: Shot, corners: Float[np.ndarray, "t 3 3"]
) -> tuple[Float32[np.ndarray, "t 3 3"], Float[np.ndarray, "t 3"]]:
    """Triangles in camera space (x right, y down, z away), and their unit normals on the side that is seen."""
    turned, length = _turned(shot, corners)
    turned *= _fitting(turned, length, shot.fov) if shot.scale is None else shot.scale
    normals = np.cross(turned[:, 1] - turned[:, 0], turned[:, 2] - turned[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    turned += np.array([0.0, 0.0, 1.0])
    away = (normals * turned.mean(axis=1)).sum(axis=1, keepdims=True) > 0
    return turned.astype(np.float32), np.where(away, -normals, normals)  # both sides of a triangle show


def _turned(
    shot: Shot, points: Float[np.ndarray, "*n 3"], corners: Float[np.ndarray, "t 3 3"] | None = None
) -> tuple[Float[np.ndarray, "*n 3"], float]:
    """Points in metres as the camera is turned, about the centre of the car of the triangles `corners` (the points
    themselves where none are given), and the car's length."""
    whole = (points if corners is None else corners).reshape(-1, 3)
    low, high = whole.min(axis=0), whole.max(axis=0)
    return (points - (low + high) / 2) @ _camera(shot.azimuth, shot.elevation).T, high[2] - low[2]


def _fitting(turned: Float[np.ndarray, "t 3 3"], length: float, fov: float) -> float:
    """The scale at which a car covers as much as it may."""
    edge = COVERED * math.tan(math.radians(fov / 2))
    # scale * |x| <= edge * (1 + scale * z) for every corner, so that all of it is seen in perspective.
    needed = (np.abs(turned[..., :2]).max(axis=-1) - edge * turned[..., 2]).max()
    return float(edge / max(needed, length / (2 * LARGER)))


def _lights(shot: Shot) -> list[tuple[float, Float[np.ndarray, "3"]]]:
    """Strength of both lights, and the unit vectors to where they come from in camera space."""
    found = []
    for strength, azimuth, elevation in (
        (shot.diffuse, shot.light_azimuth, shot.light_elevation),
        (shot.second, shot.second_azimuth, shot.second_elevation),
    ):
        a, e = math.radians(azimuth), math.radians(elevation)
        found.append((strength, np.array([math.sin(a) * math.cos(e), -math.sin(e), -math.cos(a) * math.cos(e)])))
    return found


@cache
def _rays(fine: int, fov: float) -> Float32[np.ndarray, "s s 3"]:
    """Unit vectors from the camera to each sample."""
    across = ((2 * np.arange(fine) + 1) / fine - 1) * math.tan(math.radians(fov / 2))
    rays = np.stack([*np.meshgrid(across, across), np.ones((fine, fine))], axis=-1)
    unit: np.ndarray = (rays / np.linalg.norm(rays, axis=-1, keepdims=True)).astype(np.float32)
    return unit


def _highlights(
    shot: Shot, normal: Float32[np.ndarray, "m 3"], rays: Float32[np.ndarray, "m 3"]
) -> Float[np.ndarray, " m"]:
    """What each sample's gloss adds: (normal . half)^GLOSS of each light, `half` between it and the way to the camera.

    Takes the samples' normals and `_rays`.
    """
    total = np.zeros(len(normal))
    for strength, direction in _lights(shot):
        half = direction - rays
        half /= np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), 1e-12)
        lit = normal @ direction > 0
        total += shot.shine * strength * lit * np.maximum((normal * half).sum(axis=-1), 0.0) ** GLOSS
    return total


def _camera(azimuth: float, elevation: float) -> Float[np.ndarray, "3 3"]:
    """Rotation from car space (x its left, y up, z forward) to camera space, seen from `azimuth` and `elevation`."""
    a, e = math.radians(azimuth), math.radians(elevation)
    # A car that faces the camera looks along -z of camera space, its left on the image's right.
    forward = np.array([-math.sin(a), 0.0, -math.cos(a)])
    left = np.array([math.cos(a), 0.0, -math.sin(a)])
    up = np.array([0.0, -1.0, 0.0])
    tilt = np.array([[1, 0, 0], [0, math.cos(e), -math.sin(e)], [0, math.sin(e), math.cos(e)]])
    rotation: np.ndarray = tilt @ np.stack([left, up, forward], axis=1)
    return rotation
