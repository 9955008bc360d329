"""How samples are lit: Lambert and one light as PDR has it, and what it does not model: a second light, highlights and
cast shadows.

Directions are in the project's convention for normals, in which (0, 0, 1) faces the camera: a light's is that in which
it travels.
"""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces import mesh, parts
from datasets.synthetic.faces.features import smooth
from datasets.synthetic.faces.surface import focal_length
from methods.numba_threads import compiled

# Lengths in head units. How far what casts a shadow may be, steps on the way there, and the way left out so that a
# surface does not shade itself.
REACH, STEP, LIFT = 1.0, 0.042, 0.03
# How thick is what casts it: the depth map shows its front alone.
THICK = 0.7
# How far a ray passes behind a surface where its shadow begins, and from there to where it is full: wider further off,
# as the shadow of a lamp that is no point.
BIAS, SOFT, SPREAD = 0.012, 0.03, 0.1
# Highlights of eyes and glasses, of lips and of hair, as multiples of the skin's; exponents of the first and the last.
GLASS, GLASS_GLOSS, LIPS, HAIR, HAIR_GLOSS = 2.0, 60.0, 1.6, 0.5, 10.0


@compiled
@no_type_check
def cast(
    size: int, parameters: np.ndarray, kind: np.ndarray, depth: np.ndarray, normal: np.ndarray, lit: np.ndarray
) -> None:
    """Share of the first light that reaches each sample: into `lit` (n, s, s), ones, where something is in its way.

    Found by following the depth map (n, s, s) from each sample towards the light (shadows in screen space): what the
    camera does not see casts none. `size` is the final image's side.
    """
    fine = kind.shape[1]
    for i in range(len(parameters)):
        p = parameters[i]
        if p.shadow <= 0.0:
            continue
        focal = focal_length(size, p)
        dx, dy, dz = p.direction[0], p.direction[1], p.direction[2]
        for row in range(fine):
            for column in range(fine):
                nx, ny, nz = normal[i, row, column, 0], normal[i, row, column, 1], normal[i, row, column, 2]
                # What is turned away has no light to lose.
                if kind[i, row, column] < 0 or nx * dx + ny * dy + nz * dz <= 0.0:
                    continue
                far = depth[i, row, column]
                x = (2.0 * column + 1.0 - fine) / fine / focal * far - LIFT * p.unit * nx
                y = (2.0 * row + 1.0 - fine) / fine / focal * far - LIFT * p.unit * ny
                z = far - LIFT * p.unit * nz
                hidden, way = 0.0, LIFT
                while way < REACH and hidden < 1.0:
                    qz = z - way * p.unit * dz
                    across = focal * (x - way * p.unit * dx) / qz
                    down = focal * (y - way * p.unit * dy) / qz
                    if abs(across) >= 1.0 or abs(down) >= 1.0:
                        break
                    a, b = int(0.5 * (down + 1.0) * fine), int(0.5 * (across + 1.0) * fine)
                    if kind[i, a, b] >= 0:
                        behind = (qz - depth[i, a, b]) / p.unit
                        if BIAS < behind < THICK:
                            hidden = max(hidden, smooth(BIAS, BIAS + SOFT + SPREAD * way, behind))
                    way += STEP
                lit[i, row, column] = 1.0 - p.shadow * hidden


@compiled
@no_type_check
def shade(
    p: Any, kind: int, part: int, lit: float, nx: float, ny: float, nz: float, x: float, y: float
) -> tuple[float, float]:
    """What a sample's albedo is multiplied by, and the highlight that is added to it.

    (nx, ny, nz) is its normal, (x, y, 1) the way from the camera to it, `lit` of `cast`. Highlights are Blinn and
    Phong's: shine (normal . half)^gloss of each light, `half` being halfway between its direction and the camera's.
    """
    # Glasses stand before what the shadow falls on.
    reached = 1.0 if kind == mesh.PLATE else lit
    first = p.diffuse * reached
    first_angle = nx * p.direction[0] + ny * p.direction[1] + nz * p.direction[2]
    shading = p.ambient + first * max(first_angle, 0.0)
    if p.second > 0.0:
        second = p.second_direction
        shading += p.second * max(nx * second[0] + ny * second[1] + nz * second[2], 0.0)
    if p.shine <= 0.0 or kind == mesh.CLOTH or kind == mesh.HAT:
        return shading, 0.0
    strength, gloss = p.shine, p.gloss
    if kind == mesh.HAIR:
        strength, gloss = HAIR * strength, HAIR_GLOSS
    elif kind == mesh.PLATE or part == parts.LEFT_EYE or part == parts.RIGHT_EYE:
        strength, gloss = GLASS * strength, GLASS_GLOSS
    elif part == parts.UPPER_LIP or part == parts.LOWER_LIP:
        strength *= LIPS
    length = np.sqrt(x * x + y * y + 1.0)
    gleam = first * _highlight(p.direction, gloss, nx, ny, nz, x / length, y / length, 1.0 / length)
    if p.second > 0.0:
        gleam += p.second * _highlight(p.second_direction, gloss, nx, ny, nz, x / length, y / length, 1.0 / length)
    return shading, strength * gleam


@compiled
@no_type_check
def _highlight(
    light: np.ndarray, gloss: float, nx: float, ny: float, nz: float, vx: float, vy: float, vz: float
) -> float:
    """(normal . half)^gloss, nothing where the light comes from behind the surface."""
    if nx * light[0] + ny * light[1] + nz * light[2] <= 0.0:
        return 0.0
    hx, hy, hz = light[0] + vx, light[1] + vy, light[2] + vz
    along = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-12)
    return along**gloss if along > 0.0 else 0.0
