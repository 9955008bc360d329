"""The template sphere: its counts, its outside, its texture coordinates and its seam."""

import pytest
import torch

from methods.ganverse3d.template import Topology, icosphere, spherical_uvs
from methods.rendering.dibr import render
from methods.rendering.dibr_camera import orbit, to_camera


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_sphere_is_closed_round_and_seen_from_outside(level: int) -> None:
    vertices, faces = icosphere(level)
    topology = Topology.of(faces, len(vertices))
    assert (len(vertices), len(faces), len(topology.edges)) == (10 * 4**level + 2, 20 * 4**level, 30 * 4**level)
    torch.testing.assert_close(vertices.norm(dim=1), torch.ones(len(vertices)))
    assert (torch.linalg.det(vertices[faces]) > 0).all()
    assert sorted(topology.neighbours.unique().tolist()) == ([5, 6] if level else [5])
    assert (topology.neighbours == 5).sum() == 12
    mirrored = vertices * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.cdist(mirrored.double(), vertices.double()).amin(1).max() < 1e-5


def test_topology_of_a_tetrahedron() -> None:
    topology = Topology.of(torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]), 4)
    assert topology.edges.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert topology.edge_faces.tolist() == [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]]
    assert topology.neighbours.tolist() == [3, 3, 3, 3]


def test_an_open_mesh_is_refused() -> None:
    with pytest.raises(ValueError, match="not closed"):
        Topology.of(torch.tensor([[0, 1, 2], [0, 3, 1]]), 4)


def test_texture_coordinates_go_round_from_the_back() -> None:
    vertices, faces = icosphere()
    uvs = spherical_uvs(vertices, faces)
    assert uvs.isfinite().all()
    assert (uvs[..., 1].amin(), uvs[..., 1].amax()) == (0, 1)
    assert uvs[..., 0].amin() >= 0
    # No triangle goes half round, so that what it shows is what lies on it.
    assert (uvs[..., 0].amax(1) - uvs[..., 0].amin(1)).max() < 0.26
    corners = vertices[faces]
    across = uvs[..., 0].amax(1) > 1
    assert 0 < across.sum() < 100
    assert (corners[across][..., 2].amin(1) < 0).all()  # at the back
    front = (vertices - torch.tensor([0.0, 0.0, 1.0])).norm(dim=1).argmin()
    torch.testing.assert_close(uvs[faces == front][0], torch.tensor([0.5, 0.5]), atol=0.03, rtol=0)


@pytest.mark.parametrize("azimuth", [90.0, 0.0, -90.0, 180.0])
def test_a_wrapped_texture_has_no_seam_from_any_side(azimuth: float) -> None:
    vertices, faces = icosphere()
    uvs = spherical_uvs(vertices, faces)
    # The texture is the point of the unit sphere that each texel lies on, so that the image must show positions.
    rows, columns = 65, 128
    v, u = torch.linspace(1, 0, rows)[:, None], torch.arange(columns) / columns
    around, above = (u - 0.5) * 2 * torch.pi, (v - 0.5) * torch.pi
    texture = torch.stack([above.cos() * around.sin(), above.sin().expand(rows, columns), above.cos() * around.cos()])
    rotation, position = orbit(torch.tensor([azimuth]), torch.tensor([20.0]), torch.tensor([5.0]))
    camera = to_camera(vertices, rotation, position)
    drawn = render(camera, faces, uvs, texture[None], 30.0, 48, seam="wrap")
    shown = drawn.image[0].permute(1, 2, 0)[drawn.mask[0]]
    place = (torch.arange(48) * 2 + 1 - 48) / 48 * 0.2679492
    rays = torch.stack([place.expand(48, 48), -place[:, None].expand(48, 48), -torch.ones(48, 48)], -1)[drawn.mask[0]]
    # Where the ray meets the unit sphere.
    rays = torch.nn.functional.normalize(rays @ rotation[0], dim=-1)
    along = rays @ position[0]
    reached = along**2 - (position[0] @ position[0] - 1)
    expected = position[0] + rays * (-along - reached.clamp(min=0).sqrt())[:, None]
    inner = reached > 0.15  # the rim is steep, and corners are cut there
    assert inner.float().mean() > 0.7
    assert (shown - expected)[inner].norm(dim=-1).max() < 0.02
