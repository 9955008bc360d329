"""Depth rendering against what a user would take instead: Embree's ray casting, and a rasteriser in plain torch.

    pytest -s tests/benchmarks/bench_render_depth.py

A batch of 64 grid meshes of 64 x 64 vertices, as PDR renders them: 128 x 128 samples each, averaged to 64 x 64 pixels.
Ratios within one run on two threads. The contenders take turns, so that what else the machine does meets both, and the
least time of each counts. Constants (rays, faces) are prepared beforehand for both.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.nn import functional as F

from datasets.streams import generator
from methods.rendering.camera import rotation_matrix
from methods.rendering.rasterize import render_depth
from methods.rendering.scene import DepthRenderer

# What is timed against lies beside this file, in a folder that is no package.
sys.path.insert(0, str(Path(__file__).parent))
import raster_reference

MESHES, SIZE, THREADS = 64, 64, 2
FAR = 100.0
ROUNDS = 12
# How many times as fast as Embree, and as the rasteriser in plain torch: forward, and forward and backward.
EMBREE_REACH, TORCH_FORWARD_REACH, TORCH_REACH = 8, 8, 10
# Meshes that the rasteriser in plain torch takes at once: 8 was its quickest of 1 to 64 on a CPU; a GPU gets them all.
AT_ONCE = {"cpu": 8, "cuda": MESHES}
# In depth, the object being 1 away. A sample on a silhouette is seen by one and missed by another: the pixel's mean
# then differs by a quarter of the background's depth, and is one of the few that may.
DEPTH_TOLERANCE, AGREEING = 1e-4, 0.9999
# Of the gradient's norm; the rasteriser in plain torch is in single precision, which steep triangles show.
GRADIENT_TOLERANCE = 2e-3
MEMORY_GB = 4

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.fixture(autouse=True)
def _as_users_run_it() -> Iterator[None]:
    """Shapes are checked at every call in the tests alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
    torch.set_num_threads(before)


def meshes(renderer: DepthRenderer) -> Tensor:
    """Smooth depth maps, turned by up to 20, 40 and 11 degrees, as vertices (b, v, 3) in camera space."""
    rng = generator(0, "benchmark", "meshes")
    bumps = torch.from_numpy(rng.uniform(-0.03, 0.03, (MESHES, 1, 8, 8)).astype(np.float32))
    place = torch.linspace(-1, 1, SIZE)
    bowl = 0.06 * (place**2 + place[:, None] ** 2 - 0.7)
    depth = 1 + bowl + F.interpolate(bumps, SIZE, mode="bicubic")[:, 0]
    view = torch.from_numpy(rng.uniform(-1, 1, (MESHES, 6)).astype(np.float32))
    view = view * torch.tensor([0.35, 0.7, 0.2, 0.02, 0.02, 0.02])
    turned = (renderer.points(depth).flatten(1, 2) - renderer.centre) @ rotation_matrix(view[:, :3]).mT
    return turned + renderer.centre + view[:, None, 3:]


def in_turns(
    benchmark: BenchmarkFixture, ours: Callable[[], object], theirs: Callable[[], object], device: str
) -> float:
    """How many times as fast ours is; both times are in the report."""
    times = []

    def timed() -> None:
        start = perf_counter()
        complete(theirs)
        times.append(perf_counter() - start)
        complete(ours)  # theirs left the caches and the threads as they suit it

    def complete(work: Callable[[], object]) -> None:
        work()
        if device == "cuda":
            torch.cuda.synchronize()

    benchmark.pedantic(complete, args=(ours,), setup=timed, rounds=ROUNDS, warmup_rounds=2)
    ratio = min(times) / benchmark.stats["min"]
    benchmark.extra_info.update(reference_seconds=min(times), times_faster=ratio, device=device)
    print(f"\n{benchmark.stats['min'] * 1e3:.1f} ms against {min(times) * 1e3:.1f} ms: {ratio:.1f} times as fast")
    return ratio


def assert_same_depth(ours: Tensor, theirs: Tensor) -> None:
    covered = (ours < 2).float().mean()
    assert 0.5 < covered < 0.95  # else silhouettes, or what is inside them, would go untested
    same = ((ours - theirs).abs() <= DEPTH_TOLERANCE).float().mean()
    assert same >= AGREEING, f"depths agree at {same:.4%} of the pixels alone"


