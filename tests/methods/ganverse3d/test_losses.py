"""The losses where their values are known."""

import pytest
import torch

from methods.ganverse3d.losses import color_loss, flatten_loss, iou, iou_loss, laplacian_loss, movement_loss
from methods.ganverse3d.template import Topology, icosphere

TETRAHEDRON = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
CORNERS = torch.tensor([[[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]])


def test_colours_count_inside_the_mask_alone() -> None:
    image, mask = torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4)
    mask[0, :2] = 1
    assert float(color_loss(image, image + 0.5, mask)) == pytest.approx(0.5 / 4)
    assert float(color_loss(image, image + 0.5, mask * 0)) == 0


def test_intersection_over_union_of_equal_disjoint_and_empty_masks() -> None:
    left = torch.zeros(3, 4, 4, dtype=torch.bool)
    left[:2, :, :2] = True
    other = torch.stack([left[0], ~left[1], left[2]])
    assert iou(left, other).tolist() == pytest.approx([1, 0, 0])
    assert float(iou_loss(left.float(), other.float())) == pytest.approx(2 / 3)
    assert iou(left[:1], torch.ones(1, 4, 4, dtype=torch.bool)).tolist() == pytest.approx([0.5])


def test_regularisers_of_a_tetrahedron() -> None:
    topology = Topology.of(TETRAHEDRON, 4)
    # Its normals are 109.47 degrees apart; the mean of three corners is minus a third of the fourth.
    assert float(flatten_loss(CORNERS, TETRAHEDRON, topology)) == pytest.approx((-1 / 3 - 1) ** 2, rel=1e-5)
    assert float(laplacian_loss(CORNERS, topology)) == pytest.approx(3 * (4 / 3) ** 2, rel=1e-5)
    assert float(movement_loss(CORNERS)) == pytest.approx(3)


def test_what_moves_as_one_is_smooth_and_a_finer_sphere_is_flatter() -> None:
    values = []
    for level in (1, 2, 3):
        vertices, faces = icosphere(level)
        topology = Topology.of(faces, len(vertices))
        values.append(float(flatten_loss(vertices[None], faces, topology)))
        shift = torch.tensor([0.3, -0.2, 0.1]).expand(1, len(vertices), 3)
        assert float(laplacian_loss(shift, topology)) == pytest.approx(0, abs=1e-12)
    assert values[0] > 4 * values[1] > 16 * values[2] > 0


def test_a_triangle_without_an_area_has_a_finite_gradient() -> None:
    vertices = torch.zeros(1, 4, 3, requires_grad=True)
    flatten_loss(vertices, TETRAHEDRON, Topology.of(TETRAHEDRON, 4)).backward()
    assert vertices.grad is not None
    assert vertices.grad.isfinite().all()
