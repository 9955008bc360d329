"""A training killed by SIGKILL and started again ends with the same bits as one left alone."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy_learners import LEARNERS, train_until

from datasets.files import read_json


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Processes forked from one that has imported everything and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["toy_learners"])
    with pytest.MonkeyPatch.context() as patch:  # what it preloads is looked for on PYTHONPATH alone
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        yield context


def run(processes: Any, point: str, kind: str, folder: Path) -> int:
    """Exit code of a training in a process of its own."""
    folder.mkdir(exist_ok=True)
    process = processes.Process(target=train_until, args=(point, kind, folder))
    process.start()
    process.join(60)
    assert process.exitcode is not None, "the training hangs"
    return process.exitcode


def losses(folder: Path) -> list[dict[str, Any]]:
    """Every loss of every epoch."""
    return [{part: entry[part] for part in ("train", "validation")} for entry in summary(folder)["curve"]]


def summary(folder: Path) -> dict[str, Any]:
    return read_json(folder / "summary.json")


@pytest.mark.parametrize("kind", LEARNERS)
def test_killed_training_ends_with_the_same_bits(processes: Any, kind: str, tmp_path: Path) -> None:
    assert run(processes, "the end", kind, tmp_path / "whole") == 0
    expected = load_file(tmp_path / "whole" / "weights.safetensors")
    points = ["in an epoch", "while writing a state", "before removing the old state"]
    for point in points:
        folder = tmp_path / point.replace(" ", "_")
        assert run(processes, point, kind, folder) == -signal.SIGKILL, point
        assert not (folder / "weights.safetensors").exists()
        kept = sorted(path.name for path in (folder / "progress" / "train").glob("state-*"))
        assert (
            kept
            == {
                "in an epoch": ["state-000002"],
                "while writing a state": ["state-000002"],
                "before removing the old state": ["state-000001", "state-000002"],
            }[point]
        )
        assert run(processes, "the end", kind, folder) == 0
        weights = load_file(folder / "weights.safetensors")
        assert all(torch.equal(weights[name], value) for name, value in expected.items()), point
        assert losses(folder) == losses(tmp_path / "whole"), point
        assert summary(folder)["best_epoch"] == summary(tmp_path / "whole")["best_epoch"]
        lines = (folder / "progress" / "train" / "curve.jsonl").read_text().splitlines()
        assert len(lines) == 4
        left = sorted(path.name for path in (folder / "progress" / "train").iterdir())
        assert left == ["curve.jsonl", "finished"]


def test_killed_training_has_trained_before_the_kill(processes: Any, tmp_path: Path) -> None:
    """So that the test above compares a resumed training, not one that started anew."""
    run(processes, "in an epoch", "denoiser", tmp_path)
    state = read_json(tmp_path / "progress" / "train" / "state-000002" / "state.json")
    assert (state["position"]["epoch"], state["position"]["step"]) == (2, 12)
    first = state["position"]["curve"]
    assert run(processes, "the end", "denoiser", tmp_path) == 0
    assert summary(tmp_path)["curve"][:2] == first  # with the times that the first process measured
