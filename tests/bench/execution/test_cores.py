"""The cores that a process may use, not those of the machine."""

import os
import subprocess
import sys

import pytest

from bench.execution.cores import usable_cores

ASK = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
PRINT = "from bench.execution.cores import usable_cores; print(usable_cores())"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_that_is_tied_to_one_core_has_one() -> None:
    done = subprocess.run([sys.executable, "-c", ASK + PRINT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
