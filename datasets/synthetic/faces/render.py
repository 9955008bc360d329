"""Draws faces, with exact ground truth.

Per face: the mesh is bent into shape, the project's rasteriser finds what each sample shows and `lighting` whether the
light reaches it, layers of paint give albedo and part labels by place on the head, and samples are shaded and averaged
to pixels.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from datasets.synthetic.faces.keypoints import KEYPOINTS, keypoints
from datasets.synthetic.faces.lighting import cast
from datasets.synthetic.faces.mesh import KINDS, TRIANGLES, VERTICES, blocks, grid_normals
from datasets.synthetic.faces.paint_eyes import eyes
from datasets.synthetic.faces.paint_mouth import mouth
from datasets.synthetic.faces.paint_skin import skin
from datasets.synthetic.faces.paint_worn import glasses, worn
from datasets.synthetic.faces.parameters import Face, light_vectors, packed, view_vectors
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.faces.resolve import resolve
from datasets.synthetic.faces.shape_hair import shape_hair
from datasets.synthetic.faces.shape_head import shape_ears, shape_neck, shape_skin
from datasets.synthetic.faces.shape_worn import shape_cloth, shape_earrings, shape_hat
from datasets.synthetic.faces.surface import samples, to_screen
from methods.rendering.rasterize import fragments

# Faces drawn at once, at 64 pixels and two samples across; fewer where they are larger, so that memory stays the same.
CHUNK = 32


def render(faces: Sequence[Face], size: int = 64, samples_across: int = 2) -> Rendered:
    """Draw `faces` as `size` x `size` images from `samples_across`^2 samples per pixel, with ground truth.

    Each face's numbers are the same bits whatever else is drawn with it and on however many threads.
    """
    if size < 8 or samples_across < 1:
        raise ValueError(f"a face needs size >= 8 and samples_across >= 1, not {size} and {samples_across}")
    out = Rendered(
        image=np.empty((len(faces), size, size, 3), np.uint8),
        coverage=np.empty((len(faces), size, size), np.float32),
        depth=np.empty((len(faces), size, size), np.float32),
        normal=np.empty((len(faces), size, size, 3), np.float32),
        albedo=np.empty((len(faces), size, size, 3), np.float32),
        part=np.empty((len(faces), size, size), np.uint8),
        keypoints=np.empty((len(faces), len(KEYPOINTS), 3), np.float32),
        view=view_vectors(faces),
        light=light_vectors(faces),
    )
    step = max(1, CHUNK * 128**2 // (size * samples_across) ** 2)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for start in range(0, len(faces), step):
            part = slice(start, min(start + step, len(faces)))
            maps = (out.image, out.coverage, out.depth, out.normal, out.albedo, out.part)
            own = [values[part] for values in maps]
            _draw(packed(faces[part]), size, samples_across, own, out.keypoints[part], pool)
    return out


def _draw(
    parameters: np.ndarray,
    size: int,
    factor: int,
    maps: list[np.ndarray],
    points_seen: np.ndarray,
    pool: ThreadPoolExecutor,
) -> None:
    """Fill `maps`, which are image, coverage, depth, normal, albedo and part, and `points_seen`, the keypoints."""
    count, fine = len(parameters), size * factor
    points, normals = (np.empty((count, VERTICES, 3)) for _ in range(2))
    screen = np.empty((count, VERTICES, 3), np.float32)

    def each(kernel: Callable[..., Any], shared: Sequence[Any], *batched: np.ndarray) -> None:
        """Run a kernel on a contiguous share of the faces per thread."""
        threads = min(torch.get_num_threads(), count)
        bounds = [count * k // threads for k in range(threads + 1)]
        shares = [[array[a:b] for array in batched] for a, b in pairwise(bounds)]
        for future in [pool.submit(kernel, *shared, *share) for share in shares]:
            future.result()

    skin_grid, hair, hat, brim, neck, cloth, *ears = blocks(points)
    each(shape_skin, [], parameters, skin_grid)
    each(shape_hair, [], parameters, hair)
    each(shape_hat, [], parameters, hat, brim)
    each(shape_neck, [], parameters, neck)
    each(shape_cloth, [], parameters, cloth)
    each(shape_ears, [], parameters, *ears[:2])
    each(shape_earrings, [], parameters, *ears[2:])
    for grid, grid_normal in zip(blocks(points), blocks(normals), strict=True):
        each(grid_normals, [], grid, grid_normal)
    each(to_screen, [size], parameters, points, normals, screen)
    seen = fragments(torch.from_numpy(screen), torch.from_numpy(TRIANGLES), fine)
    kind = np.empty((count, fine, fine), np.int8)
    place, normal = (np.empty((count, fine, fine, 3), np.float32) for _ in range(2))
    depth = seen.depth.numpy()
    fixed = [size, TRIANGLES, KINDS]
    buffers = [seen.face.numpy(), seen.weights.numpy(), depth, kind, place, normal]
    each(samples, fixed, parameters, screen, normals, *buffers)
    each(keypoints, [size], parameters, kind, place, points_seen)
    lit = np.ones((count, fine, fine), np.float32)
    each(cast, [size], parameters, kind, depth, normal, lit)
    albedo = np.zeros((count, fine, fine, 3), np.float32)
    part = np.zeros((count, fine, fine), np.uint8)
    for layer in (skin, eyes, mouth, worn):
        each(layer, [], parameters, kind, place, albedo, part)
    each(glasses, [], parameters, kind, place, depth, normal, albedo, part)
    each(resolve, [factor], parameters, kind, depth, normal, albedo, part, lit, *maps)
