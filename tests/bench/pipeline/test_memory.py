"""The peak is a stage's own, whatever the process held before."""

import subprocess
import sys

# In a process of its own: trainings tell the C library to keep what it is given back.
MEASURED = """
import numpy as np
from bench.pipeline.memory import PeakMemory

with PeakMemory() as first:
    large = np.ones(60_000_000)
    del large
with PeakMemory() as second:
    small = np.ones(100_000)
print(first.mb, second.mb)
"""


def test_a_later_stage_does_not_report_an_earlier_ones_peak() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    assert first > second + 200, "480 MB were given back in between"
