"""From samples to pixels: shading, the background, and means over each pixel's samples."""

from typing import Any, no_type_check

import numpy as np

from datasets.synthetic.faces.features import smooth
from datasets.synthetic.faces.lighting import shade
from datasets.synthetic.faces.parts import PARTS
from datasets.synthetic.faces.surface import focal_length
from methods.numba_threads import compiled


@compiled
@no_type_check
def resolve(
    factor: int,
    parameters: np.ndarray,
    kind: np.ndarray,
    sample_depth: np.ndarray,
    sample_normal: np.ndarray,
    sample_albedo: np.ndarray,
    sample_part: np.ndarray,
    lit: np.ndarray,
    image: np.ndarray,
    coverage: np.ndarray,
    depth: np.ndarray,
    normal: np.ndarray,
    albedo: np.ndarray,
    part: np.ndarray,
) -> None:
    """Pixels (n, s, s) as means of `factor` x `factor` samples each.

    `image` is the surface, shaded as of `lighting` and `lit`, over the background, rounded to uint8. Depth, normal and
    albedo are means over the samples that show a surface (the normal made unit again); `part` is the commonest label,
    the first of equals.
    """
    size, fine = image.shape[1], kind.shape[1]
    votes = np.zeros(len(PARTS), dtype=np.int64)
    for i in range(len(parameters)):
        p = parameters[i]
        focal = focal_length(size, p)
        for row in range(size):
            for column in range(size):
                votes[:] = 0
                covered, far = 0, 0.0
                red, green, blue = 0.0, 0.0, 0.0
                sx, sy, sz, sr, sg, sb = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                for a in range(factor * row, factor * row + factor):
                    for b in range(factor * column, factor * column + factor):
                        votes[sample_part[i, a, b]] += 1
                        if kind[i, a, b] < 0:
                            continue
                        covered += 1
                        far += sample_depth[i, a, b]
                        nx, ny, nz = sample_normal[i, a, b, 0], sample_normal[i, a, b, 1], sample_normal[i, a, b, 2]
                        r, g, t = sample_albedo[i, a, b, 0], sample_albedo[i, a, b, 1], sample_albedo[i, a, b, 2]
                        x, y = (2.0 * b + 1.0) / fine - 1.0, (2.0 * a + 1.0) / fine - 1.0
                        shading, gleam = shade(
                            p, kind[i, a, b], sample_part[i, a, b], lit[i, a, b], nx, ny, nz, x / focal, y / focal
                        )
                        red += min(r * shading + gleam, 1.0)
                        green += min(g * shading + gleam, 1.0)
                        blue += min(t * shading + gleam, 1.0)
                        sx, sy, sz = sx + nx, sy + ny, sz + nz
                        sr, sg, sb = sr + r, sg + g, sb + t
                coverage[i, row, column] = covered / (factor * factor)
                depth[i, row, column] = far / covered if covered > 0 else p.empty_depth
                length, count = np.sqrt(sx * sx + sy * sy + sz * sz) + 1e-12, max(covered, 1)
                normal[i, row, column, 0] = sx / length
                normal[i, row, column, 1] = sy / length
                normal[i, row, column, 2] = sz / length
                albedo[i, row, column, 0] = sr / count
                albedo[i, row, column, 1] = sg / count
                albedo[i, row, column, 2] = sb / count
                if covered < factor * factor:
                    x, y = (2.0 * column + 1.0) / size - 1.0, (2.0 * row + 1.0) / size - 1.0
                    back = _background(p, x, y)
                    rest = factor * factor - covered
                    red += rest * back[0]
                    green += rest * back[1]
                    blue += rest * back[2]
                scale = 255.0 / (factor * factor)
                image[i, row, column, 0] = int(red * scale + 0.5)
                image[i, row, column, 1] = int(green * scale + 0.5)
                image[i, row, column, 2] = int(blue * scale + 0.5)
                commonest = 0
                for k in range(1, len(votes)):
                    if votes[k] > votes[commonest]:
                        commonest = k
                part[i, row, column] = commonest


@compiled
@no_type_check
def _background(p: Any, x: float, y: float) -> tuple[float, float, float]:
    """A gradient with soft-edged boxes and spots in it, as a room out of focus has."""
    t = min(max(0.5 + 0.5 * y + p.slant * x, 0.0), 1.0)
    red = p.top[0] + (p.bottom[0] - p.top[0]) * t
    green = p.top[1] + (p.bottom[1] - p.top[1]) * t
    blue = p.top[2] + (p.bottom[2] - p.top[2]) * t
    for k in range(len(p.blobs)):
        blob = p.blobs[k]
        dx, dy = abs(x - blob[0]) / blob[2], abs(y - blob[1]) / blob[3]
        # Even ones are boxes, odd ones spots.
        r = max(dx, dy) if k % 2 == 0 else np.sqrt(dx * dx + dy * dy)
        cover = blob[5] * smooth(1.0 + blob[4], 1.0 - blob[4], r)
        red += (blob[6] - red) * cover
        green += (blob[7] - green) * cover
        blue += (blob[8] - blue) * cover
    return red, green, blue