def embree(vertices: Tensor, renderer: DepthRenderer) -> Callable[[], Tensor]:
    """Ray casting through open3d, a scene per mesh: every mesh is another, so that its tree is built each time."""
    open3d: Any = pytest.importorskip("open3d", reason="open3d does not import (extra [speed])", exc_type=ImportError)
    across, down = renderer.matrix[0], renderer.matrix[1]
    # Sample i of two per pixel is at column (i + 1/2) / 2. Directions of depth 1: a ray's length is the depth.
    place = (torch.arange(2 * SIZE) + 0.5) / 2
    rays = torch.zeros(2 * SIZE, 2 * SIZE, 6)
    rays[..., 3], rays[..., 4], rays[..., 5] = (place - across[2]) / across[0], (place[:, None] - down[2]) / down[1], 1
    beams = open3d.core.Tensor(rays.numpy())
    triangles = open3d.core.Tensor(renderer.faces.numpy().astype(np.uint32))
    arrays = vertices.numpy()

    def cast() -> Tensor:
        samples = np.empty((MESHES, 2 * SIZE, 2 * SIZE), np.float32)
        for mesh, sample in zip(arrays, samples, strict=True):
            scene = open3d.t.geometry.RaycastingScene(nthreads=THREADS)
            scene.add_triangles(open3d.core.Tensor.from_numpy(mesh), triangles)
            sample[:] = scene.cast_rays(beams, nthreads=THREADS)["t_hit"].numpy()
        return F.avg_pool2d(torch.from_numpy(np.minimum(samples, FAR)), 2)

    return cast


def test_forward_against_embree(benchmark: BenchmarkFixture) -> None:
    renderer = DepthRenderer(SIZE)
    vertices = meshes(renderer)
    theirs = embree(vertices, renderer)

    def ours() -> Tensor:
        return render_depth(vertices, renderer.faces, renderer.matrix, SIZE, far=FAR)

    assert_same_depth(ours(), theirs())
    ratio = in_turns(benchmark, ours, theirs, "cpu")
    benchmark.extra_info.update(reach=EMBREE_REACH)
    assert ratio > EMBREE_REACH, f"only {ratio:.1f} times as fast as Embree"


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "forward and backward"])
@pytest.mark.parametrize("device", DEVICES)
def test_against_plain_torch(benchmark: BenchmarkFixture, device: str, backward: bool) -> None:
    """The backend that the device gets by default; on a GPU that is torch too, and the ratio is reported alone."""
    renderer = DepthRenderer(SIZE).to(device)
    vertices = meshes(DepthRenderer(SIZE)).to(device).requires_grad_(backward)
    grad = torch.from_numpy(generator(0, "benchmark", "gradient").random((MESHES, SIZE, SIZE), np.float32)).to(device)

    def with_gradient(depth: Tensor) -> tuple[Tensor, ...]:
        return depth, *(torch.autograd.grad(depth, vertices, grad) if backward else ())

    def ours() -> tuple[Tensor, ...]:
        return with_gradient(render_depth(vertices, renderer.faces, renderer.matrix, SIZE, far=FAR))

    def theirs() -> tuple[Tensor, ...]:
        return with_gradient(
            raster_reference.render_depth(
                vertices, renderer.faces, renderer.matrix, SIZE, meshes_at_once=AT_ONCE[device], far=FAR
            )
        )

    found, expected = ours(), theirs()
    assert_same_depth(found[0].detach(), expected[0].detach())
    for actual, reference in zip(found[1:], expected[1:], strict=True):
        assert (actual - reference).norm() < GRADIENT_TOLERANCE * reference.norm()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    ratio = in_turns(benchmark, ours, theirs, device)
    if device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 1e9
        benchmark.extra_info.update(peak_gb=peak, reach_gb=MEMORY_GB)
        assert peak < MEMORY_GB
    else:
        reach = TORCH_REACH if backward else TORCH_FORWARD_REACH
        benchmark.extra_info.update(reach=reach)
        assert ratio > reach, f"only {ratio:.1f} times as fast as the rasteriser in plain torch"
