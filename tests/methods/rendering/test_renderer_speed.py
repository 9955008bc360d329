"""A training step's rendering: 64 depth maps of 64 pixels moved and rendered, forward and backward."""

import time

import pytest
import torch

from methods.rendering.scene import DepthRenderer

# CPU seconds. Measured at 0.03 (one core of 2020); a return to per-face tensors in torch takes ten times that.
LIMIT = 0.2


@pytest.mark.benchmark(min_rounds=5, max_time=0.5, timer=time.process_time)
def test_step_is_cheap(benchmark) -> None:  # type: ignore[no-untyped-def]
    renderer = DepthRenderer(64)
    random = torch.Generator().manual_seed(0)
    depth = 1 + 0.05 * torch.rand(64, 64, 64, generator=random)
    view = 0.3 * torch.randn(64, 6, generator=random) * torch.tensor([1, 1, 1, 0.1, 0.1, 0])
    depth.requires_grad_()
    view.requires_grad_()

    def step() -> None:
        recon = renderer.warp(depth, view)
        renderer.inverse_grid(recon, view).sum().backward()

    step()  # compiles
    benchmark(step)
    if benchmark.stats is not None:  # None under --benchmark-disable
        assert benchmark.stats.stats.min < LIMIT
