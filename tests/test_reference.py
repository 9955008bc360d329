"""The committed reference of the smoke suite: no number of any cell changed by more than it does by itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.commands.regression import CODES, FOLDER

ROOT = Path(__file__).parents[1]


@pytest.mark.timeout(1200)
def test_no_number_of_the_smoke_suite_changed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "check", "--reference", str(FOLDER / "smoke.json")]
    done = subprocess.run(
        [*command, "--store", str(tmp_path / "store")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == CODES["void"]:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
