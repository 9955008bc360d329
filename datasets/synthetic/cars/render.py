"""Draws cars: meshes posed in front of the camera, rasterised, shaded flat, averaged to pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from datasets.synthetic.cars.models import Car, build
from methods.rendering.camera import intrinsics, to_screen
from methods.rendering.rasterize import fragments

FOV = 10.0
# The share of the image's width (or height) that a car covers, and how much larger than side on it may be drawn.
COVERED = 0.84
LARGER = 1.6
# Samples across a pixel.
FINE = 2


@dataclass(frozen=True)
class Shot:
    """A car as it is seen.

    Attributes
    ----------
    azimuth, elevation: of the camera in degrees; 0 is level with the car before its front, positive its left and above.
    light_azimuth, light_elevation: where the light comes from, in degrees as the camera sees it; 0 is the camera,
        positive the image's right and above.
    ambient, diffuse: strengths of the light; a surface shows its albedo times ambient + diffuse * cosine, cut at 1.
    ground: grey of the background in [0, 1].
    """

    car: Car
    azimuth: float
    elevation: float
    light_azimuth: float
    light_elevation: float
    ambient: float
    diffuse: float
    ground: float


def render(shots: Sequence[Shot], size: int) -> UInt8[np.ndarray, "n s s 3"]:
    """Draw each shot as a `size` x `size` image; a shot's bits do not depend on the others."""
    meshes = [build(shot.car).arrays() for shot in shots]
    count = max(len(corners) for corners, _ in meshes)
    points = np.zeros((len(shots), count, 3, 3), np.float32)
    points[..., 2] = 1000.0  # beyond the far plane: not drawn
    colours = np.zeros((len(shots), count, 3), np.float32)
    for index, (shot, (corners, albedo)) in enumerate(zip(shots, meshes, strict=True)):
        placed, shading = _placed(shot, corners)
        points[index, : len(corners)] = placed
        colours[index, : len(corners)] = np.minimum(albedo * shading[:, None], 1.0)
    screen = to_screen(torch.from_numpy(points.reshape(len(shots), -1, 3)), intrinsics(size, FOV), size)
    faces = torch.arange(3 * count, dtype=torch.int32).view(-1, 3)
    seen = fragments(screen, faces, size * FINE).face.numpy()
    ground = np.array([shot.ground for shot in shots], np.float32)
    shown = np.take_along_axis(colours, np.maximum(seen, 0).reshape(len(shots), -1)[..., None], axis=1).reshape(
        *seen.shape, 3
    )
    shown = np.where(seen[..., None] >= 0, shown, ground[:, None, None, None])
    pixels = shown.reshape(len(shots), size, FINE, size, FINE, 3).mean(axis=(2, 4))
    image: np.ndarray = np.rint(pixels * 255).astype(np.uint8)
    return image


def _placed(
    shot: Shot, corners: Float[np.ndarray, "t 3 3"]
) -> tuple[Float32[np.ndarray, "t 3 3"], Float[np.ndarray, " t"]]:
    """Triangles in camera space (x right, y down, z away), and how bright each is."""
    low, high = corners.reshape(-1, 3).min(axis=0), corners.reshape(-1, 3).max(axis=0)
    turned = (corners - (low + high) / 2) @ _camera(shot.azimuth, shot.elevation).T
    extent = (turned.reshape(-1, 3).max(axis=0) - turned.reshape(-1, 3).min(axis=0))[:2].max()
    turned *= COVERED * 2 * math.tan(math.radians(FOV / 2)) / max(extent, (high[2] - low[2]) / LARGER)
    normals = np.cross(turned[:, 1] - turned[:, 0], turned[:, 2] - turned[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    towards = np.where(normals[:, 2:] > 0, -normals, normals)  # both sides of a triangle show
    a, e = math.radians(shot.light_azimuth), math.radians(shot.light_elevation)
    light = np.array([math.sin(a) * math.cos(e), -math.sin(e), -math.cos(a) * math.cos(e)])
    shading = shot.ambient + shot.diffuse * np.maximum(towards @ light, 0.0)
    return (turned + np.array([0.0, 0.0, 1.0])).astype(np.float32), shading


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
