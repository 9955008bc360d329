"""Calibration and check: real defects are caught, no change passes, and a void comparison says so."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from record_factory import START, record
from scipy import stats

import datasets.blocks
from bench.commands.regression import calibrate_command, check_command
from bench.execution.invocations import invocations
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.regression import (
    Measured,
    Reference,
    Suite,
    alarms,
    calibrated,
    changed,
    findings,
    first_difference,
    prediction_limit,
)
from datasets.errors import BenchError
from methods.baselines import RawPixels
from tasks.clustering.tracks import TrackFolderTask

NewStore = Callable[[str], Path]

BENT = """
from methods.base import Method


class Bent(Method):
    stateless = True

    def encode(self, images):
        return (20 * images[:, :, ::4, ::4]).sin().flatten(1)
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference of the three baselines on Buffy's stand-in."""
    folder = tmp_path_factory.mktemp("reference")
    suite = Suite(methods="raw_pixels", tasks="buffy")
    assert calibrate_command(3, suite, folder / "reference.json", folder / "store") == 0
    assert list(Store(folder / "store").records()) == [], "no table of that store knows of it"
    assert list(invocations(folder / "store")) == []
    return folder / "reference.json"


def test_a_reference_holds_what_the_numbers_do_by_themselves(reference: Path) -> None:
    found = Reference.read(reference)
    assert found.seeds == [0, 1, 2]
    assert sorted(found.cells) == ["chance/buffy", "random_init/buffy", "raw_pixels/buffy"]
    fixed, random = (found.cells[name].metrics["nmi"] for name in ("raw_pixels/buffy", "random_init/buffy"))
    assert fixed.sd == 0
    assert fixed.limit == pytest.approx(max(fixed.noise, 1e-6)), "what never varies is held to its digits"
    assert random.sd > 0
    metrics = sum(len(cell.metrics) for cell in found.cells.values())
    quantile = stats.t.ppf(1 - 0.05 / (2 * metrics), 2)
    assert random.limit == pytest.approx(max(quantile * random.sd * np.sqrt(1 + 1 / 3), random.noise))
    assert len(found.cells["raw_pixels/buffy"].items["cluster"].split()) == 40


