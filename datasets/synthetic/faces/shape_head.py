"""Shapes of the parts of the head that are skin: vertices in head space, grid by grid."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.features import smooth
from datasets.synthetic.faces.relief import around, relief, skull_height, skull_section
from methods.numba_threads import compiled


@compiled
@no_type_check
def shape_skin(parameters: np.ndarray, grid: np.ndarray) -> None:
    """Skull and face; `grid` (n, rows, columns, 3), columns from the back over the image's left to the front."""
    for i in range(len(parameters)):
        _skin(parameters[i], grid[i])


@compiled
@no_type_check
def _skin(p: Any, out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    crown = rows // 7  # rows above the forehead, where nothing happens
    facings, across, ahead = np.empty(columns), np.empty(columns), np.empty(columns)
    for c in range(columns):
        u = 2.0 * c / (columns - 1) - 1.0
        angle = np.pi * (0.34 * u + 0.66 * u * u * u)  # dense in front
        facings[c] = np.cos(angle)
        across[c], ahead[c] = around((1.0, 1.0, 1.0), angle)
    for r in range(rows):
        below = max(r - crown, 0) / (rows - 1.0 - crown)
        polar = 0.02 + min(r / crown, 1.0) + (np.pi - 1.06) * below
        y = skull_height(p, polar)
        section = skull_section(p, y)
        for c in range(columns):
            x, z = section[0] * across[c], ahead[c] * (section[1] if ahead[c] > 0.0 else section[2])
            if facings[c] > 0.05 and polar > 0.6:
                z += relief(p, x, y) * smooth(0.05, 0.5, facings[c])
            # The jaw rises from the chin towards the ears.
            rise = 0.38 * smooth(0.85, -0.1, z) * smooth(-0.35, -1.25, y)
            out[r, c, 0], out[r, c, 1], out[r, c, 2] = x, y + rise, z


@compiled
@no_type_check
def ear_place(p: Any, sign: float) -> tuple[float, float]:
    """(x, y) at which an ear is fixed; `sign` is 1 on the image's right and -1 on its left."""
    y = p.eye_y - 0.1
    return sign * (skull_section(p, y)[0] * 0.99 + 0.02), y


@compiled
@no_type_check
def shape_ears(parameters: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Both ears, flat ellipsoids that stand out from the head; `left` is on the image's left."""
    for i in range(len(parameters)):
        _ear(parameters[i], -1.0, left[i])
        _ear(parameters[i], 1.0, right[i])


@compiled
@no_type_check
def _ear(p: Any, sign: float, out: np.ndarray) -> None:
    x, y = ear_place(p, sign)
    rows, columns = out.shape[0], out.shape[1]
    cosine, sine = np.cos(p.ear_out), np.sin(p.ear_out)
    for r in range(rows):
        polar = 0.05 + (np.pi - 0.1) * r / (rows - 1)
        for c in range(columns):
            angle = 2.0 * np.pi * c / (columns - 1)
            thick = 0.06 * np.sin(polar) * np.cos(angle)
            deep = -sign * 0.17 * p.ear_size * np.sin(polar) * np.sin(angle) * (1.0 + 0.3 * np.cos(polar))
            # Hinged at its front edge, so that the back stands out from the head.
            hinge = deep - 0.15 * p.ear_size
            out[r, c, 0] = x + sign * (thick * cosine - hinge * sine)
            out[r, c, 1] = y + 0.29 * p.ear_size * np.cos(polar)
            out[r, c, 2] = -0.02 + hinge * cosine + thick * sine


@compiled
@no_type_check
def shape_neck(parameters: np.ndarray, grid: np.ndarray) -> None:
    """The neck, the same for everybody."""
    for i in range(len(parameters)):
        _neck(grid[i])


@compiled
@no_type_check
def _neck(out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    for r in range(rows):
        y = -0.6 - 1.7 * r / (rows - 1)
        radius = 0.6 + 0.12 * smooth(-1.3, -2.2, y)
        for c in range(columns):
            angle = np.pi * (2.0 * c / (columns - 1) - 1.0)
            out[r, c, 0], out[r, c, 1] = radius * np.sin(angle), y
            out[r, c, 2] = -0.1 + radius * 0.9 * np.cos(angle)
