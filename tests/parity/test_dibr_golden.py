"""DIB-R's renderer against kaolin's numbers: its CUDA kernels' own where it stores them, else the kernels on a CPU."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from methods.rendering.dibr import Silhouette, interpolate, rasterize, render, soft_mask
from methods.rendering.dibr_camera import facing, orbit, project, to_camera
from methods.rendering.dibr_texture import lookup

BACKENDS = ["native", "torch"]
# Faces that CUDA, in single precision, decides otherwise.
CUDA_TIES = 4


def load(path: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values) for name, values in np.load(path).items()}


def assert_close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(actual.double(), expected.double(), rtol=0, atol=tolerance)


def assert_gradient(actual: Tensor | None, expected: Tensor, tolerance: float) -> None:
    assert actual is not None
    assert expected.norm() > 0
    error = (actual.double() - expected.double()).norm() / expected.double().norm()
    assert error <= tolerance, f"relative error {error:.2e}"


@pytest.mark.golden("dibr_raster_*px.npz")
@pytest.mark.parametrize("backend", BACKENDS)
def test_visible_triangles_and_their_attributes(golden_file: Path, backend: str) -> None:
    golden = load(golden_file)
    size = golden["face"].shape[-1]
    points, attributes = golden["vertices_image"].requires_grad_(), golden["attributes"].requires_grad_()
    face = rasterize(points, golden["vertices_z"], golden["faces"], golden["valid"].bool(), size, size, backend)
    clear = golden["near_tie"] == 0
    assert clear.any()
    assert torch.equal(face[clear], golden["face"][clear])
    settled = torch.ones_like(clear) if "edges" in golden_file.stem else clear
    assert torch.equal((face >= 0)[settled], golden["mask"].bool()[settled])

    corners = torch.eye(3).expand(len(golden["faces"]), 3, 3)
    weights = interpolate(points.detach(), golden["faces"], face, corners, backend)
    assert_close(weights[clear], golden["weights"][clear], 1e-5)
    image = interpolate(points, golden["faces"], face, attributes, backend)
    assert_close(image[clear], golden["image"][clear], 1e-4)
    (image * golden["weight_image"]).sum().backward()
    assert_gradient(points.grad, golden["grad_vertices_image"], 1e-3)
    assert_gradient(attributes.grad, golden["grad_attributes"], 1e-3)

    if "vertices_camera" in golden:
        camera = golden["vertices_camera"]
        assert torch.equal(facing(camera, golden["faces"]), golden["valid"].bool())
        assert_close(project(camera, float(golden["fov"])), points, 1e-5)


@pytest.mark.golden("dibr_soft_*px.npz")
@pytest.mark.parametrize("backend", BACKENDS)
def test_soft_silhouettes(golden_file: Path, backend: str) -> None:
    golden = load(golden_file)
    for k, (inverse_sigma, box, count) in enumerate(
        zip(golden["sigmainv"].tolist(), golden["boxlen"].tolist(), golden["knum"].tolist(), strict=True)
    ):
        points = golden["vertices_image"].clone().requires_grad_()
        soft = soft_mask(points, golden["faces"], golden["face"], Silhouette(inverse_sigma, box, count), backend)
        assert_close(soft, golden["soft"][k], 1e-4)
        (soft * golden["weight_soft"]).sum().backward()
        assert_gradient(points.grad, golden["grad_vertices_image"][k], 1e-3)


@pytest.mark.golden("dibr_cuda_*.npz")
@pytest.mark.parametrize("backend", BACKENDS)
def test_kaolins_own_numbers_of_a_gpu(golden_file: Path, backend: str) -> None:
    """Every triangle has corners of its own; images are taller than wide."""
    golden = load(golden_file)
    batch, count = golden["face_vertices_z"].shape[:2]
    faces = torch.arange(3 * count).view(count, 3)
    corners = golden["face_vertices_image"].view(batch, -1, 2)
    height, width = golden["face"].shape[1:]
    drawn = torch.ones(batch, count, dtype=torch.bool)
    depth = golden["face_vertices_z"].view(batch, -1)
    face = rasterize(corners, depth, faces, drawn, height, width, backend)
    assert (face != golden["face"]).sum() <= CUDA_TIES
    target = golden["target"].float()
    for k, (inverse_sigma, box, limit) in enumerate(
        zip(golden["sigmainv"].tolist(), golden["boxlen"].tolist(), golden["knum"].tolist(), strict=True)
    ):
        points = corners.clone().requires_grad_()
        soft = soft_mask(points, faces, golden["face"], Silhouette(inverse_sigma, box, limit), backend)
        assert_close(soft, golden["soft"][k], 1e-5)
        both = (soft * target).sum((1, 2))
        (1 - (both / ((soft + target).sum((1, 2)) - both + 1e-10)).mean()).backward()
        assert_gradient(
            points.grad.view(golden["face_vertices_image"].shape), golden["grad_face_vertices_image"][k], 1e-4
        )


@pytest.mark.golden("dibr_texture_lookup_*.npz")
@pytest.mark.parametrize(("seam", "published"), [("border", "kaolin"), ("wrap", "convmesh")])
def test_texture_lookup(golden_file: Path, seam: str, published: str) -> None:
    golden = load(golden_file)
    texture, uv = golden["texture"].requires_grad_(), golden["uv"].requires_grad_()
    value = lookup(texture, uv, seam)
    assert_close(value, golden[f"{published}_value"], 1e-5)
    (value * golden["weight"]).sum().backward()
    assert_gradient(uv.grad, golden[f"{published}_grad_uv"], 1e-4)
    assert_gradient(texture.grad, golden[f"{published}_grad_texture"], 1e-4)


@pytest.mark.golden("dibr_camera_*.npz")
def test_cameras(golden_file: Path) -> None:
    golden = load(golden_file)
    rotation, position = orbit(golden["azimuth"], golden["elevation"], golden["distance"])
    assert_close(rotation, golden["rotation"], 1e-5)
    assert_close(position, golden["position"], 1e-5)
    camera = to_camera(golden["points"], rotation, position)
    assert_close(camera, golden["points_camera"], 1e-5)
    for k, fov in enumerate(golden["fov"].tolist()):
        assert_close(project(camera[k : k + 1], fov)[0], golden["points_image"][k], 1e-5)


@pytest.mark.golden("dibr_textured_*px.npz")
@pytest.mark.parametrize("backend", BACKENDS)
def test_textured_meshes(golden_file: Path, backend: str) -> None:
    golden = load(golden_file)
    inputs = {
        name: golden[name].float().requires_grad_()
        for name in ("vertices", "texture", "azimuth", "elevation", "distance")
    }
    camera = to_camera(inputs["vertices"], *orbit(inputs["azimuth"], inputs["elevation"], inputs["distance"]))
    silhouette = Silhouette(float(golden["sigmainv"]), float(golden["boxlen"]), int(golden["knum"]))
    size = golden["face"].shape[-1]
    drawn = render(
        camera,
        golden["faces"],
        golden["face_uvs"],
        inputs["texture"],
        float(golden["fov"]),
        size,
        silhouette,
        backend=backend,
    )
    image = drawn.image.permute(0, 2, 3, 1)
    clear = golden["near_tie"] == 0
    assert torch.equal(drawn.face[clear], golden["face"][clear])
    # The file's own mask is empty: the triangles say what is covered.
    assert torch.equal(drawn.mask[clear], (golden["face"] >= 0)[clear])
    assert_close(drawn.uv[clear], golden["uv"][clear], 1e-4)
    assert_close(image[clear], golden["image"][clear], 1e-4)
    assert_close(drawn.soft[clear], golden["soft"][clear], 1e-4)
    loss = (image * golden["weight_image"]).sum() + (drawn.soft * golden["weight_soft"]).sum()
    assert abs(float(loss.detach() / golden["loss"]) - 1) <= 1e-4
    loss.backward()
    for name, values in inputs.items():
        assert_gradient(values.grad, golden[f"grad_{name}"], 1e-3)
