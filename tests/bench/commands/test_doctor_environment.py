"""The environment's examination: what it says of a whole one, of a shadowed package, of an absent dataset."""

from pathlib import Path

import pytest

from bench.commands import doctor_environment
from bench.commands.doctor_environment import environment_command


def test_this_environment_is_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert environment_command(None, tmp_path / "store") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "ok datasets is this project's" in out
    assert "torchvision" in out
    assert "absent no data root (--data-root DIR or $BENCH_DATA)" in out
    assert "extra [nmr]" in out, "brackets are not markup"


def test_a_shadowed_package_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_environment, "shadowed_datasets", lambda: "datasets 4.0.0")
    assert environment_command(None, tmp_path / "store") == 1
    assert "the distribution datasets 4.0.0 has a top-level `datasets` too" in " ".join(capsys.readouterr().out.split())


def test_datasets_are_looked_for_below_the_data_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    assert environment_command(tmp_path / "data", tmp_path / "store") == 0
    assert "absent utkface: " in capsys.readouterr().out
    assert environment_command(tmp_path / "nowhere", tmp_path / "store") == 1
