"""What a drawn face comes with; apart from the drawing, whose kernels take a second and 50 MB to load."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8


@dataclass(frozen=True)
class Rendered:
    """Images and their ground truth; row 0 is the image's top.

    View and normals are Unsup3D's: x right, y down, z away from the camera. So is the camera, with its field of view of
    10 degrees, but for faces drawn with another (`parameters.Camera`).

    image: RGB.
    coverage: share of the pixel's samples that show the head (or hair, neck, clothes), in [0, 1].
    depth: camera units, about 0.9 to 1.1 (0.7 to 1.3 with `beyond.NEAR`); the camera's `empty_depth` where
        coverage is 0.
    normal: unit, (0, 0, 1) facing the camera; 0 where coverage is 0.
    albedo: in [0, 1]; 0 where coverage is 0.
    part: index into `parts.PARTS`.
    keypoints: of each of `keypoints.KEYPOINTS` x and y in pixels, whose centres lie at whole numbers, and 1; 0, 0, 0 of
        what is hidden.
    view: rx, ry, rz (radians), tx, ty, tz (camera units).
    light: ambient, diffuse, unit direction. Where coverage is 1, image = albedo (ambient + diffuse max(0, normal .
        direction)), cut at 1: exact for each sample, so for pixels up to the averaging of their samples. In the world
        of `beyond` a second light, shadows and highlights come on top; depth, normal and albedo are as exact there.
    """

    image: UInt8[np.ndarray, "n s s 3"]
    coverage: Float32[np.ndarray, "n s s"]
    depth: Float32[np.ndarray, "n s s"]
    normal: Float32[np.ndarray, "n s s 3"]
    albedo: Float32[np.ndarray, "n s s 3"]
    part: UInt8[np.ndarray, "n s s"]
    keypoints: Float32[np.ndarray, "n k 3"]
    view: Float32[np.ndarray, "n 6"]
    light: Float32[np.ndarray, "n 5"]
