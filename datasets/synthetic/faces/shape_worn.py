"""Shapes of what is worn: hat, clothes, earrings."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.relief import around, skull_section
from datasets.synthetic.faces.shape_head import ear_place
from methods.numba_threads import compiled

# How far a hat reaches before the head's axis.
FRONT_REACH = 1.2


@compiled
@no_type_check
def shape_hat(parameters: np.ndarray, crown: np.ndarray, brim: np.ndarray) -> None:
    """A hat's crown, and the brim or visor that goes on from its lowest row."""
    for i in range(len(parameters)):
        _hat(parameters[i], crown[i], brim[i])


@compiled
@no_type_check
def _hat(p: Any, out: np.ndarray, brim: np.ndarray) -> None:
    if p.hat < 0.5:
        out[:] = 0.0
        brim[:] = 0.0
        return
    rows, columns = out.shape[0], out.shape[1]
    wide = 1.1
    for r in range(rows):
        t = 0.5 * np.pi * (r + 0.1) / (rows - 0.9)
        low = skull_section(p, p.hat_line)
        for c in range(columns):
            x, z = around(low, np.pi * (2.0 * c / (columns - 1) - 1.0) + np.pi)
            reach = wide * np.sin(t) ** 0.6
            out[r, c, 0], out[r, c, 2] = x * reach, z * reach
            out[r, c, 1] = p.hat_line + (1.68 * p.head_height - p.hat_line) * np.cos(t)
    for r in range(brim.shape[0]):
        out_by = r / (brim.shape[0] - 1.0)
        for c in range(columns):
            x, y, z = out[rows - 1, c, 0], out[rows - 1, c, 1], out[rows - 1, c, 2]
            ahead = max(z, 0.0) / FRONT_REACH
            reach = out_by * (0.4 * p.hat_brim + 0.55 * p.hat_visor * ahead**1.5)
            brim[r, c, 0] = x * (1.0 + reach * (1.0 - 0.7 * p.hat_visor))
            brim[r, c, 1] = y - 0.25 * reach
            brim[r, c, 2] = z * (1.0 + reach)


@compiled
@no_type_check
def shape_cloth(parameters: np.ndarray, grid: np.ndarray) -> None:
    """Shoulders below the neck."""
    for i in range(len(parameters)):
        _cloth(grid[i])


@compiled
@no_type_check
def _cloth(out: np.ndarray) -> None:
    rows, columns = out.shape[0], out.shape[1]
    for r in range(rows):
        t = r / (rows - 1.0)
        for c in range(columns):
            angle = np.pi * (2.0 * c / (columns - 1) - 1.0)
            radius = 0.66 + 1.5 * t
            out[r, c, 0] = radius * np.sin(angle)
            out[r, c, 1] = -1.42 - 0.16 * np.cos(angle) - 1.1 * t**1.6
            out[r, c, 2] = -0.1 + (0.64 + 0.5 * t) * np.cos(angle)


@compiled
@no_type_check
def shape_earrings(parameters: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """A drop below each ear."""
    for i in range(len(parameters)):
        _earring(parameters[i], -1.0, left[i])
        _earring(parameters[i], 1.0, right[i])


@compiled
@no_type_check
def _earring(p: Any, sign: float, out: np.ndarray) -> None:
    x, y = ear_place(p, sign)
    x, y = x + 0.03 * sign, y - 0.3 * p.ear_size
    rows, columns = out.shape[0], out.shape[1]
    for r in range(rows):
        polar = 0.05 + (np.pi - 0.1) * r / (rows - 1)
        for c in range(columns):
            angle = 2.0 * np.pi * c / (columns - 1)
            out[r, c, 0] = x + p.earrings * np.sin(polar) * np.cos(angle)
            out[r, c, 1] = y - p.earrings + p.earrings * 1.2 * np.cos(polar)
            out[r, c, 2] = -0.12 - p.earrings * np.sin(polar) * np.sin(angle)
