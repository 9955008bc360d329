"""Errors of scenes taken apart, by hand and by what they must not depend on."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from datasets.normals import depth_normals
from tasks.metrics.bootstrap import mean_interval
from tasks.metrics.scenes import (
    albedo_error,
    angles,
    best_gain,
    canonical_offset,
    inner,
    mean_angle_deviation,
    rotation_angles,
    rotations,
    scale_invariant_depth_error,
)

WHOLE = np.ones((1, 2, 2), dtype=bool)


def test_side_by_hand() -> None:
    true = np.ones((1, 2, 2))
    predicted = np.exp([[[0.0, 0.0], [0.2, 0.2]]])
    assert scale_invariant_depth_error(predicted, true, WHOLE) == pytest.approx([0.1])
    left = np.array([[[True, False], [True, False]]])
    assert scale_invariant_depth_error(predicted, true, left) == pytest.approx([0.1])
    top = np.array([[[True, True], [False, False]]])
    assert scale_invariant_depth_error(predicted, true, top) == pytest.approx([0.0])


def test_side_is_the_root_of_unsup3ds_two_means() -> None:
    """Equation 9 of Unsup3D: the mean of squares less the square of the mean."""
    rng = np.random.default_rng(0)
    predicted, true = rng.uniform(0.9, 1.1, (2, 3, 8, 8))
    mask = rng.random((3, 8, 8)) < 0.7
    for k, found in enumerate(scale_invariant_depth_error(predicted, true, mask)):
        difference = np.log(predicted[k][mask[k]]) - np.log(true[k][mask[k]])
        assert found == pytest.approx(np.sqrt((difference**2).mean() - difference.mean() ** 2))


def test_side_knows_no_scale_and_nothing_outside_the_mask() -> None:
    rng = np.random.default_rng(0)
    predicted, true = rng.uniform(0.9, 1.1, (2, 3, 8, 8))
    mask = np.zeros((3, 8, 8), dtype=bool)
    mask[:, 2:6, 2:6] = True
    found = scale_invariant_depth_error(predicted, true, mask)
    scaled = predicted * np.array([0.5, 1, 7])[:, None, None]
    scaled[~mask] = np.nan
    assert scale_invariant_depth_error(scaled, true, mask) == pytest.approx(found)
    assert np.isnan(scale_invariant_depth_error(predicted, true, np.zeros_like(mask))).all()


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 180.0])
def test_angles_of_any_length(degrees: float) -> None:
    turn = np.radians(degrees)
    one, other = np.array([[2.0, 0.0, 0.0]]), np.array([[3 * np.cos(turn), 3 * np.sin(turn), 0.0]])
    assert angles(one, other) == pytest.approx([degrees], rel=1e-6, abs=1e-12)


def test_mad_is_a_mean_over_the_mask() -> None:
    true = np.zeros((1, 2, 2, 3))
    true[..., 2] = 1
    predicted = true.copy()
    predicted[0, 0, 0] = [1, 0, 0]
    assert mean_angle_deviation(predicted, true, WHOLE) == pytest.approx([22.5])
    assert mean_angle_deviation(predicted, true, np.array([[[True, True], [False, False]]])) == pytest.approx([45])


def test_albedo_by_hand() -> None:
    true = np.zeros((1, 2, 2, 3))
    true[0, 0] = [0.2, 0.4, 0.6]
    true[0, 1] = [0.6, 0.4, 0.2]
    grey = np.ones((1, 2, 2, 3))
    assert best_gain(grey, true, WHOLE) == pytest.approx([0.4])
    assert albedo_error(grey, true, WHOLE) == pytest.approx([np.sqrt(2 / 3 * 0.2**2)])
    top = np.array([[[True, True], [False, False]]])
    assert albedo_error(true * 0.1, true, top) == pytest.approx([0])
    tinted = true * [0.5, 1, 1]
    assert albedo_error(tinted, true, WHOLE)[0] > 0.01, "one gain for all channels"
    black = np.zeros_like(true)
    assert albedo_error(black, true, WHOLE) == pytest.approx([np.sqrt(np.square(true).mean())])
    assert np.isnan(albedo_error(grey, true, np.zeros_like(WHOLE))).all()


def test_views_turn_x_first() -> None:
    view = np.array([[np.pi / 2, 0, 0, 9, 9, 9], [0, np.pi / 2, 0, 0, 0, 0], [np.pi / 2, 0, np.pi / 2, 0, 0, 0]])
    down = rotations(view) @ [0.0, 1.0, 0.0]
    assert down == pytest.approx(np.array([[0, 0, 1], [0, 1, 0], [0, 0, 1]]), abs=1e-12)


def test_views_as_the_renderer_turns_them() -> None:
    import torch

    from methods.rendering.camera import rotation_matrix

    view = np.random.default_rng(0).uniform(-1, 1, (5, 6))
    assert rotations(view) == pytest.approx(rotation_matrix(torch.from_numpy(view[:, :3])).numpy(), abs=1e-12)


def test_rotation_angles_and_the_canonical_pose() -> None:
    true = Rotation.random(20, random_state=0)
    pitched = Rotation.from_euler("x", 25, degrees=True)
    predicted = (true * pitched).as_matrix()
    assert rotation_angles(predicted, true.as_matrix()) == pytest.approx(np.full(20, 25.0))
    offset = canonical_offset(predicted, true.as_matrix())
    assert offset == pytest.approx(pitched.as_matrix(), abs=1e-12)
    assert rotation_angles(predicted, true.as_matrix() @ offset) == pytest.approx(np.zeros(20), abs=1e-5)


def test_a_constant_view_is_left_with_the_spread_of_the_true_ones() -> None:
    true = Rotation.from_euler("y", [[-30], [0], [30]], degrees=True).as_matrix()
    front = np.tile(np.eye(3), (3, 1, 1))
    assert rotation_angles(front, true) == pytest.approx([30, 0, 30], abs=1e-6)
    turned = Rotation.from_euler("y", [[-20], [10], [40]], degrees=True).as_matrix()
    offset = canonical_offset(front, turned)
    assert rotation_angles(front, turned @ offset) == pytest.approx([30, 0, 30], abs=1e-5)


def test_inner_leaves_edge_and_border_out() -> None:
    mask = np.ones((1, 6, 6), dtype=bool)
    mask[0, 2, 2] = False
    expected = np.zeros_like(mask)
    expected[0, 1:5, 1:5] = True
    expected[0, 1:4, 1:4] = False
    assert (inner(mask) == expected).all()


def test_normals_of_planes() -> None:
    assert angles(depth_normals(np.full((1, 8, 8), 3.0)), np.array([0, 0, 1])).max() < 1e-3
    # The plane z = 1 + x: on the ray (u, v, 1) it lies at 1 / (1 - u). Facing the camera it looks to its left.
    u = np.tan(np.radians(5)) * np.linspace(-1, 1, 64)
    depth = np.broadcast_to(1 / (1 - u), (1, 64, 64))
    found = depth_normals(depth)[0, 1:-1, 1:-1]
    assert angles(found, np.array([-1, 0, 1])).max() < 0.01
    assert angles(depth_normals(5 * depth)[0, 1:-1, 1:-1], found).max() < 0.01, "scale does not matter"


def test_interval_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = mean_interval(values, np.random.default_rng(1))
    assert found.over == "items"
    assert found.low < values.mean() < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.1)
    assert found == mean_interval(values, np.random.default_rng(1))
    still = mean_interval(np.full(10, 3.0), np.random.default_rng(1))
    assert (still.low, still.high) == pytest.approx((3, 3))
