"""Calibration and check: real defects are caught, no change passes, and a void comparison says so."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import datasets.blocks
from bench.commands.regression import calibrate_command, check_command
from bench.results.regression import Reference, Suite, first_difference
from datasets.errors import BenchError
from methods.baselines import RawPixels
from tasks.clustering.tracks import TrackFolderTask

NewStore = Callable[[str], Path]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference of the three baselines on Buffy's stand-in."""
    folder = tmp_path_factory.mktemp("reference")
    suite = Suite(methods="raw_pixels", tasks="buffy")
    assert calibrate_command(3, suite, folder / "reference.json", folder / "store") == 0
    return folder / "reference.json"


def test_a_reference_holds_what_the_numbers_do_by_themselves(reference: Path) -> None:
    found = Reference.read(reference)
    assert found.seeds == [0, 1, 2]
    assert sorted(found.cells) == ["chance/buffy", "random_init/buffy", "raw_pixels/buffy"]
    fixed, random = (found.cells[name].metrics["nmi"] for name in ("raw_pixels/buffy", "random_init/buffy"))
    assert fixed.sd == 0
    assert fixed.limit == pytest.approx(max(fixed.noise, 1e-6)), "what never varies is held to its digits"
    assert random.sd > 0
    assert random.limit == pytest.approx(max(2.8 * random.sd, random.noise))
    assert random.limit < 0.5
    assert len(found.cells["raw_pixels/buffy"].items["cluster"].split()) == 40


def test_nothing_changed(reference: Path, new_store: NewStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_command(reference, new_store("store")) == 0
    assert "same" in capsys.readouterr().out


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
    assert "first differing item: label[" in out


def test_wrong_normalisation_is_caught(
    reference: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pixels in [0, 255] where [0, 1] is due: raw pixels cluster the same, the others do not."""
    right = datasets.blocks.to_float
    monkeypatch.setattr("datasets.blocks.to_float", lambda *arguments: right(*arguments) * 255)
    assert check_command(reference, new_store("store")) == 1
    assert "regression: chance/buffy" in capsys.readouterr().out


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


def test_the_first_difference() -> None:
    before = {"cluster": "0 1 1", "label": "2 2 2"}
    assert first_difference(before, {"cluster": "0 1 0", "label": "2 2 2"}).endswith("cluster[2] was 1, is 0")
    assert first_difference(before, before) == "no item's prediction differs"
    assert first_difference(before, {"cluster": "0"}) == "cluster has 1 items, the reference 3"
