"""Runs ended from outside at random moments: no record is lost or another, no process stays, and the next run goes on.

`FAULTS=long` sends 200 signals, at other moments each time; without it two of each kind.
"""

import json
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.campaign import LONG, generator, tried
from tests.processes import start

# Signals sent to one store before its run may end.
EACH = 4 if LONG else 2
CASES = 17 if LONG else 1
SIGNALS = {"SIGKILL": None, "SIGTERM": 143, "SIGHUP": 129}
COMMAND = ["run", "--methods", "random_init,vqvae", "--no-baselines", "--tasks", "bbt", "--profile", "smoke"]
COMMAND += ["--no-mlflow", "--jobs", "2", "--device", "cpu"]
# Seconds within which a run that is told to end is gone, workers and all, on a machine that does other things too.
ENDS = 30.0


def scores(store: Path) -> dict[str, Any]:
    """Record file -> method, seed and metrics."""
    records = {path.name: json.loads(path.read_text()) for path in store.glob("records/*.json")}
    return {name: (one["method"], one["seed"], one["status"], one["metrics"]) for name, one in records.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What an undisturbed run gives, and its seconds."""
    store = tmp_path_factory.mktemp("whole") / "store"
    started = time.monotonic()
    process = start(*COMMAND, "--store", str(store))
    text, _ = process.communicate()
    assert process.returncode == 0, text
    return scores(store), time.monotonic() - started


@pytest.mark.parametrize("case", range(CASES))
@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_a_run_that_is_ended_loses_nothing(
    tmp_path: Path, whole: tuple[dict[str, Any], float], name: str, case: int
) -> None:
    reference, seconds = whole
    rng = generator(f"{name}{case}")
    store = tmp_path / "store"
    kept: dict[str, Any] = {}
    for _ in range(EACH):
        process = start(*COMMAND, "--store", str(store))
        time.sleep(rng.uniform(0, 1.1 * seconds))
        family = [psutil.Process(process.pid), *_children(process.pid)] if process.poll() is None else []
        process.send_signal(getattr(signal, name))
        tried(f"signals: {name} at a random moment of a run")
        text, _ = process.communicate(timeout=ENDS)
        code = process.returncode
        # Before the run has begun, and after its end, a signal means what it means to any program.
        assert code in (0, SIGNALS[name], -getattr(signal, name)), f"{name}: {code}\n{text}"
        if code == SIGNALS[name]:
            assert "run the same command again and it goes on where it stopped" in text
        assert "Traceback" not in text, text
        _, left = psutil.wait_procs(family, timeout=ENDS)
        assert left == [], f"{name} left {left}"
        found = scores(store)
        assert kept.items() <= found.items(), f"{name} lost a record, or changed one"
        assert found.items() <= reference.items(), f"{name} left another record"
        kept = found
    process = start(*COMMAND, "--store", str(store))
    text, _ = process.communicate()
    assert process.returncode == 0, text
    assert scores(store) == reference
    assert not list(store.rglob(".*.tmp")), "what killed processes left was swept"


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
