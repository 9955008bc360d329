"""Solids that cars are built of, as triangles with one colour each.

Car space: x to the car's left, y up from the road, z forward; lengths in metres.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from datasets.synthetic.cars.parts import BODY, HUB, KEYPOINTS, TIRE

Colour = tuple[float, float, float]
Point = tuple[float, float, float]
# Corners of a wheel's rim.
SIDES = 14


@dataclass(frozen=True)
class Slab:
    """A horizontal rectangle: from `back` to `front` along z, `width` across x, at height `y`."""

    y: float
    back: float
    front: float
    width: float

    def corners(self) -> np.ndarray:
        """The four corners (4, 3), back left first, around to front left."""
        half = self.width / 2
        return np.array(
            [
                (-half, self.y, self.back),
                (half, self.y, self.back),
                (half, self.y, self.front),
                (-half, self.y, self.front),
            ]
        )


# Quads of a solid between two slabs (0-3 the lower, 4-7 the upper corners) by the side they are.
QUADS = {
    "bottom": (0, 1, 2, 3),
    "top": (4, 5, 6, 7),
    "back": (0, 1, 5, 4),
    "front": (3, 2, 6, 7),
    "right": (0, 3, 7, 4),
    "left": (1, 2, 6, 5),
}
OUTWARD = {"left": (1, 0, 0), "right": (-1, 0, 0), "front": (0, 0, 1), "back": (0, 0, -1)}
# How far a patch stands out from the surface that it is on, in metres.
PROUD = 0.012


class Mesh:
    """Triangles under construction.

    Attributes
    ----------
    part: what of the car the triangles that follow are, an index into `datasets.synthetic.cars.parts.PARTS`.
    """

    def __init__(self) -> None:
        self.part = BODY
        self._triangles: list[np.ndarray] = []
        self._colours: list[Colour] = []
        self._parts: list[int] = []
        self._keypoints: dict[str, Point] = {}

    def quad(self, corners: Float[np.ndarray, "4 3"], colour: Colour, part: int | None = None) -> None:
        """Two triangles."""
        self._triangles += [corners[[0, 1, 2]], corners[[0, 2, 3]]]
        self._colours += [colour, colour]
        self._parts += [self.part if part is None else part] * 2

    def between(
        self, lower: Slab, upper: Slab, colour: Colour, parts: Mapping[str, int] | None = None, **sides: Colour
    ) -> None:
        """The solid between two slabs; `sides` names sides of another colour, `parts` those that are another part."""
        corners = np.concatenate([lower.corners(), upper.corners()])
        for side, chosen in QUADS.items():
            self.quad(corners[list(chosen)], sides.get(side, colour), (parts or {}).get(side))

    def box(self, low: Point, high: Point, colour: Colour) -> None:
        """The box between two opposite corners (x, y, z)."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        lower, upper = Slab(y0, z0, z1, x1 - x0), Slab(y1, z0, z1, x1 - x0)
        shift = np.array([(x0 + x1) / 2, 0.0, 0.0])
        corners = np.concatenate([lower.corners(), upper.corners()]) + shift
        for chosen in QUADS.values():
            self.quad(corners[list(chosen)], colour)

    def patch(
        self, lower: Slab, upper: Slab, side: str, share: tuple[float, float, float, float], colour: Colour
    ) -> None:
        """A patch on a side of the solid between two slabs, standing out a little (`PROUD`).

        `share`: across from, across to, up from, up to, each in [0, 1]; across runs from back to front on the sides of
        a car, from right to left on its front and back.
        """
        corners = np.concatenate([lower.corners(), upper.corners()])[list(QUADS[side])]
        a0, a1, u0, u1 = share
        across, up = np.array([[a0], [a1], [a1], [a0]]), np.array([[u0], [u0], [u1], [u1]])
        low = corners[0] + across * (corners[1] - corners[0])
        high = corners[3] + across * (corners[2] - corners[3])
        self.quad(low + up * (high - low) + PROUD * np.array(OUTWARD[side]), colour)

    def wheel(self, x: float, y: float, z: float, radius: float, width: float, hub: Colour) -> None:
        """A wheel that turns about the x axis, its outer face at `x` towards the outside."""
        angles = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)
        circle = np.stack([np.zeros(SIDES), np.sin(angles), np.cos(angles)], axis=1)
        centre, depth = np.array([x, y, z]), np.array([-np.sign(x) * width, 0.0, 0.0])
        rim, inner = centre + radius * circle, centre + depth + radius * circle
        plate = centre + np.array([np.sign(x) * 0.01, 0.0, 0.0]) + 0.58 * radius * circle
        for k in range(SIDES):
            n = (k + 1) % SIDES
            self.quad(np.array([rim[k], rim[n], inner[n], inner[k]]), (0.05, 0.05, 0.05), TIRE)
            self._triangles += [np.array([centre, rim[k], rim[n]]), np.array([plate[k], plate[n], plate.mean(axis=0)])]
            self._colours += [(0.07, 0.07, 0.07), hub]
            self._parts += [TIRE, HUB]

    def mark(self, left: int, name: str, x: float, y: float, z: float) -> None:
        """Note where a keypoint of the left (1) or the right side (-1) is; `x` is that of the left."""
        self._keypoints[f"{'left' if left > 0 else 'right'}_{name}"] = (left * x, y, z)

    def keypoints(self) -> Float[np.ndarray, "k 3"]:
        """The places of `KEYPOINTS`."""
        return np.array([self._keypoints[name] for name in KEYPOINTS])

    def arrays(self) -> tuple[Float[np.ndarray, "t 3 3"], Float[np.ndarray, "t 3"]]:
        """Corners of all triangles, and their albedos in [0, 1]."""
        return np.array(self._triangles), np.array(self._colours)

    def parts(self) -> UInt8[np.ndarray, " t"]:
        """Which part of the car each triangle is."""
        return np.array(self._parts, dtype=np.uint8)
