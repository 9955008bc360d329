"""Where MLflow is looked for, and what a person reads when it is not there. No test here opens a database."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import make_url

from bench.tracking.backend import TrackingError, experiment, locate, opened


@pytest.fixture(autouse=True)
def _no_server_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_default_is_an_sqlite_file_in_the_store(tmp_path: Path) -> None:
    backend = locate(tmp_path)
    assert backend.uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert backend.artifacts == tmp_path / "mlartifacts"


def test_the_environment_wins_over_the_default_and_an_argument_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    assert locate(tmp_path).uri == "http://server:5000"
    assert locate(tmp_path).artifacts is None
    elsewhere = locate(tmp_path, f"sqlite:///{tmp_path}/other/x.db")
    assert elsewhere.artifacts == tmp_path / "other" / "mlartifacts"
    assert elsewhere.lock != locate(tmp_path).lock


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    assert locate(tmp_path, "https://me:secret@server/mlflow").shown == "https://server/mlflow"


def test_a_server_that_is_down_is_one_line_within_seconds(tmp_path: Path) -> None:
    import mlflow  # noqa: F401  (its import is not what is timed)

    started = time.monotonic()
    with (
        pytest.raises(TrackingError, match="bench mlflow sync") as caught,
        opened(locate(tmp_path, "http://127.0.0.1:9")) as client,
    ):
        client.get_experiment_by_name("pdr-bench")
    assert "\n" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)
    assert time.monotonic() - started < 15


def test_a_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="sqlite:///FILE"), opened(locate(tmp_path, f"file://{tmp_path}")):
        pass


def test_a_defect_of_the_project_keeps_its_type(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(locate(tmp_path, "http://127.0.0.1:9")):
        1 / 0  # noqa: B018


def test_whatever_mlflow_raises_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    code = compile("def get(): raise KeyError('getpwuid(): uid not found: 12345')", "mlflow.py", "exec")
    layer: dict[str, Any] = {"__name__": "mlflow.tracking.client"}
    exec(code, layer)
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda *_: layer["get"]())
    with (
        pytest.raises(TrackingError, match=r"getpwuid.*no result is lost") as caught,
        opened(locate(tmp_path, "http://127.0.0.1:9")) as client,
    ):
        client.get_experiment_by_name("pdr-bench")
    assert "\n" not in str(caught.value)


def test_importing_the_package_imports_no_mlflow() -> None:
    code = "import sys, bench.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["run #1", "50%41", "a?b=c", "ü ö", "semi;colon&amp", "[x]"])
def test_the_database_lies_in_the_store_whatever_its_folder_is_called(name: str, tmp_path: Path) -> None:
    backend = locate(tmp_path / name / "store")
    assert make_url(backend.uri).database == str(tmp_path / name / "store" / "mlflow.db")
    assert locate(tmp_path, backend.uri).database == backend.database, "and is found again by its address"


class Experiments:
    """A tracking client that knows one experiment, whose artifacts lie elsewhere."""

    def get_experiment_by_name(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(lifecycle_stage="active", artifact_location="file:///elsewhere/2", experiment_id="2")


def test_a_labs_own_experiment_is_used_and_never_to_be_deleted(tmp_path: Path) -> None:
    client = cast(Any, Experiments())
    lab = locate(tmp_path / "store", f"sqlite:///{tmp_path / 'lab.db'}")
    # Called without the tests' checks of types, which would ask for a real client.
    ask = getattr(experiment, "__wrapped__", experiment)
    assert ask(client, lab, "pdr-bench") == "2"
    with pytest.raises(TrackingError, match=r"store was moved.*delete that mlflow\.db"):
        ask(client, locate(tmp_path / "store"), "pdr-bench")


def test_a_database_of_another_user_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.tracking.backend.os.access", lambda *_: False)
    with pytest.raises(TrackingError, match="belongs to another user"), opened(locate(tmp_path / "store")):
        pass


@pytest.mark.parametrize("content", [b"no database" * 500, None])
def test_a_damaged_mirror_of_the_store_may_be_deleted_and_a_labs_may_not(tmp_path: Path, content: bytes | None) -> None:
    own = locate(tmp_path, None)
    with opened(own) as client:
        experiment(client, own, "suite")
    assert own.database is not None
    whole = own.database.read_bytes()
    theirs = tmp_path / "lab.db"
    for path in (own.database, theirs):
        path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    said = r"mlflow\.db is damaged; no result is lost: delete that file"
    with pytest.raises(TrackingError, match=said) as caught, opened(own) as client:
        experiment(client, own, "suite")
    assert "\n" not in str(caught.value)
    elsewhere = locate(tmp_path, f"sqlite:///{theirs}")
    with pytest.raises(TrackingError) as caught, opened(elsewhere) as client:
        experiment(client, elsewhere, "suite")
    assert "delete" not in str(caught.value)
