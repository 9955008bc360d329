"""Unsup3D's scene: camera, moving of depth maps, normals; compiled kernels against plain torch."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.streams import generator
from methods.rendering.camera import intrinsics, pixel_rays, project, rotation_matrix
from methods.rendering.scene import DepthRenderer

SIZE = 16


def random_depth(name: str, batch: int = 3) -> tuple[Tensor, Tensor]:
    """Smooth canonical depth maps in [0.9, 1.1] and views of up to 20 degrees."""
    rng = generator(0, "test", "scene", name)
    coarse = torch.from_numpy(rng.uniform(0.92, 1.08, (batch, 1, 4, 4)).astype(np.float32))
    depth = torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bilinear", align_corners=True)[:, 0]
    view = rng.uniform(-1, 1, (batch, 6)) * [0.35, 0.35, 0.35, 0.03, 0.03, 0.01]
    return depth, torch.from_numpy(view.astype(np.float32))


def test_camera_matches_its_definition() -> None:
    matrix = intrinsics(64, 10.0)
    assert matrix[0, 2] == matrix[1, 2] == 31.5
    assert float(matrix[0, 0]) == pytest.approx(31.5 / math.tan(math.radians(5)), rel=1e-6)
    # The border pixels look 5 degrees away from the axis; rays are inverse to the projection.
    rays = pixel_rays(64, matrix)
    assert math.degrees(math.atan(float(rays[0, -1, 0]))) == pytest.approx(5, abs=1e-4)
    assert rays[0, -1, 1] < 0  # y is down
    pixels = project(rays * 1.7, matrix)
    torch.testing.assert_close(pixels[3, 5], torch.tensor([5.0, 3.0]), rtol=1e-4, atol=1e-4)


def test_rotation_turns_about_x_then_y_then_z() -> None:
    def about(axis: int, angle: float) -> Tensor:
        result = torch.eye(3, dtype=torch.float64)
        i, j = [k for k in range(3) if k != axis]
        result[i, i] = result[j, j] = math.cos(angle)
        result[i, j], result[j, i] = -math.sin(angle), math.sin(angle)
        return result if axis != 1 else result.T

    angles = torch.tensor([[0.3, -0.7, 1.1], [-0.2, 0.4, 0.9]], dtype=torch.float64)
    for row, actual in zip(angles.tolist(), rotation_matrix(angles), strict=True):
        torch.testing.assert_close(actual, about(2, row[2]) @ about(1, row[1]) @ about(0, row[0]))


def test_without_motion_a_depth_map_moves_by_half_a_pixel() -> None:
    # The four samples of a pixel lie around its lower right corner (Neural Mesh Renderer's convention).
    renderer = DepthRenderer(SIZE)
    depth, view = random_depth("still")
    still = renderer.warp(depth, torch.zeros_like(view))
    between = torch.nn.functional.avg_pool2d(depth, 2, stride=1)
    assert (still[:, :-1, :-1] - between).abs().max() < 2e-3
    grid = renderer.inverse_grid(depth, torch.zeros_like(view))
    place = torch.linspace(-1, 1, SIZE)
    torch.testing.assert_close(grid[0, 0, :, 0], place, rtol=0, atol=1e-5)
    torch.testing.assert_close(grid[0, :, 0, 1], place, rtol=0, atol=1e-5)


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_moving_a_located_point_leads_back_to_its_pixel(backend: str) -> None:
    renderer = DepthRenderer(SIZE, backend=backend)
    recon, view = random_depth("inverse")
    pixels = (renderer.inverse_grid(recon, view) + 1) * (SIZE - 1) / 2
    rays = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1) @ torch.linalg.inv(renderer.matrix).T
    # R (z ray - c) + c + t along the located ray, at the z that brings it to the depth it was seen at.
    centre = torch.tensor([0.0, 0.0, 1.0])
    rotation = rotation_matrix(view[:, :3])
    shift = (centre + view[:, 3:] - rotation @ centre)[:, None, None]
    turned = rays @ rotation.transpose(1, 2)[:, None]
    depth = (recon - shift[..., 2]) / turned[..., 2]
    seen = project(depth[..., None] * turned + shift, renderer.matrix)
    place = torch.arange(SIZE, dtype=torch.float32)
    torch.testing.assert_close(seen[..., 0], place.expand(3, SIZE, SIZE), rtol=0, atol=1e-3)
    torch.testing.assert_close(seen[..., 1], place[:, None].expand(3, SIZE, SIZE), rtol=0, atol=1e-3)


def test_empty_pixels_are_clamped_to_the_far_limit() -> None:
    renderer = DepthRenderer(SIZE, min_depth=0.9, max_depth=1.1)
    depth, view = random_depth("clamped")
    view[:, 3] = 10.0  # out of sight
    assert renderer.depth_limits == (pytest.approx(0.8), pytest.approx(1.2))
    torch.testing.assert_close(renderer.warp(depth, view), torch.full_like(depth, 1.2))


def test_normals_of_planes() -> None:
    renderer = DepthRenderer(SIZE)
    rays = renderer.rays
    for normal in ([0.0, 0.0, 1.0], [0.3, -0.2, 0.9], [-0.5, 0.1, 0.7]):
        unit = torch.tensor(normal) / torch.tensor(normal).norm()
        depth = (unit[2] / (rays @ unit))[None]  # the points with n . p = n_z
        actual = renderer.normals(depth)
        torch.testing.assert_close(actual[0, 1:-1, 1:-1], unit.expand(SIZE - 2, SIZE - 2, 3), atol=1e-3, rtol=0)
        for border in (actual[0, 0], actual[0, -1], actual[0, :, 0], actual[0, :, -1]):
            assert torch.equal(border, torch.tensor([0.0, 0.0, 1.0]).expand(SIZE, 3))


def test_compiled_kernels_equal_plain_torch() -> None:
    weights = torch.from_numpy(generator(0, "test", "scene", "w").standard_normal((3, SIZE, SIZE, 6)))
    results = []
    for backend in ("native", "torch"):
        renderer = DepthRenderer(SIZE, backend=backend)
        depth, view = random_depth("kernels")
        depth.requires_grad_()
        view.requires_grad_()
        normals = renderer.normals(depth)
        recon = renderer.warp(depth, view)
        grid = renderer.inverse_grid(recon, view)
        outputs = torch.cat([normals, recon[..., None], grid], dim=-1)
        loss = (outputs * weights).sum((0, 1, 2))
        grads = [
            torch.autograd.grad(loss[part].sum(), (depth, view), retain_graph=True)
            for part in (slice(0, 3), slice(3, 4), slice(4, 6))
        ]
        results.append((outputs.detach(), grads))
    (native, native_grads), (plain, plain_grads) = results
    torch.testing.assert_close(native, plain, rtol=0, atol=2e-5)
    for actual, expected in zip(native_grads, plain_grads, strict=True):
        for one, other in zip(actual, expected, strict=True):
            assert (one - other).norm() <= 1e-3 * other.norm()
    assert all(grad.norm() > 0 for pair in native_grads[1:] for grad in pair)


def test_flat_surfaces_have_finite_gradients() -> None:
    # All points of a map of zeros coincide: the normal's length is 0 there.
    for backend in ("native", "torch"):
        renderer = DepthRenderer(SIZE, backend=backend)
        depth = torch.zeros(1, SIZE, SIZE, requires_grad=True)
        renderer.normals(depth).sum().backward()
        assert depth.grad.isfinite().all()


def test_autocast_does_not_reach_the_renderer() -> None:
    renderer = DepthRenderer(SIZE, backend="torch")
    depth, view = random_depth("autocast")
    expected = renderer.warp(depth, view), renderer.inverse_grid(depth, view)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = renderer.warp(depth, view), renderer.inverse_grid(depth, view)
    assert torch.equal(actual[0], expected[0])
    assert torch.equal(actual[1], expected[1])


def test_constants_are_not_weights() -> None:
    renderer = DepthRenderer(SIZE)
    assert not renderer.state_dict()
    assert not list(renderer.parameters())
    with pytest.raises(ValueError, match="min_depth"):
        DepthRenderer(SIZE, min_depth=1.1, max_depth=0.9)
    with pytest.raises(ValueError, match="size"):
        DepthRenderer(1)
    with pytest.raises(ValueError, match="fov"):
        intrinsics(8, 180.0)
