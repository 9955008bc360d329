"""Rendering as a share of a training step: the meshes of one batch, forward and backward, against the whole step.

    pytest tests/benchmarks/bench_render.py

The `mini` configuration at 64 px, on one thread as `bench run` trains with several workers, and on two. The meshes are
those that the networks predict. Both are timed in turns in one process, so that the ratio does not depend on the
machine's load as their times do.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from bench.grid.values import merge
from methods.pdr.config import PROFILES, PDRConfig
from methods.pdr.learner import PDRLearner
from methods.pdr.method import PDR
from methods.rendering.scene import DepthRenderer

ROUNDS = 15
# Of a step, by threads. Workers train on one each; the second speeds the networks up and hardly the few small meshes.
REACH = {1: 0.10, 2: 0.14}


def median_seconds(*steps: Callable[[], object]) -> list[float]:
    """Median time of each, taken in turns after two rounds of warming up."""
    times: list[list[float]] = [[] for _ in steps]
    for round_ in range(ROUNDS + 2):
        for step, spent in zip(steps, times, strict=True):
            started = time.perf_counter()
            step()
            if round_ >= 2:
                spent.append(time.perf_counter() - started)
    return [statistics.median(spent) for spent in times]


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("loocc", ["none", "lv"])
def test_rendering_is_a_tenth_of_a_step(benchmark: BenchmarkFixture, loocc: str, threads: int) -> None:
    config = PDRConfig.model_validate(merge(PROFILES["mini"], {"loocc": loocc}))
    batch = config.schedule.batch_size
    generator = torch.Generator().manual_seed(0)
    learner = PDRLearner(PDR(config).module, config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    [adam] = learner.optimizers().values()
    images = torch.rand(batch, 3, 64, 64, generator=generator).to(memory_format=torch.channels_last)
    renderer = DepthRenderer(64)
    with torch.no_grad():
        predicted = learner.model(images * 2 - 1)
    depth, view = predicted.depth.clone().requires_grad_(), predicted.view.repeat(2, 1).requires_grad_()

    def train() -> None:
        adam.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = learner(images, phase="autoencoder", step=0, generator=generator)["loss"]
        loss.backward()
        adam.step()

    def render() -> None:
        renderer.warp(depth, view).sum().backward()

    step, rendering = benchmark.pedantic(median_seconds, args=(train, render), rounds=1)
    share = rendering / step
    print(f"\n{loocc}, {threads} threads: step {step * 1e3:.0f} ms, rendering {rendering * 1e3:.1f} ms = {share:.1%}")
    benchmark.extra_info.update(share=share, step_seconds=step, reach=REACH[threads])
    assert share <= REACH[threads]
