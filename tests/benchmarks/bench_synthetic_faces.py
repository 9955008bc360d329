"""Drawing faces at 64 pixels; collected only by name: `pytest tests/benchmarks/bench_synthetic_faces.py`.

CPU time per image rather than wall time, which other work on the machine changes.
"""

import time

import pytest
import torch

from datasets.base import Silent
from datasets.synthetic.sources import BBTStandIn


@pytest.mark.parametrize("threads", [1, 2])
def test_a_core_draws_150_images_a_second(threads: int) -> None:
    source = BBTStandIn.open("smoke")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        source.read(64, Silent())  # compiles
        rates = []
        for _ in range(5):
            start = time.process_time()
            source.read(64, Silent())
            rates.append(len(source) / (time.process_time() - start))
    finally:
        torch.set_num_threads(before)
    assert max(rates) > 150, f"{max(rates):.0f} images per second and core"
