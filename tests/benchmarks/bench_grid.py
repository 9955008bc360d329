"""A grid whose every cell is cached, through the real command: time, memory, and how both grow."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

CELLS = 1000
REACH_SECONDS, REACH_MB = 10, 300
# Twice the cells may take at most so many times as long, besides what a process takes to start.
GROWTH = 2.5

RUN = """
import runpy, sys
sys.argv = ["bench", *sys.argv[1:]]
try:
    runpy.run_module("bench", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print(open("/proc/self/status").read() if sys.platform == "linux" else "")
"""


def run(store: Path, cells: int) -> tuple[float, float]:
    """Seconds and peak MB (0 where they cannot be read) of a run of one method and task at so many seeds."""
    options = ["--methods", "raw_pixels", "--no-baselines", "--tasks", "bbt", "--profile", "smoke", "--no-mlflow"]
    seeds = ["--data", "synthetic", "--seeds", f"0-{cells - 1}", "--store", str(store)]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUN, "run", *options, *seeds], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    return seconds, int(peak[1]) * 1024 / 1e6 if peak else 0.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with all cells in it."""
    folder = tmp_path_factory.mktemp("grid") / "store"
    run(folder, CELLS)
    return folder


def test_a_thousand_cached_cells(benchmark: BenchmarkFixture, store: Path) -> None:
    seconds, peak = min(benchmark.pedantic(lambda: [run(store, CELLS) for _ in range(3)], rounds=1))
    smallest, _ = min(run(store, 1) for _ in range(3))
    half, half_peak = min(run(store, CELLS // 2) for _ in range(3))
    growth = (seconds - smallest) / (half - smallest)
    benchmark.extra_info.update(
        seconds=seconds,
        reach=REACH_SECONDS,
        peak_mb=peak,
        reach_mb=REACH_MB,
        seconds_of_one_cell=smallest,
        seconds_of_half=half,
        peak_mb_of_half=half_peak,
        growth=growth,
    )
    assert seconds <= REACH_SECONDS
    assert growth <= GROWTH, f"twice the cells took {growth:.1f} times as long: {half:.2f} s, {seconds:.2f} s"
    assert peak < REACH_MB, f"{peak:.0f} MB"
