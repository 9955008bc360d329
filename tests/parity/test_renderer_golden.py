"""The renderer against numbers of the published implementation (Neural Mesh Renderer inside Unsup3D)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.rendering.scene import DepthRenderer

pytestmark = pytest.mark.golden("renderer_*px_*deg.npz")


def share_within(actual: torch.Tensor, expected: np.ndarray, tolerance: float) -> float:
    return float((np.abs(actual.detach().numpy() - expected) <= tolerance).mean())


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_equals_the_published_renderer(golden_file: Path, backend: str) -> None:
    golden = {name: values for name, values in np.load(golden_file).items()}
    depth = torch.from_numpy(golden["canonical_depth"]).requires_grad_()
    view = torch.from_numpy(golden["view"]).requires_grad_()
    renderer = DepthRenderer(size=depth.shape[-1], backend=backend)

    recon_depth = renderer.warp(depth, view)
    grid = renderer.inverse_grid(recon_depth, view)
    normals = renderer.normals(depth)
    loss = (recon_depth * torch.from_numpy(golden["weight_depth"])).sum()
    loss = loss + 0.01 * (grid * torch.from_numpy(golden["weight_grid"])).sum()
    loss.backward()

    assert share_within(recon_depth, golden["recon_depth"], 1e-5) >= 0.9995
    assert share_within(grid, golden["inverse_grid"], 1e-5) >= 0.9995
    assert share_within(normals, golden["normal"], 1e-5) >= 0.9995
    for actual, name in ((depth.grad, "grad_canonical_depth"), (view.grad, "grad_view")):
        expected = golden[name]
        error = np.linalg.norm(actual.numpy() - expected) / np.linalg.norm(expected)
        assert error <= 1e-3, f"{name}: relative error {error:.2e}"
