"""How a stage computes: one thread and exact float32, whatever the caller has set, and his settings come back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from threadpoolctl import threadpool_info

from bench.grid.request import Options
from bench.pipeline.cell import Cell, cells
from bench.pipeline.computing import computing
from bench.pipeline.context import Context
from bench.pipeline.store import Store
from bench.pipeline.walk import look
from bench.run import Run

WATCHING = '''


class Watching(Tiny):
    """Notes under what settings it is trained and asked."""

    def note(self, what):
        import os, pathlib

        tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        with pathlib.Path(os.environ["TEST_LOG"]).open("a") as lines:
            lines.write(f"{what} {torch.get_num_threads()} {tf32[0]} {tf32[1]}\\n")

    def fit(self, images, trainer):
        self.note("fit")
        return super().fit(images, trainer)

    def encode(self, images):
        self.note("encode")
        return super().encode(images)
'''


@pytest.fixture(autouse=True)
def callers_settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two threads, and TF32 wherever torch knows it."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_num_threads(2)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = True
    yield
    torch.set_num_threads(before[0])
    torch.set_float32_matmul_precision(before[1])
    torch.backends.cudnn.allow_tf32 = before[2]


@pytest.fixture
def watching(own_methods: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a method that writes its settings to `log`."""
    path = tmp_path / "own_watching.py"
    path.write_text(own_methods.read_text() + WATCHING)
    monkeypatch.setenv("TEST_LOG", str(tmp_path / "log"))
    return path


def test_settings_come_back_after_an_error() -> None:
    def work() -> None:
        with computing():
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}, "numpy's and scipy's too"
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
            raise KeyError

    pools = threadpool_info()
    with pytest.raises(KeyError):
        work()
    assert torch.get_num_threads() == 2
    assert torch.get_float32_matmul_precision() == "medium"
    assert torch.backends.cudnn.allow_tf32
    assert threadpool_info() == pools


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_stage_computes_so_whoever_runs_it(
    new_store: Callable[[str], Path], own_tracks: Path, watching: Path, tmp_path: Path, jobs: int
) -> None:
    """This process or a worker: the same threads, the same formats, the same bits."""
    request = Options(
        f"{watching}:Watching", f"tracks:{own_tracks}", "smoke", seeds="0,1", device="cpu", jobs=jobs, baselines=False
    ).request()
    store = Store(new_store("store"))
    run = Run(request, store, cells(request, store), Console(quiet=True), "tests", mirror=False)
    assert run.go() == 0
    noted = (tmp_path / "log").read_text().splitlines()
    assert {line.split()[0] for line in noted} == {"fit", "encode"}
    assert {line.split(maxsplit=1)[1] for line in noted} == {"1 False False"}
    assert all(record.environment.threads == 1 for record in run.records)


def values(cell: Cell, context: Context) -> dict[str, dict[str, Any]]:
    """What a cell's keys are made of, by stage."""
    return look(cell, context).ingredients


def test_kind_of_device_and_threads_are_in_the_keys(grid: Any, new_store: Callable[[str], Path]) -> None:
    code, records = grid("raw_pixels,random_init")
    assert code == 0
    for record in records:
        stages = record.ingredients
        assert stages["encode"] | {"device": "cpu", "threads": 1} == stages["encode"]
        assert "device" not in stages["fit"], "nothing is trained: the initial weights are the same anywhere"


def test_a_training_is_keyed_by_the_kind_of_device(new_store: Callable[[str], Path], own_methods: Path) -> None:
    request = Options(f"{own_methods}:Tiny", "bbt", "smoke", data="synthetic", device="cpu", baselines=False).request()
    store = Store(new_store("store"))
    (cell,) = cells(request, store)
    context = Context.of(request, store)
    there = values(cell, context)["fit"]
    assert (there["device"], there["threads"]) == ("cpu", 1)
    elsewhere = Context("cuda", store, context.data, context.progress)
    assert values(cell, elsewhere)["fit"] == {**there, "device": "cuda"}


def test_the_same_bits_on_any_number_of_threads() -> None:
    """A sum over threads depends on their number; `computing` takes that choice away."""
    rows = torch.from_numpy(np.random.default_rng(0).standard_normal(3_000_001).astype(np.float32))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        with computing():
            found.append(rows.sum().item())
    assert len(set(found)) == 1
