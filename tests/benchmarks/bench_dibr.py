"""DIB-R's compiled kernels against the same in vectorised torch, forward and backward, on one thread each.

    pytest -s tests/benchmarks/bench_dibr.py

Textured, deformed spheres of 642 vertices at 64 px: what is visible, texture coordinates, colours and soft silhouettes,
and gradients to vertices and textures. The contender is the backend that a GPU gets, in single and in double
precision; each takes its turns with ours, so that what else the machine does meets both, and the least time counts.
"""

from collections.abc import Callable
from time import perf_counter

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from datasets.streams import generator
from methods.ganverse3d.template import icosphere, spherical_uvs
from methods.rendering import dibr_numba, dibr_torch
from methods.rendering.dibr_camera import facing, orbit, project, to_camera
from methods.rendering.dibr_texture import lookup

MESHES, SIZE, FOV = 32, 64, 30.0
INVERSE_SIGMA, BOX = 3333.0, 0.1
ROUNDS = 30
REACH = 10
# Meshes that plain torch takes at once: its quickest of 1, 4, 8 and 32.
AT_ONCE = 4
# Of the gradient's norm; triangles seen edge-on differ most.
GRADIENT_TOLERANCE = 2e-3


@pytest.fixture(autouse=True)
def _on_one_thread(as_users_run_it: None) -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def scene() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Vertices in camera space, faces, texture coordinates and textures."""
    vertices, faces = icosphere()
    rng = generator(0, "benchmark", "dibr")
    numbers = [
        torch.from_numpy(rng.random(shape, "float32")) for shape in ((MESHES, 1, 3), (MESHES, 3), (MESHES, 3, 32, 64))
    ]
    stretched = 0.5 * vertices * (0.6 + 0.4 * numbers[0]) * (1 + 0.1 * torch.sin(6 * vertices[:, :1]))
    azimuth, elevation, distance = numbers[1].unbind(-1)
    camera = to_camera(stretched, *orbit(360 * azimuth, 30 * elevation, 2.4 + 0.4 * distance))
    return camera, faces.int(), spherical_uvs(vertices, faces), numbers[2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_against_vectorised_torch(benchmark: BenchmarkFixture, dtype: torch.dtype) -> None:
    vertices, faces, uvs, textures = scene()
    vertices.requires_grad_()
    textures.requires_grad_()

    def step(kernels: object, precision: torch.dtype, at_once: int) -> list[Tensor]:
        total = []
        for camera, texture in zip(vertices.split(at_once), textures.split(at_once), strict=True):
            points = project(camera.to(precision), FOV)
            depth = camera[..., 2].detach().to(precision)
            face = kernels.rasterize(points.detach(), depth, faces, facing(camera, faces), SIZE, SIZE)
            uv = kernels.interpolate(points, faces, face, uvs[None])
            image = lookup(texture, uv) * (face >= 0)[..., None]
            soft = kernels.soft_mask(points, faces, face, INVERSE_SIGMA, BOX, None)
            total.append(image.square().sum() + soft.square().sum())
        loss = torch.stack(total).sum()
        return [loss.detach(), *torch.autograd.grad(loss, (vertices, textures))]

    def ours() -> list[Tensor]:
        return step(dibr_numba, torch.float64, MESHES)

    def theirs() -> list[Tensor]:
        return step(dibr_torch, dtype, AT_ONCE)

    for found, expected in zip(ours(), theirs(), strict=True):
        assert (found - expected).norm() < GRADIENT_TOLERANCE * expected.norm()
    ratio = in_turns(benchmark, ours, theirs)
    benchmark.extra_info.update(reach=REACH)
    assert ratio > REACH, f"only {ratio:.1f} times as fast as vectorised torch"


def in_turns(benchmark: BenchmarkFixture, ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """How many times as fast ours is; both times are in the report."""
    times = []

    def timed() -> None:
        start = perf_counter()
        theirs()
        times.append(perf_counter() - start)
        ours()  # theirs left the caches as they suit it

    benchmark.pedantic(ours, setup=timed, rounds=ROUNDS, warmup_rounds=2)
    ratio = min(times) / benchmark.stats["min"]
    benchmark.extra_info.update(reference_seconds=min(times), times_faster=ratio)
    print(f"\n{benchmark.stats['min'] * 1e3:.1f} ms against {min(times) * 1e3:.1f} ms: {ratio:.1f} times as fast")
    return ratio
