"""Mirroring while a run goes on: the mirror is the same as if it had been made at the end."""

import threading
from pathlib import Path

import pytest

from bench import run as module
from bench.commands.run import run_command
from bench.execution.invocations import invocations
from bench.tracking import TrackingError, sync
from bench.tracking.backend import locate, opened


def run(store: Path, **changes: object) -> int:
    options = {
        "methods": "raw_pixels",
        "tasks": "bbt",
        "profile": "smoke",
        "data_root": None,
        "data": "synthetic",
        "settings": [],
        "protocol": "default",
        "device": "cpu",
        "seeds": "0-3",
        "baselines": False,
        "dry_run": False,
        "suite": "tests",
        "mirror": True,
    }
    return run_command(store=store, **{**options, **changes})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(module, "MIRROR_SECONDS", -1)
    monkeypatch.setattr(module, "MANIFEST_SECONDS", -1)


def test_the_mirror_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile: list[int] = []
    monkeypatch.setattr(
        "bench.tracking.sync",
        lambda *given, **named: (meanwhile.append(len(named["run"].cells)), sync(*given, **named)),
    )
    store = tmp_path / "store"
    assert run(store) == 0
    assert len(meanwhile) >= 2, "some of it during the run, the rest at its end"
    assert meanwhile[-1] == 4
    assert meanwhile[0] < 4
    [manifest] = invocations(store)
    summary = sync(store, run=manifest)
    assert (summary.created, summary.completed, summary.present) == (0, 0, 4)
    with opened(locate(store)) as client:
        assert client.get_run(summary.run_id).info.status == "FINISHED"


def test_between_the_ends_of_two_cells_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a training's curve grows, say."""
    mirrored = threading.Event()
    monkeypatch.setattr("bench.tracking.sync", lambda *_, **__: mirrored.set())
    seen: list[bool] = []

    class Waiting:
        def run(self, units: object, take: object) -> None:
            seen.append(mirrored.wait(60))

    monkeypatch.setattr(module.Run, "_executor", lambda *_: Waiting())
    run(tmp_path / "store")
    assert seen == [True]


def test_what_goes_wrong_meanwhile_is_told_once_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(*_: object, **__: object) -> None:
        raise TrackingError("no server")

    monkeypatch.setattr("bench.tracking.sync", down)
    assert run(tmp_path / "store") == 0
    assert capsys.readouterr().out.count("no server") == 1


@pytest.mark.parametrize("error", [KeyError("uid not found"), RuntimeError("no home"), SystemExit(1), OSError("")])
def test_whatever_goes_wrong_costs_one_line_and_no_table(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("bench.tracking.sync", broken)
    assert run(tmp_path / "store") == 0
    shown = capsys.readouterr()
    assert shown.out.count(f"MLflow failed ({type(error).__name__}: ") == 1
    assert shown.out.count("later: python -m bench mlflow sync") == 1
    assert "Traceback" not in shown.out + shown.err
    assert len(list((tmp_path / "tables").glob("*.csv"))) == 1
