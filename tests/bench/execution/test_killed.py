"""A run that is killed, and two runs at once, leave what one quiet run leaves."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench.execution.invocations import invocations
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from tests import processes


def start(own_methods: Path, own_tracks: Path, store: Path) -> "subprocess.Popen[str]":
    """The command line in a process group of its own."""
    return processes.start(
        *("run", "--methods", f"{own_methods}:Tiny", "--tasks", f"tracks:{own_tracks}"),
        *("--profile", "smoke", "--data", "synthetic", "--store", str(store), "--no-baselines", "--jobs", "1"),
        *("--set", "Tiny.schedule.max_epochs=60", "--set", "Tiny.schedule.patience=60", "--no-mlflow"),
        start_new_session=True,
    )


def outcome(store: Path) -> Record:
    [record] = [record for record in Store(store).records() if record.status == "ok"]
    return record


def end(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0, out
    return out


def wait_for_an_epoch(process: "subprocess.Popen[str]", store: Path) -> None:
    """Return once the training has saved its state."""
    deadline = time.monotonic() + 120
    while not list(store.glob("checkpoints/*/progress/**/state-*[1-9]*")):
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline, "it never finished an epoch"
        time.sleep(0.01)


def test_killed_in_training_then_repeated(
    own_methods: Path, own_tracks: Path, new_store: Callable[[str], Path]
) -> None:
    """SIGKILL after a few epochs: the repeated command goes on and ends with the same bits as a quiet run."""
    quiet, killed = new_store("quiet"), new_store("killed")
    end(start(own_methods, own_tracks, quiet))
    process = start(own_methods, own_tracks, killed)
    wait_for_an_epoch(process, killed)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.communicate()
    assert not list(killed.glob("records/*.json")), "killed in the middle of its training"
    end(start(own_methods, own_tracks, killed))
    assert outcome(killed).weights_sha256 == outcome(quiet).weights_sha256
    assert outcome(killed).metrics == outcome(quiet).metrics


def test_two_runs_at_once_train_once(own_methods: Path, own_tracks: Path, new_store: Callable[[str], Path]) -> None:
    store = new_store("shared")
    runs = [start(own_methods, own_tracks, store) for _ in range(2)]
    outs = [end(run) for run in runs]
    assert outcome(store).status == "ok"
    assert len(list(store.glob("checkpoints/*/weights.safetensors"))) == 1
    assert sum("epoch 60/60" in out for out in outs) == 1, "only one of them trained"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_interrupted_says_how_to_go_on(
    number: signal.Signals, code: int, own_methods: Path, own_tracks: Path, new_store: Callable[[str], Path]
) -> None:
    """Ctrl-C, a plain kill and a closed terminal: the run ends on record, keeps its training's state, and says what
    to do."""
    store = new_store("interrupted")
    process = start(own_methods, own_tracks, store)
    wait_for_an_epoch(process, store)
    process.send_signal(number)
    out, _ = process.communicate(timeout=100)
    assert process.returncode == code, out
    assert "run the same command again" in out
    assert "Traceback" not in out
    [manifest] = invocations(store)
    assert manifest.exit_code == code
    assert list(store.glob("checkpoints/*/progress/**/state-*")), "the training goes on from here"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers look for their parent once a second")
def test_workers_end_with_a_parent_that_is_killed_while_they_start(tmp_path: Path, drawn: Path) -> None:
    """The parent of workers that still import torch is killed: none of them stays."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "data").symlink_to(drawn)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench", "run", "--methods", "pdr,vqvae", "--tasks", "bbt", "--profile", "smoke"),
            *("--data", "synthetic", "--jobs", "2", "--no-mlflow", "--store", str(tmp_path / "store")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    workers: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while len(workers) < 2:
        assert process.poll() is None, "it ended before its workers were seen"
        assert time.monotonic() < deadline, "no workers were started"
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        time.sleep(0.02)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
