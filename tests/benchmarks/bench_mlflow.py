"""Mirroring finished cells to MLflow's sqlite store, by the cell."""

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.commands.run import run_command
from bench.execution.invocations import invocations
from bench.tracking import sync

CELLS = 100
REACH_MILLISECONDS = 40


@pytest.mark.usefixtures("as_users_run_it")
def test_a_cell(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The difference between mirroring 100 cells and one, so that opening the store does not count."""
    store = tmp_path / "store"
    for last in (CELLS - 1, 0):
        run_command(
            methods="raw_pixels",
            tasks="bbt",
            profile="smoke",
            data_root=None,
            data="synthetic",
            settings=[],
            protocol="default",
            device="cpu",
            seeds=f"0-{last}",
            baselines=False,
            dry_run=False,
            suite="speed",
            mirror=False,
            store=store,
        )
    many, one = invocations(store)

    def mirrored(number: int) -> tuple[float, float]:
        seconds = []
        for run in (one, many):
            uri = f"sqlite:///{tmp_path / f'{run.id}-{number}.db'}"
            sync(store, run=one, uri=f"sqlite:///{tmp_path / f'{run.id}-{number}.db'}")
            started = time.perf_counter()
            sync(store, run=run.model_copy(update={"id": f"{run.id}x"}), uri=uri)
            seconds.append(time.perf_counter() - started)
        return seconds[0], seconds[1]

    rounds = benchmark.pedantic(lambda: [mirrored(number) for number in range(3)], rounds=1)
    each = (min(all_ for _, all_ in rounds) - min(single for single, _ in rounds)) / (CELLS - 1) * 1000
    benchmark.extra_info.update(milliseconds=each, reach=REACH_MILLISECONDS, cells=CELLS)
    assert each <= REACH_MILLISECONDS
