"""GANverse3D's template and losses against DIB-R's released code, and its two views against kaolin's rendering."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from methods.ganverse3d.losses import color_loss, flatten_loss, iou, iou_loss, laplacian_loss, movement_loss
from methods.ganverse3d.template import Topology, icosphere
from methods.rendering.dibr import Silhouette, render
from methods.rendering.dibr_camera import orbit, to_camera

BACKENDS = ["native", "torch"]


def load(path: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values) for name, values in np.load(path).items()}


def assert_value(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    assert float(actual.detach()) == pytest.approx(float(expected), rel=tolerance)


def assert_gradient(actual: Tensor | None, expected: Tensor, tolerance: float) -> None:
    assert actual is not None
    error = (actual.double() - expected.double()).norm() / expected.double().norm()
    assert error <= tolerance, f"relative error {error:.2e}"


@pytest.mark.golden("dibr_template_*.npz")
def test_template_and_topology(golden_file: Path) -> None:
    golden = load(golden_file)
    released = Topology.of(golden["faces"].long(), len(golden["vertices"]))
    assert torch.equal(released.edges, golden["edges"].long())
    assert torch.equal(released.edge_faces, golden["edge_faces"].long())
    assert torch.equal(released.neighbours, golden["neighbours"].long())

    level = round(float(np.log(len(golden["faces"]) / 20) / np.log(4)))
    vertices, faces = icosphere(level)
    topology = Topology.of(faces, len(vertices))
    counts = [len(vertices), len(faces), len(topology.edges), len(vertices) - len(topology.edges) + len(faces)]
    assert counts == golden["sphere_counts"].tolist()
    valence, count = topology.neighbours.unique(return_counts=True)
    assert valence.tolist() == golden["sphere_valence"].tolist()
    assert count.tolist() == golden["sphere_valence_count"].tolist()
    corners = vertices.double()[faces]
    length = vertices.double()[topology.edges].diff(dim=1).norm(dim=-1)
    expected = golden["sphere_edge_min_max"]
    torch.testing.assert_close(torch.stack([length.min(), length.max()]), expected.double(), rtol=0, atol=1e-5)
    a, b, c = corners.unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=-1).sum() / 2
    assert float(area) == pytest.approx(float(golden["sphere_area"]), abs=1e-5)
    assert float(torch.linalg.det(corners).sum() / 6) == pytest.approx(float(golden["sphere_volume"]), abs=1e-5)
    flat = flatten_loss(vertices[None], faces, topology) * len(topology.edges)
    assert float(flat) == pytest.approx(float(golden["sphere_flatten"]), rel=1e-4)
    smooth = laplacian_loss(vertices[None], topology) * len(vertices)
    assert float(smooth) == pytest.approx(float(golden["sphere_laplacian_of_positions"]), rel=1e-4)


@pytest.mark.golden("dibr_losses_*.npz")
def test_losses(golden_file: Path) -> None:
    golden = load(golden_file)
    image, soft, offsets, vertices = (
        golden[name].requires_grad_() for name in ("image", "mask", "offsets", "vertices")
    )
    topology = Topology.of(golden["faces"].long(), vertices.shape[1])
    # The released regularisers are sums over vertices and edges.
    edges, count = len(topology.edges), vertices.shape[1]
    losses = {
        "color": (color_loss(image, golden["image_true"], golden["mask_true"]), image, "grad_color_image"),
        "iou": (iou_loss(soft, golden["mask_true"]), soft, "grad_iou_mask"),
        "laplacian": (laplacian_loss(offsets, topology) * count, offsets, "grad_laplacian_offsets"),
        "flatten": (flatten_loss(vertices, golden["faces"], topology) * edges, vertices, "grad_flatten_vertices"),
        "movement_small": (movement_loss(offsets), offsets, "grad_movement_small_offsets"),
    }
    for name, (loss, source, gradient) in losses.items():
        assert_value(loss, golden[f"loss_{name}"], 1e-5)
        assert_gradient(torch.autograd.grad(loss, source)[0], golden[gradient], 1e-4)
    weights = {"color": 3, "iou": 1, "laplacian": 0.01, "flatten": 0.001}
    total = sum(weight * losses[name][0] for name, weight in weights.items())
    assert isinstance(total, Tensor)
    assert_value(total, golden["loss_dibr_total"], 1e-5)


@pytest.mark.golden("ganverse3d_iou_*.npz")
def test_intersection_over_union(golden_file: Path) -> None:
    golden = load(golden_file)
    found = iou(golden["rendered"] > 0.5, golden["mask"] > 0.5)
    torch.testing.assert_close(found.double(), golden["iou"], rtol=0, atol=1e-6)
    assert_value(found.mean(), golden["mean_iou"], 1e-6)
    assert_value(iou_loss(golden["rendered"], golden["mask"]), golden["loss_iou"], 1e-5)


@pytest.mark.golden("ganverse3d_multiview_*.npz")
@pytest.mark.parametrize("backend", BACKENDS)
def test_two_views_each_rendered_into_both(golden_file: Path, backend: str) -> None:
    golden = load(golden_file)
    names = ("offsets", "textures", "azimuth", "elevation", "distance")
    inputs = {name: golden[name].float().requires_grad_() for name in names}
    views, count = inputs["offsets"].shape[:2]
    topology = Topology.of(golden["faces"].long(), len(golden["template"]))
    silhouette = Silhouette(float(golden["sigmainv"]), float(golden["boxlen"]), int(golden["knum"]))
    loss, without = torch.zeros(()), torch.zeros(())
    for i in range(views):
        vertices = golden["template"] + inputs["offsets"][i]
        shape = {
            "laplacian": laplacian_loss(inputs["offsets"][i], topology),
            "flatten": flatten_loss(vertices, golden["faces"], topology),
            "movement": movement_loss(inputs["offsets"][i]),
        }
        for name, value in shape.items():
            assert_value(value, golden[f"{name}_mean"][i], 1e-4)
        for j in range(views):
            rotation, position = orbit(*(inputs[name][j].expand(count) for name in names[2:]))
            drawn = render(
                to_camera(vertices, rotation, position),
                golden["faces"],
                golden["face_uvs"],
                inputs["textures"][i],
                float(golden["fov"]),
                golden["masks"].shape[-1],
                silhouette,
                backend=backend,
            )
            assert (drawn.face != golden["face"][i, j]).float().mean() < 1e-3
            mask = golden["masks"][j].float()
            color, soft = color_loss(drawn.image, golden["images"][j], mask), iou_loss(drawn.soft, mask)
            assert_value(color, golden["color"][i, j], 1e-4)
            assert_value(soft, golden["iou_loss"][i, j], 1e-4)
            without = without + 20 * color + 3 * soft + 5 * shape["laplacian"] + 5 * shape["flatten"]
            loss = loss + 2.5 * shape["movement"]
    assert_value(without, golden["loss_without_movement"], 1e-4)
    assert_value(loss + without, golden["loss"], 1e-4)
    (loss + without).backward()
    for name, values in inputs.items():
        assert_gradient(values.grad, golden[f"grad_{name}"], 2e-3)
