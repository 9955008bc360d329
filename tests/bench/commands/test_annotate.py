"""`bench annotate`, and the way back: samples that are labelled teach, and other labels are another cell."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.store import Store
from datasets.errors import BenchError

Bench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path) -> Bench:
    root = tmp_path / "store"
    root.mkdir()
    (root / "data").symlink_to(drawn)
    monkeypatch.setenv("BENCH_STORE", str(root))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments, "--profile", "smoke", "--device", "cpu"])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, error = capfd.readouterr()
        return code, out, error

    return run


def identity(folder: Path, store: Path) -> dict[str, object]:
    request = Options(
        methods="datasetgan",
        tasks="few_shot_parts",
        profile="smoke",
        settings=[f"datasetgan.annotations={folder}"],
        baselines=False,
    ).request()
    [cell] = cells(request, Store(store))
    return cell.method.identity(encoding=True)


def test_samples_out_and_masks_back(bench: Bench, tmp_path: Path) -> None:
    code, out, _ = bench("annotate", "datasetgan", "--count", "3", "--out", "samples")
    assert code == 0
    assert "samples: 3 samples" in out
    folder = tmp_path / "samples"
    assert len(list((folder / "images").iterdir())) == 3
    before = identity(folder, tmp_path / "store")
    for name in ("sample-00", "sample-02"):
        mask = np.zeros((512, 512), np.uint8)
        mask[100:400] = 1
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    assert identity(folder, tmp_path / "store") != before, "other masks are another cell"
    folder.rename(tmp_path / "elsewhere")
    moved = identity(tmp_path / "elsewhere", tmp_path / "store")
    assert str(tmp_path) not in str(moved), "where the folder lies is no part of it"

    run = ("run", "--methods", "datasetgan", "--tasks", "few_shot_parts", "--no-baselines", "--no-mlflow")
    code, out, _ = bench(*run, "--set", "datasetgan.annotations=elsewhere")
    assert code == 0
    assert "taught by 2 annotated samples of the generator; 1 of 3 samples have no mask" in " ".join(out.split())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"datasetgan\.annotations = .*nowhere: no such folder"):
        identity(tmp_path / "nowhere", tmp_path / "store")
