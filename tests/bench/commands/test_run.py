"""Grids from request to record: caching, errors, forcing, seeds."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.commands.compare import compare_command
from bench.execution.invocations import invocations
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.terminal import Terminal
from datasets.errors import BenchError

Grid = Callable[..., tuple[int, list[Record]]]


def test_a_method_and_a_dataset_of_ones_own(grid: Grid, own_methods: Path, tmp_path: Path) -> None:
    code, [record] = grid(f"{own_methods}:Tiny")
    assert code == 0
    assert record.status == "ok"
    assert record.metrics["accuracy"] == 1.0, "two colours are trivially told apart"
    assert record.feature_size == 4 * 8 * 8
    assert record.training["steps"] > 0
    assert record.training_dataset is not None
    assert record.training_dataset.label == "utkface[synthetic]"
    assert record.dataset is not None
    assert not record.dataset.synthetic
    assert record.synthetic, "trained on drawn images, so not comparable"
    [manifest] = invocations(tmp_path / "store")
    assert manifest.exit_code == 0
    assert manifest.records(tmp_path / "store") == [record]


def test_a_second_run_computes_nothing(grid: Grid, own_methods: Path) -> None:
    _, first = grid(f"{own_methods}:Tiny,raw_pixels")
    _, second = grid(f"{own_methods}:Tiny,raw_pixels")
    assert first == second, "records hold their times, so equal records are the same records"


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(grid: Grid, own_methods: Path) -> None:
    _, here = grid(f"{own_methods}:Tiny", seeds="0,1")
    _, there = grid(f"{own_methods}:Tiny", seeds="0,1", store="elsewhere")
    assert [record.weights_sha256 for record in here] == [record.weights_sha256 for record in there]
    assert here[0].weights_sha256 != here[1].weights_sha256
    assert [record.metrics for record in here] == [record.metrics for record in there]


def test_force_computes_again_and_finds_the_same(grid: Grid, own_methods: Path) -> None:
    _, [first] = grid(f"{own_methods}:Tiny")
    _, [second] = grid(f"{own_methods}:Tiny", force=True)
    assert second.started > first.ended
    assert (second.weights_sha256, second.metrics) == (first.weights_sha256, first.metrics)


def test_a_failing_cell_is_recorded_and_the_run_goes_on(grid: Grid, own_methods: Path) -> None:
    code, [diverged, broken, fine] = grid(f"{own_methods}:Diverges,{own_methods}:Broken,raw_pixels")
    assert code == 1
    assert diverged.status == "failed"
    assert diverged.error is not None
    assert "step 5" in diverged.error, diverged.error
    assert broken.error == "ZeroDivisionError: a defect of the method"
    assert "own_methods.py" in broken.details["traceback"]
    assert fine.status == "ok"


def test_missing_data_is_said_and_the_rest_runs(grid: Grid, own_methods: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty_root"
    empty.mkdir()
    code, [trained, fine] = grid(f"{own_methods}:Tiny,raw_pixels", data_root=empty)
    assert code == 1
    assert trained.status == "missing"
    assert trained.error is not None
    assert "utkface" in trained.error.lower()
    assert "synthetic" in trained.error
    assert fine.status == "ok"


def test_a_setting_changes_the_weights_but_an_encode_setting_does_not(grid: Grid, own_methods: Path) -> None:
    _, [narrow] = grid(f"{own_methods}:Tiny")
    _, [wide] = grid(f"{own_methods}:Tiny", settings=["Tiny.width=5"])
    assert wide.feature_size == 5 * 8 * 8
    assert wide.weights_sha256 != narrow.weights_sha256
    short = ["pdr.schedule.max_steps=2", "pdr.nf=16"]
    _, [both] = grid("pdr", settings=short)
    _, [light] = grid("pdr", settings=[*short, "pdr.features=light"])
    assert light.weights_sha256 == both.weights_sha256
    assert light.stages["fit"] == both.stages["fit"], "the training is taken from the cache"
    assert light.feature_size != both.feature_size


def test_workers_find_what_one_process_finds(grid: Grid, own_methods: Path) -> None:
    _, alone = grid(f"{own_methods}:Tiny,raw_pixels", seeds="0,1")
    code, spread = grid(f"{own_methods}:Tiny,raw_pixels", seeds="0,1", jobs=2, store="workers")
    assert code == 0
    assert [r.name for r in spread] == [r.name for r in alone]
    assert [r.metrics for r in spread] == [r.metrics for r in alone]


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match="cannot write to the store"):
        Store(tmp_path / "file" / "store")


def test_two_runs_are_compared_cell_by_cell(
    grid: Grid, own_methods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid(f"{own_methods}:Tiny,raw_pixels")
    grid("raw_pixels", store="other")
    compare_command(str(tmp_path / "store"), str(tmp_path / "other"), "md", tmp_path / "store")
    out, err = capsys.readouterr()
    assert re.search(r"raw_pixels/tracks:\S+ \| accuracy \| none \| 1.000 \| 1.000 \| \+0.000 .*same", out)
    assert "only in the first: own_methods.py:Tiny/" in err


def test_a_long_error_is_shortened_and_told_once(
    grid: Grid, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "begin " + "x" * 19_000 + " middle " + "y" * 300 + " end"

    def fail(*_: object, **__: object) -> None:
        raise BenchError(long)

    monkeypatch.setattr("bench.pipeline.run.compute", fail)
    code, records = grid("raw_pixels,chance", console=Terminal(width=200))
    assert code == 1
    error = records[0].error
    assert error is not None
    assert len(error) < 1000
    assert (error[:5], error[-4:]) == ("begin", " end")
    out, err = capsys.readouterr()
    assert (out + err).count("y end") == 1, "whole where the run says what went wrong, for both cells"
    assert "error: raw_pixels/" in err
    assert "chance/" in err
    assert max(map(len, out.splitlines())) < 500
