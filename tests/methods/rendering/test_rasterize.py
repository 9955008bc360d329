"""The rasteriser against a per-pixel reference written from Neural Mesh Renderer's definition, and its edge cases."""

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.errors import BenchError
from datasets.streams import generator
from methods.rendering import torch_backend
from methods.rendering.camera import grid_faces, intrinsics, to_screen
from methods.rendering.rasterize import Fragments, fragments, interpolate, render_depth, render_rgb

BACKENDS = ["native", "torch"]
FAR = 100.0


def random_mesh(name: str, batch: int = 3, vertices: int = 12, triangles: int = 14) -> tuple[Tensor, Tensor]:
    """Overlapping triangles of all sizes in screen space, some of them partly outside; faces per mesh."""
    rng = generator(0, "test", "mesh", name)
    points = rng.uniform([-1.3, -1.3, 0.5], [1.3, 1.3, 3.0], (batch, vertices, 3)).astype(np.float32)
    faces = np.stack([[rng.choice(vertices, 3, replace=False) for _ in range(triangles)] for _ in range(batch)])
    return torch.from_numpy(points), torch.from_numpy(faces)


def cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def reference(points: np.ndarray, faces: np.ndarray, size: int, near: float = 0.1) -> list[np.ndarray]:
    """Face, weights and depth of one mesh: every pixel tests every triangle and its reversed copy, in float64."""
    face_map = np.full((size, size), -1)
    weight_map, depth_map = np.zeros((size, size, 3)), np.full((size, size), FAR)
    for row in range(size):
        for column in range(size):
            p = np.array([2 * column + 1 - size, size - 1 - 2 * row]) / size
            for rank, corners in enumerate(np.concatenate([faces, faces[:, ::-1]])):
                a, b, c = points[corners].astype(np.float64)
                if cross(b[:2] - a[:2], c[:2] - a[:2]) <= 0:
                    continue  # seen from behind: its reversed copy is seen from the front
                if any(cross(t[:2] - s[:2], p - s[:2]) < 0 for s, t in ((a, b), (b, c), (c, a))):
                    continue
                matrix = np.stack([[*a[:2], 1], [*b[:2], 1], [*c[:2], 1]], axis=1)
                weights = np.clip(np.linalg.solve(matrix, [*p, 1]), 0, 1)
                weights /= weights.sum()
                depth = 1 / (weights / np.array([a[2], b[2], c[2]])).sum()
                if near < depth < min(FAR, depth_map[row, column]):
                    depth_map[row, column] = depth
                    face_map[row, column] = rank % len(faces)
                    weight_map[row, column] = weights if rank < len(faces) else weights[::-1]
    return [face_map, weight_map, depth_map]


@pytest.mark.parametrize("backend", BACKENDS)
def test_equals_the_brute_force_reference(backend: str) -> None:
    points, faces = random_mesh("reference", batch=2)
    drawn = fragments(points, faces, 15, near=0.8, far=FAR, backend=backend)
    for mesh in range(len(points)):
        expected = reference(points[mesh].numpy(), faces[mesh].numpy(), 15, near=0.8)
        assert 0.2 < (expected[0] >= 0).mean() < 1  # the drawing has both triangles and empty pixels
        np.testing.assert_array_equal(drawn.face[mesh], expected[0])
        np.testing.assert_allclose(drawn.weights[mesh], expected[1], atol=1e-5)
        np.testing.assert_allclose(drawn.depth[mesh], expected[2], rtol=1e-6)


def test_backends_agree_on_many_small_triangles() -> None:
    points, _ = random_mesh("grid", batch=2, vertices=24 * 24)
    faces = grid_faces(24, 24)
    native, other = (fragments(points, faces, 64, backend=backend) for backend in BACKENDS)
    assert (native.face != other.face).float().mean() < 1e-4
    same = native.face == other.face
    torch.testing.assert_close(native.depth[same], other.depth[same], rtol=1e-6, atol=0)
    torch.testing.assert_close(native.weights[same], other.weights[same], rtol=0, atol=1e-5)


def test_torch_backend_does_not_depend_on_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    points, faces = random_mesh("chunks")
    whole = fragments(points, faces, 32, backend="torch")
    monkeypatch.setattr(torch_backend, "PAIRS_AT_ONCE", 50)
    parts = fragments(points, faces, 32, backend="torch")
    assert torch.equal(whole.face, parts.face)
    assert torch.equal(whole.depth, parts.depth)


