"""Gradients of depth images: against finite differences, between backends, and for any number of threads."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.streams import generator
from methods.rendering.camera import grid_faces, intrinsics
from methods.rendering.rasterize import render_depth

SIZE, FOV = 24, 30.0


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def random_scene(name: str, batch: int, vertices: int, triangles: int) -> tuple[Tensor, Tensor, Tensor]:
    """Camera-space meshes that fill the view, faces per mesh, and weights of the loss."""
    rng = generator(0, "test", "gradient", name)
    depth = rng.uniform(0.8, 1.6, (batch, vertices, 1))
    plane = rng.uniform(-0.35, 0.35, (batch, vertices, 2)) * depth
    faces = np.stack([[rng.choice(vertices, 3, replace=False) for _ in range(triangles)] for _ in range(batch)])
    weights = rng.standard_normal((batch, SIZE, SIZE))
    points = torch.from_numpy(np.concatenate([plane, depth], axis=-1).astype(np.float32))
    return points, torch.from_numpy(faces), torch.from_numpy(weights.astype(np.float32))


@pytest.mark.parametrize("backend", ["native", "torch"])
@pytest.mark.parametrize("antialias", [True, False])
def test_equals_finite_differences(backend: str, antialias: bool) -> None:
    # Pixels that change their triangle within the step are left out: the image is not smooth there.
    points, faces, weights = random_scene("differences", batch=2, vertices=9, triangles=6)
    matrix = intrinsics(SIZE, FOV)

    def render(vertices: Tensor) -> Tensor:
        return render_depth(vertices, faces, matrix, SIZE, antialias=antialias, backend=backend)

    rng = generator(0, "test", "gradient", "direction")
    step = 1e-3
    for axis in range(3):
        direction = torch.zeros_like(points)
        direction[..., axis] = torch.from_numpy(rng.standard_normal(points.shape[:2]).astype(np.float32))
        images = [render(points + s * step * direction).double() for s in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        # A jump in between shows as a difference that does not halve with the step.
        coarse, fine = (images[4] - images[0]) / (2 * step), (images[3] - images[1]) / step
        smooth = ((coarse - fine).abs() < 2e-2) & (images[2] < 99)
        assert smooth.float().mean() > 0.2
        # Signed so that all terms add up: an error in any of them shows.
        signed = weights.abs() * coarse.sign() * smooth
        moving = points.clone().requires_grad_()
        (render(moving) * signed).sum().backward()
        expected, actual = (coarse * signed).sum(), (moving.grad * direction).sum()
        assert expected > 1
        assert abs(actual / expected - 1) < 3e-3, axis


def test_backends_have_the_same_gradient() -> None:
    points, _, weights = random_scene("backends", batch=3, vertices=15 * 15, triangles=1)
    matrix, faces = intrinsics(SIZE, FOV), grid_faces(15, 15)
    images, grads = [], []
    for backend in ("native", "torch"):
        moving = points.clone().requires_grad_()
        image = render_depth(moving, faces, matrix, SIZE, backend=backend)
        (image * weights).sum().backward()
        images.append(image.detach())
        grads.append(moving.grad)
    torch.testing.assert_close(images[0], images[1], rtol=1e-6, atol=0)
    assert (grads[0] - grads[1]).norm() < 1e-4 * grads[1].norm()


def test_faces_may_be_shared_or_one_set_per_mesh() -> None:
    points, faces, _ = random_scene("shared", batch=5, vertices=9, triangles=6)
    matrix = intrinsics(SIZE, FOV)
    together = render_depth(points, faces, matrix, SIZE)
    alone = [render_depth(points[i : i + 1], faces[i], matrix, SIZE) for i in range(5)]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.usefixtures("threads")
def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    points, faces, weights = random_scene("threads", batch=11, vertices=40, triangles=60)
    results = []
    for count in (1, 2, 5):
        torch.set_num_threads(count)
        moving = points.clone().requires_grad_()
        image = render_depth(moving, faces, intrinsics(SIZE, FOV), SIZE)
        (image * weights).sum().backward()
        results.append((image.detach(), moving.grad))
    for image, grad in results[1:]:
        assert torch.equal(image, results[0][0])
        assert torch.equal(grad, results[0][1])


def test_layout_in_memory_does_not_matter() -> None:
    points, faces, weights = random_scene("layout", batch=3, vertices=9, triangles=6)
    matrix = intrinsics(SIZE, FOV)
    grads = []
    for moving in (points.clone(), points.transpose(1, 2).contiguous().transpose(1, 2)):
        moving.requires_grad_()
        (render_depth(moving, faces, matrix, SIZE).transpose(1, 2) * weights).sum().backward()
        grads.append(moving.grad)
    assert torch.equal(*grads)
    assert grads[0].abs().sum() > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu() -> None:
    points, _, weights = random_scene("cuda", batch=3, vertices=15 * 15, triangles=1)
    results = []
    for device in ("cpu", "cuda"):
        moving = points.to(device).requires_grad_()
        image = render_depth(moving, grid_faces(15, 15).to(device), intrinsics(SIZE, FOV).to(device), SIZE)
        (image * weights.to(device)).sum().backward()
        results.append((image.detach().cpu(), moving.grad.cpu()))
    assert ((results[0][0] - results[1][0]).abs() < 1e-5).float().mean() > 0.9995
    assert (results[0][1] - results[1][1]).norm() < 1e-3 * results[0][1].norm()
