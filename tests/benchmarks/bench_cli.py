"""How soon the command line answers where it need not import torch."""

import subprocess
import sys
import time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

REACH_SECONDS = 0.3


@pytest.mark.parametrize("arguments", ["--help", "list methods"])
def test_answer(benchmark: BenchmarkFixture, arguments: str) -> None:
    """The least of several processes, from their start to their end."""
    command = [sys.executable, "-m", "bench", *arguments.split()]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=7, warmup_rounds=1)
    best = benchmark.stats["min"]
    benchmark.extra_info.update(seconds=best, reach=REACH_SECONDS)
    assert best <= REACH_SECONDS


def test_against_an_empty_program(benchmark: BenchmarkFixture) -> None:
    """What of that is Python's own start, for comparison."""

    def start() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        return time.perf_counter() - began

    benchmark.pedantic(start, rounds=7)
