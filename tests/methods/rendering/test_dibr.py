"""DIB-R's renderer: gradients against finite differences, backends against each other, and edge cases."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.streams import generator
from methods.rendering.dibr import Silhouette, interpolate, rasterize, render, soft_mask
from methods.rendering.dibr_camera import facing, orbit, project, to_camera

BACKENDS = ["native", "torch"]
TRIANGLE = torch.tensor([[[-0.6, -0.5], [0.7, -0.4], [0.1, 0.8]]])
FACE = torch.tensor([[0, 1, 2]])
DRAWN = torch.ones(1, 1, dtype=torch.bool)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def random_mesh(name: str, batch: int = 3, vertices: int = 20, triangles: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    """Overlapping triangles of all sizes on the image plane, some partly outside: points, depth, faces."""
    rng = generator(0, "test", "dibr", name)
    points = rng.uniform(-0.8, 0.8, (batch, vertices, 2)).astype(np.float32)
    depth = rng.uniform(-3, -1, (batch, vertices)).astype(np.float32)
    faces = np.stack([rng.choice(vertices, 3, replace=False) for _ in range(triangles)])
    return torch.from_numpy(points), torch.from_numpy(depth), torch.from_numpy(faces)


def normal(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(generator(0, "test", "dibr", name).standard_normal(shape).astype(np.float32))


def every(points: Tensor, faces: Tensor) -> Tensor:
    return torch.ones(len(points), len(faces), dtype=torch.bool)


def slope(image: Callable[[Tensor], Tensor], at: Tensor, direction: Tensor, weight: Tensor, step: float) -> float:
    """Central difference of sum(weight * image), added up in double precision."""
    ahead, behind = (image(at + sign * step * direction).double() for sign in (1, -1))
    return float(((ahead - behind) * weight).sum() / (2 * step))


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradient_of_attributes_equals_finite_differences(backend: str) -> None:
    points, depth, faces = random_mesh("attributes")
    attributes = normal("values", len(points), len(faces), 3, 2)
    face = rasterize(points, depth, faces, every(points, faces), 20, 24, backend)
    weight = normal("weight", *face.shape, 2)

    def moved(place: Tensor) -> Tensor:
        return interpolate(place, faces, face, attributes, backend)

    def changed(values: Tensor) -> Tensor:
        return interpolate(points, faces, face, values, backend)

    for image, at, step in ((moved, points, 1e-4), (changed, attributes, 1e-1)):
        at = at.clone().requires_grad_()
        (image(at) * weight).sum().backward()
        assert at.grad is not None
        direction = at.grad / at.grad.norm()  # the slope along it is the gradient's norm
        assert slope(image, at.detach(), direction, weight, step) == pytest.approx(float(at.grad.norm()), rel=3e-3)
        other = normal("direction", *at.shape)
        expected = slope(image, at.detach(), other, weight, step)
        assert float((at.grad * other).sum()) == pytest.approx(
            expected, abs=3e-3 * float(at.grad.norm() * other.norm())
        )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [None, 3])
def test_gradient_of_the_silhouette_equals_finite_differences(backend: str, count: int | None) -> None:
    points, depth, faces = random_mesh("silhouette", triangles=6)
    points = points * 0.6
    silhouette = Silhouette(50.0, 3.0, count)  # boxes beyond the image: a triangle that enters one would be a jump
    face = rasterize(points, depth, faces, every(points, faces), 24, 20, backend)
    weight = normal("soft", *face.shape)

    def soft(place: Tensor) -> Tensor:
        return soft_mask(place, faces, face, silhouette, backend)

    at = points.clone().requires_grad_()
    (soft(at) * weight).sum().backward()
    assert at.grad is not None
    direction = at.grad / at.grad.norm()
    assert slope(soft, points, direction, weight, 1e-4) == pytest.approx(float(at.grad.norm()), rel=3e-3)


@pytest.mark.parametrize("count", [None, 4])
def test_backends_agree(count: int | None) -> None:
    points, depth, faces = random_mesh("agree", batch=2, vertices=200, triangles=150)
    attributes, weight = normal("shared", len(faces), 3, 3), normal("agreeing", 2, 40, 32, 4)
    drawn = every(points, faces)
    drawn[:, ::5] = False
    results = []
    for backend in BACKENDS:
        place, values = points.clone().requires_grad_(), attributes.clone().requires_grad_()
        face = rasterize(place, depth, faces, drawn, 40, 32, backend)
        image = interpolate(place, faces, face, values, backend)
        soft = soft_mask(place, faces, face, Silhouette(400.0, 0.2, count), backend)
        ((image * weight[..., :3]).sum() + (soft * weight[..., 3]).sum()).backward()
        results.append((face, image.detach(), soft.detach(), place.grad, values.grad))
    ours, other = results
    assert torch.equal(ours[0], other[0])
    assert 0.2 < (ours[0] >= 0).float().mean() < 0.95
    assert not torch.isin(ours[0], torch.arange(0, len(faces), 5)).any()
    torch.testing.assert_close(ours[1], other[1], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours[2], other[2], rtol=0, atol=1e-6)
    for a, b in zip(ours[3:], other[3:], strict=True):
        assert (a - b).norm() < 1e-5 * b.norm()


def test_a_shared_attribute_is_one_for_each_mesh() -> None:
    points, depth, faces = random_mesh("shared")
    shared = normal("values", len(faces), 3, 2).requires_grad_()
    each = shared.detach().expand(len(points), -1, -1, -1).clone().requires_grad_()
    face = rasterize(points, depth, faces, every(points, faces), 16, 16)
    weight = normal("image", *face.shape, 2)
    images = [interpolate(points, faces, face, values) for values in (shared, each)]
    assert torch.equal(*images)
    for image in images:
        (image * weight).sum().backward()
    torch.testing.assert_close(shared.grad, each.grad.sum(0))


@pytest.mark.usefixtures("threads")
def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    points, depth, faces = random_mesh("threads", batch=11)
    results = []
    for count in (1, 2, 5):
        torch.set_num_threads(count)
        place, values = points.clone().requires_grad_(), normal("values", len(faces), 3, 2).requires_grad_()
        face = rasterize(place, depth, faces, every(points, faces), 24, 24)
        image, soft = interpolate(place, faces, face, values), soft_mask(place, faces, face)
        ((image * normal("image", *image.shape)).sum() + (soft * normal("soft", *soft.shape)).sum()).backward()
        results.append((face, image.detach(), soft.detach(), place.grad, values.grad))
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_soft_silhouette_of_one_triangle_is_its_formula(backend: str) -> None:
    face = torch.full((1, 16, 16), -1, dtype=torch.int32)
    soft = soft_mask(TRIANGLE, FACE, face, Silhouette(30.0, 3.0), backend)[0]
    place = (2 * np.arange(16) + 1 - 16) / 16
    corners = TRIANGLE[0].double().numpy()
    for row in range(16):
        for column in range(16):
            p = np.array([place[column], -place[row]])
            squared = []
            for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
                t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
                squared.append(((p - a - t * (b - a)) ** 2).sum())
            assert float(soft[row, column]) == pytest.approx(np.exp(-30 * min(squared)), abs=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pixel_on_an_outline_is_covered_in_the_silhouette_and_has_a_finite_gradient(backend: str) -> None:
    # A side through pixel centres: of 4 columns they are at -0.75, -0.25, 0.25, 0.75.
    points = torch.tensor([[[-0.75, -0.75], [0.75, -0.75], [0.25, 0.5]]]).requires_grad_()
    face = torch.full((1, 4, 4), -1, dtype=torch.int32)
    soft = soft_mask(points, FACE, face, Silhouette(5.0, 3.0), backend)
    assert (soft[0, 3] == 1).all()
    soft.sum().backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()
    assert points.grad.norm() > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_the_triangles_that_reach_a_pixel_the_first_are_taken(backend: str) -> None:
    far, near = [[0.5, 0.5], [0.9, 0.5], [0.9, 0.9]], [[-0.2, -0.2], [0.2, -0.2], [0.0, 0.2]]
    face = torch.full((1, 9, 9), -1, dtype=torch.int32)
    both, first, last = (torch.tensor([corners]) for corners in ([*far, *near], far, near))
    two = torch.arange(6).view(2, 3)
    one = soft_mask(both, two, face, Silhouette(20.0, 3.0, 1), backend)
    assert torch.equal(one, soft_mask(first, FACE, face, Silhouette(20.0, 3.0), backend))
    every_one = soft_mask(both, two, face, Silhouette(20.0, 3.0, 2), backend)
    parts = [1 - soft_mask(part, FACE, face, Silhouette(20.0, 3.0), backend) for part in (first, last)]
    torch.testing.assert_close(every_one, 1 - parts[0] * parts[1], rtol=0, atol=1e-6)
    assert (every_one - one).max() > 0.1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_box_ends_the_silhouette(backend: str) -> None:
    face = torch.full((1, 32, 32), -1, dtype=torch.int32)
    soft = soft_mask(TRIANGLE, FACE, face, Silhouette(1.0, 0.1), backend)[0]
    place = (2 * torch.arange(32) + 1 - 32) / 32
    across = (place >= -0.6 - 0.1) & (place < 0.7 + 0.1)
    down = (-place >= -0.5 - 0.1) & (-place < 0.8 + 0.1)
    assert torch.equal(soft > 0, down[:, None] & across)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_nearest_is_drawn_and_of_equals_the_first(backend: str) -> None:
    points = TRIANGLE.repeat(1, 3, 1)
    faces = torch.arange(9).view(3, 3)
    drawn = torch.ones(1, 3, dtype=torch.bool)
    depth = torch.tensor([[-3.0, -3.0, -3.0, -2.0, -2.0, -2.0, -2.0, -2.0, -2.0]])
    assert rasterize(points, depth, faces, drawn, 8, 8, backend).unique().tolist() == [-1, 1]
    assert rasterize(points, depth, faces, drawn & torch.tensor([True, False, True]), 8, 8, backend).max() == 2
    assert rasterize(points, -depth, faces, drawn, 8, 8, backend).max() == 0  # z has no near plane of its own


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_degenerate_or_not_finite_only_loses_its_own_triangles(backend: str) -> None:
    extra = [[np.nan, 0.0], [0.3, np.inf], [0.2, 0.2], [0.2, 0.2], [0.4, 0.4]]
    points = torch.cat([TRIANGLE, torch.tensor([extra])], dim=1).requires_grad_()
    faces = torch.tensor([[0, 1, 3], [0, 4, 1], [0, 5, 6], [5, 6, 7], [0, 1, 2]])
    depth = torch.full((1, 8), -1.0)
    face = rasterize(points, depth, faces, every(points, faces), 16, 16, backend)
    alone = rasterize(TRIANGLE, depth[:, :3], FACE, DRAWN, 16, 16, backend)
    assert torch.equal(face >= 0, alone >= 0)
    assert face.max() == 4
    image = interpolate(points, faces, face, torch.ones(5, 3, 1), backend)
    torch.testing.assert_close(image[..., 0], (face >= 0).float())
    soft = soft_mask(points, faces, face, Silhouette(20.0, 1.0), backend)
    assert soft.isfinite().all()
    (image.sum() + soft.sum()).backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()
    assert points.grad[0, :3].norm() > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_mesh_without_triangles_is_empty(backend: str) -> None:
    points, faces = TRIANGLE.clone().requires_grad_(), torch.empty(0, 3, dtype=torch.int64)
    face = rasterize(points, torch.zeros(1, 3), faces, torch.ones(1, 0, dtype=torch.bool), 8, 6, backend)
    assert torch.equal(face, torch.full((1, 8, 6), -1, dtype=torch.int32))
    image = interpolate(points, faces, face, torch.ones(0, 3, 2), backend)
    soft = soft_mask(points, faces, face, backend=backend)
    assert image.shape == (1, 8, 6, 2)
    assert (image == 0).all()
    assert (soft == 0).all()
    (image.sum() + soft.sum()).backward()
    assert (points.grad == 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_behind_the_camera_is_not_there(backend: str) -> None:
    seen = torch.tensor([[[-0.3, -0.3, -2.0], [0.3, -0.3, -2.0], [0.0, 0.3, -2.0]]])
    hidden = torch.tensor([[[-0.1, -0.1, 2.0], [0.2, 0.1, 0.0], [0.1, 0.3, -1.0]]])
    both = torch.cat([seen, hidden], dim=1).requires_grad_()
    texture = torch.rand(1, 3, 4, 4)
    faces, uvs = torch.arange(6).view(2, 3), torch.rand(2, 3, 2)
    drawn = render(both, faces, uvs, texture, 60.0, 16, backend=backend)
    alone = render(seen, FACE, uvs[:1], texture, 60.0, 16, backend=backend)
    assert drawn.mask.any()
    for name in ("face", "uv", "image", "soft"):
        assert torch.equal(getattr(drawn, name), getattr(alone, name)), name
    (drawn.image.sum() + drawn.soft.sum()).backward()
    assert both.grad is not None
    assert both.grad.isfinite().all()
    assert (both.grad[0, 3:] == 0).all()
    assert both.grad[0, :3].norm() > 0


def test_triangles_that_face_away_are_not_drawn() -> None:
    corners = torch.tensor([[[-0.3, -0.3, -2.0], [0.3, -0.3, -2.0], [0.0, 0.3, -2.0]]])
    texture, uvs = torch.ones(1, 3, 4, 4), torch.rand(1, 3, 2)
    assert facing(corners, torch.tensor([[0, 1, 2], [2, 1, 0]])).tolist() == [[True, False]]
    front = render(corners, FACE, uvs, texture, 60.0, 16)
    back = render(corners, FACE.flip(1), uvs, texture, 60.0, 16)
    assert front.mask.any()
    torch.testing.assert_close(front.image, front.mask[:, None].float().expand(-1, 3, -1, -1))
    assert not back.mask.any()
    assert back.soft.max() > 0.1  # its outline still counts


def test_a_camera_sees_the_axes_where_they_are() -> None:
    axes = torch.eye(3)
    views = orbit(torch.tensor([90.0, 0.0]), torch.tensor([0.0, 0.0]), torch.tensor([5.0, 5.0]))
    from_z, from_x = project(to_camera(axes, *views), 2 * float(np.degrees(np.arctan(0.2))))
    torch.testing.assert_close(from_z, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    torch.testing.assert_close(from_x, torch.tensor([[0.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))


def test_wrong_arguments_are_refused_before_they_reach_a_kernel() -> None:
    depth, face = torch.zeros(1, 3), torch.zeros(1, 4, 4, dtype=torch.int32)
    with pytest.raises(ValueError, match="faces holds indices 0 to 9, expected 0 to 2"):
        rasterize(TRIANGLE, depth, torch.tensor([[0, 1, 9]]), DRAWN, 4, 4)
    with pytest.raises(ValueError, match="faces holds indices -1 to 2"):
        soft_mask(TRIANGLE, torch.tensor([[0, -1, 2]]), face)
    with pytest.raises(ValueError, match="the face map holds indices 5 to 5, expected -1 to 0"):
        interpolate(TRIANGLE, FACE, face + 5, torch.ones(1, 3, 1))
    with pytest.raises(ValueError, match="not 0 x 4"):
        rasterize(TRIANGLE, depth, FACE, DRAWN, 0, 4)
    with pytest.raises(ValueError, match="inverse_sigma > 0"):
        Silhouette(inverse_sigma=0.0)
    with pytest.raises(ValueError, match="count None or > 0"):
        Silhouette(count=0)
    with pytest.raises(ValueError, match="fov=180"):
        project(torch.zeros(1, 1, 3), 180.0)
    with pytest.raises(Exception, match="backend"):
        soft_mask(TRIANGLE, FACE, face, backend="nmr")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu() -> None:
    points, depth, faces = random_mesh("cuda", vertices=200, triangles=150)
    attributes, weight = normal("values", len(faces), 3, 3), normal("cuda", len(points), 32, 32, 4)
    results = []
    for device in ("cpu", "cuda"):
        place = points.to(device).requires_grad_()
        index, values = faces.to(device), attributes.to(device)
        face = rasterize(place, depth.to(device), index, every(points, faces).to(device), 32, 32)
        image, soft = interpolate(place, index, face, values), soft_mask(place, index, face)
        ((image * weight[..., :3].to(device)).sum() + (soft * weight[..., 3].to(device)).sum()).backward()
        results.append([tensor.detach().cpu() for tensor in (face, image, soft, place.grad)])
    assert torch.equal(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][2], results[1][2], rtol=0, atol=1e-6)
    assert (results[0][3] - results[1][3]).norm() < 1e-4 * results[0][3].norm()