def test_nothing_changed(reference: Path, new_store: NewStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_command(reference, new_store("store")) == 0
    out, err = capsys.readouterr()
    assert "same" in out
    assert len(out.splitlines()) == 1, "the verdict alone"
    assert "raw_pixels/buffy/0" in err, "progress is elsewhere"
    assert check_command(reference, new_store("store"), "json", quiet=True) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["outcome"] == "same"
    assert err == ""


def test_shifted_labels_are_caught(
    reference: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = TrackFolderTask.labels

    def shifted(*arguments: object) -> tuple[str, np.ndarray]:
        kind, labels = right(*arguments)
        return kind, np.roll(labels, 1)

    monkeypatch.setattr("tasks.clustering.base.Clustering.labels", shifted)
    assert check_command(reference, new_store("store")) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "regression: raw_pixels/buffy: accuracy" in out
    assert re.search(r"first differing item: \w*label\[", out)


def test_wrong_normalisation_is_caught(
    new_store: NewStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pixels in [0, 255] where [0, 1] is due: raw pixels cluster the same, what bends them does not."""
    (tmp_path / "bent.py").write_text(BENT)
    suite = Suite(methods=f"{tmp_path}/bent.py:Bent", tasks="buffy")
    path = tmp_path / "bent.json"
    assert calibrate_command(2, suite, path, new_store("calibrated")) == 0
    right = datasets.blocks.to_float
    monkeypatch.setattr("datasets.blocks.to_float", lambda *arguments: right(*arguments) * 255)
    capsys.readouterr()
    assert check_command(path, new_store("store")) == 1
    assert "regression: bent.py:Bent/buffy" in capsys.readouterr().out


def test_a_crash_has_its_own_exit_code(
    reference: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: RawPixels, images: torch.Tensor) -> torch.Tensor:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(RawPixels, "encode", broken)
    assert check_command(reference, new_store("store")) == 4
    assert "crash: raw_pixels/buffy: failed: ZeroDivisionError: a defect" in capsys.readouterr().out


def test_another_torch_makes_it_void(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Reference.read(reference)
    other = found.environment.model_copy(update={"packages": {**found.environment.packages, "torch": "1.13.1"}})
    found.model_copy(update={"environment": other}).write(tmp_path / "other.json")
    assert check_command(tmp_path / "other.json", tmp_path / "store") == 3
    assert "the reference was measured with 1.13.1" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "store").exists(), "nothing was run"


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="make one with `bench calibrate`"):
        Reference.read(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text('{"schema_version": 7}')
    with pytest.raises(BenchError, match="is no reference"):
        Reference.read(tmp_path / "bad.json")
    with pytest.raises(BenchError, match="at least 2 runs"):
        calibrate_command(1, Suite(), tmp_path / "reference.json", tmp_path / "store")


def test_a_reference_of_other_limits_is_one_clear_line(reference: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(reference.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    with pytest.raises(BenchError, match="of schema 1, whose limits meant something else: make it anew"):
        Reference.read(old)


@pytest.mark.parametrize("runs", [2, 3, 5, 10])
def test_of_unchanged_code_whose_trainings_all_come_out_anew_a_check_rarely_raises_an_alarm(runs: int) -> None:
    """100 metrics, half of them much alike: a check of all raises any alarm in 5 % of cases, each in far fewer. By 2.8
    standard deviations around the first score, two runs would raise one of each metric in 27.5 % of cases."""
    metrics, checks, rng = 100, 1500, np.random.default_rng(runs)
    shared = rng.normal(size=(checks, runs + 1, 1))
    alike = 0.95 * shared + 0.31 * rng.normal(size=(checks, runs + 1, metrics // 2))
    values = np.concatenate([alike, rng.normal(size=(checks, runs + 1, metrics // 2))], axis=2)
    before, new = values[:, :runs], values[:, runs]
    sd = before.std(axis=1, ddof=1)
    alarms = np.abs(new - before.mean(axis=1)) > sd * prediction_limit(1.0, runs, metrics)
    assert alarms.any(axis=1).mean() <= 0.065
    assert alarms.mean() <= 0.001
    if runs == 2:
        assert (np.abs(new - before[:, 0]) > 2.8 * sd).mean() == pytest.approx(0.275, abs=0.01)


def test_limits() -> None:
    assert prediction_limit(1.0, 2, 1) == pytest.approx(12.706 * np.sqrt(1.5), rel=1e-4)
    assert prediction_limit(2.0, 10, 1) == pytest.approx(2 * 2.2622 * np.sqrt(1.1), rel=1e-4)
    moved = Measured(value=0.5, mean=0.6, sd=0.01, noise=0.002, limit=0.05)
    assert [alarms(value, moved) for value in (0.5, 0.501, 0.53, 0.56, 0.64, 0.66)] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def measured(*values: tuple[float, float], method: str = "pdr") -> list[list[Record]]:
    return [
        [record(method, seed=seed, metrics=dict(zip(("a", "b"), own, strict=True)))] for seed, own in enumerate(values)
    ]


def test_a_metric_that_was_the_same_by_luck_is_not_held_to_its_digits(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    runs = measured((0.50, 0.25), (0.52, 0.25), (0.48, 0.25))
    cell = calibrated(Suite(), runs, runs[0], store, START).cells["pdr/bbt"]
    assert cell.metrics["b"].sd == cell.metrics["a"].sd == pytest.approx(0.02)
    still = measured((0.5, 0.25), (0.5, 0.25))
    cell = calibrated(Suite(), still, still[0], store, START).cells["pdr/bbt"]
    assert cell.metrics["b"].limit == pytest.approx(1e-6), "where nothing varied"


def test_what_moved_within_its_limit_is_counted(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    runs = measured((0.50, 0.25), (0.52, 0.25), (0.48, 0.25))
    reference = calibrated(Suite(), runs, runs[0], store, START)
    [[moved]] = measured((0.51, 0.25))
    assert findings(reference, [moved], store) == []
    assert (changed(reference, [moved]), changed(reference, runs[0])) == (1, 0)


def test_the_first_difference() -> None:
    before = {"cluster": "0 1 1", "label": "2 2 2"}
    assert first_difference(before, {"cluster": "0 1 0", "label": "2 2 2"}).endswith("cluster[2] was 1, is 0")
    assert first_difference(before, before) == "no item's prediction differs"
    assert first_difference(before, {"cluster": "0"}) == "cluster has 1 items, the reference 3"
