"""Meshes as files: what another program reads is what the renderer shows."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets.errors import BenchError, ResourceMissing
from methods.ganverse3d.template import icosphere, spherical_uvs
from methods.ganverse3d.textured_mesh import TexturedMesh
from methods.rendering.dibr_texture import Seam, lookup

FORMATS = ["obj", "glb"]


def sphere(seam: Seam = "wrap") -> TexturedMesh:
    """A sphere whose texture changes from texel to texel."""
    vertices, faces = icosphere(1)
    texture = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 8, 16)).astype(np.float32)) / 255
    return TexturedMesh(0.5 * vertices, faces, spherical_uvs(vertices, faces), texture, seam)


def read(path: Path) -> Any:
    trimesh = pytest.importorskip("trimesh", reason="trimesh does not import (extra [mesh])")
    return trimesh.load(path, force="mesh", process=False)


def colour(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Bilinear as viewers do it: texels' centres at (k + 1/2) / n, v upwards, both coordinates repeated."""
    height, width = image.shape[:2]
    x, y = uv[0] * width - 0.5, (1 - uv[1]) * height - 0.5
    left, top = int(np.floor(x)), int(np.floor(y))
    total = np.zeros(3)
    for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, across in ((left, 1 - (x - left)), (left + 1, x - left)):
            total += down * across * image[min(max(row, 0), height - 1), column % width]
    return total


@pytest.mark.parametrize("suffix", FORMATS)
def test_another_program_reads_the_same_mesh(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("trimesh", reason="trimesh does not import (extra [mesh])")
    mesh = sphere()
    mesh.export(tmp_path / f"a face.{suffix}")
    found = read(tmp_path / f"a face.{suffix}")
    corners = mesh.vertices[mesh.faces].numpy()
    places = np.asarray(found.vertices)[found.faces]
    np.testing.assert_allclose(places, corners, atol=1e-6)
    material = found.visual.material
    picture = getattr(material, "image", None) or material.baseColorTexture
    image = np.asarray(picture.convert("RGB")) / 255
    np.testing.assert_allclose(image, mesh.texture.permute(1, 2, 0), atol=1e-6)
    uvs = np.asarray(found.visual.uv)[found.faces]
    across = (mesh.uvs[..., 0] > 1).float()
    assert across.any()
    expected = lookup(mesh.texture[None], torch.stack([mesh.uvs[..., 0] - across, mesh.uvs[..., 1]], -1)[None], "wrap")[
        0
    ]
    for face in range(len(mesh.faces)):
        for corner in range(3):
            seen = colour(image, uvs[face, corner])
            np.testing.assert_allclose(seen, expected[face, corner], atol=2e-3)


def test_a_texture_with_a_border_keeps_its_coordinates(tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="trimesh does not import (extra [mesh])")
    mesh = sphere("border")
    mesh.export(tmp_path / "face.obj")
    found = read(tmp_path / "face.obj")
    np.testing.assert_allclose(np.asarray(found.visual.uv)[found.faces], mesh.uvs, atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.mtl", "face.obj", "face.png"]


def test_other_formats_and_a_missing_package_are_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BenchError, match=r"face\.ply: a mesh is written as \.glb or \.obj"):
        sphere().export(tmp_path / "face.ply")
    monkeypatch.setitem(sys.modules, "trimesh", None)  # the import fails
    with pytest.raises(ResourceMissing, match=r"install the extra \[mesh\]") as caught:
        sphere().export(tmp_path / "face.obj")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
