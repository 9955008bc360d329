"""GANverse3D's template and topology against numbers of DIB-R's released code."""

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.ganverse3d.template import Topology, icosphere


@pytest.mark.golden("dibr_template_*.npz")
def test_template_and_topology(golden_file: Path) -> None:
    golden = {name: torch.from_numpy(values) for name, values in np.load(golden_file).items()}
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