@pytest.mark.parametrize("backend", BACKENDS)
def test_triangles_are_visible_from_both_sides(backend: str) -> None:
    points = torch.tensor([[[-0.9, -0.9, 1.0], [0.9, -0.9, 2.0], [0.0, 0.9, 3.0]]])
    front = fragments(points, torch.tensor([[0, 1, 2]]), 16, backend=backend)
    back = fragments(points, torch.tensor([[2, 1, 0]]), 16, backend=backend)
    assert (front.face == 0).sum() > 50
    assert torch.equal(front.face, back.face)
    torch.testing.assert_close(front.depth, back.depth)
    torch.testing.assert_close(front.weights, back.weights.flip(-1))


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_tied_triangles_the_first_is_drawn_and_those_facing_front_before_others(backend: str) -> None:
    corners = torch.tensor([[[-1.0, -1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]]])
    clockwise, anticlockwise = [0, 2, 1], [0, 1, 2]
    same = fragments(corners, torch.tensor([anticlockwise, anticlockwise]), 8, backend=backend)
    assert set(same.face.unique().tolist()) == {-1, 0}
    mixed = fragments(corners, torch.tensor([clockwise, anticlockwise]), 8, backend=backend)
    assert set(mixed.face.unique().tolist()) == {-1, 1}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_closed_surface_has_no_holes(backend: str) -> None:
    rng = generator(0, "test", "holes")
    side = 40
    place = np.linspace(-1.2, 1.2, side)
    x, y = np.meshgrid(place, place)
    jitter = rng.uniform(-0.02, 0.02, (2, side, side))
    grid = np.stack([x + jitter[0], y + jitter[1], np.full_like(x, 1.0)], axis=-1).reshape(1, -1, 3)
    drawn = fragments(torch.from_numpy(grid.astype(np.float32)), grid_faces(side, side), 128, backend=backend)
    assert (drawn.face >= 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_pixels_are_far_and_a_mesh_without_triangles_is_empty(backend: str) -> None:
    matrix = intrinsics(8, 20.0)
    points = torch.tensor([[[0.0, 0.0, 1.0], [0.1, 0.0, 1.0], [0.0, 0.1, 1.0]]], requires_grad=True)
    depth = render_depth(points, torch.tensor([[0, 1, 2]]), matrix, 8, far=50.0, backend=backend)
    assert depth[0, 0, 0] == 50
    assert depth.min() < 50
    nothing = render_depth(points, torch.empty(0, 3, dtype=torch.int64), matrix, 8, backend=backend)
    assert (nothing == FAR).all()
    nothing.sum().backward()
    assert (points.grad == 0).all()
    drawn = fragments(points, torch.empty(0, 3, dtype=torch.int64), 8, backend=backend)
    assert (drawn.face == -1).all()
    assert (interpolate(drawn, points, torch.empty(0, 3, dtype=torch.int64), points.detach()) == 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_degenerate_triangles_and_those_behind_the_camera_are_left_out(backend: str) -> None:
    points = torch.tensor(
        [
            [
                *([-0.1, -0.1, 1.0], [0.1, -0.1, 1.0], [0.0, 0.1, 1.0]),  # 0-2 in view
                *([0.0, 0.0, -1.0], [0.1, 0.0, -1.0], [0.0, 0.1, -1.0]),  # 3-5 behind the camera
                *([0.05, 0.05, 0.0], [0.1, 0.1, 0.9]),  # 6 in the camera's plane, 7 beside
            ]
        ],
        requires_grad=True,
    )
    degenerate = [[0, 0, 1], [2, 2, 2], [3, 4, 5], [0, 1, 6], [5, 6, 7]]
    matrix = intrinsics(16, 20.0)
    alone = render_depth(points, torch.tensor([[0, 1, 2]]), matrix, 16, backend=backend)
    depth = render_depth(points, torch.tensor([*degenerate, [0, 1, 2]]), matrix, 16, backend=backend)
    torch.testing.assert_close(depth, alone)
    depth.sum().backward()
    assert points.grad.isfinite().all()
    assert points.grad[0, :3].abs().sum() > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_vertices_that_are_not_finite_only_lose_their_own_triangles(backend: str) -> None:
    points, _ = random_mesh("infinite", batch=1, vertices=9)
    points[0, 3], points[0, 6, 0] = float("nan"), float("inf")
    faces = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    drawn = fragments(points, faces, 16, backend=backend)
    assert torch.equal(drawn.depth, fragments(points, faces[:1], 16, backend=backend).depth)


@pytest.mark.parametrize("backend", BACKENDS)
def test_colours_are_interpolated_in_space_not_on_the_screen(backend: str) -> None:
    # A colour that is affine in the position must come out as that function of the position seen at each pixel.
    rng = generator(0, "test", "colours")
    size, matrix = 24, intrinsics(24, 40.0)
    points = torch.from_numpy(rng.uniform([-0.6, -0.6, 1.0], [0.6, 0.6, 3.0], (2, 9, 3)).astype(np.float32))
    faces = torch.arange(9).view(3, 3)
    mix = torch.from_numpy(rng.uniform(-1, 1, (3, 3)).astype(np.float32))
    colours = (points @ mix + 0.5).requires_grad_()
    background = (0.1, 0.2, 0.3)
    image, coverage, depth = render_rgb(
        points, faces, colours, matrix, size, background, antialias=False, backend=backend
    )
    place = torch.arange(size) + 0.5
    seen = torch.stack([place.expand(size, size), place[:, None].expand(size, size), torch.ones(size, size)], -1)
    position = depth[..., None] * (seen @ torch.linalg.inv(matrix).T)
    covered = coverage == 1
    assert 50 < covered.sum() < covered.numel()
    torch.testing.assert_close(
        image.permute(0, 2, 3, 1)[covered], (position @ mix + 0.5)[covered], rtol=1e-4, atol=1e-4
    )
    assert (image.permute(0, 2, 3, 1)[~covered] == torch.tensor(background)).all()

    image.sum().backward()  # the weights of each covered pixel add up to 1, in each channel
    torch.testing.assert_close(colours.grad.sum(), 3.0 * covered.sum())

    smooth, part, _ = render_rgb(points, faces, colours, matrix, size, background, backend=backend)
    assert smooth.shape == image.shape
    assert set(part.unique().tolist()) <= {0, 0.25, 0.5, 0.75, 1}
    assert ((part > 0) & (part < 1)).any()


def test_to_screen_and_the_depth_renderer_place_a_point_alike() -> None:
    points, faces = random_mesh("place", batch=2)
    points[..., :2] *= points[..., 2:] * 0.2
    matrix = intrinsics(32, 25.0)
    direct = render_depth(points, faces, matrix, 32, antialias=False)
    drawn = fragments(to_screen(points, matrix, 32), faces, 32)
    assert ((direct - drawn.depth).abs() < 1e-5).float().mean() > 0.995


def test_wrong_arguments_are_refused_before_they_reach_a_kernel() -> None:
    points, faces = random_mesh("refused", batch=2)
    matrix = intrinsics(8, 20.0)
    with pytest.raises(ValueError, match="faces name vertices 0 to 99, the mesh has 12"):
        fragments(points, torch.tensor([[0, 1, 99]]), 8)
    with pytest.raises(ValueError, match="faces name vertices -1 to 1"):
        render_depth(points, torch.tensor([[0, 1, -1]]), matrix, 8)
    with pytest.raises(ValueError, match="near=2"):
        render_depth(points, faces, matrix, 8, near=2.0, far=1.0)
    with pytest.raises(ValueError, match="size=0"):
        fragments(points, faces, 0)
    with pytest.raises(Exception, match="backend"):
        render_depth(points, faces, matrix, 8, backend="opengl")
    with pytest.raises(BenchError, match="depth images only"):
        fragments(points, faces, 8, backend="nmr")
    with pytest.raises(Exception, match="faces"):  # the shape checks of the tests see it first
        fragments(points, faces[:1].expand(3, -1, -1), 8)


def test_fragments_hold_what_they_say() -> None:
    points, faces = random_mesh("types")
    drawn = fragments(points, faces, 8)
    assert isinstance(drawn, Fragments)
    assert (drawn.face.dtype, drawn.weights.dtype, drawn.depth.dtype) == (
        torch.int32,
        torch.float32,
        torch.float32,
    )
    totals = drawn.weights.sum(-1)
    torch.testing.assert_close(totals, (drawn.face >= 0).float())
