"""Where MLflow is looked for, and what a person reads when it is not there. No test here opens a database."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.tracking.backend import TrackingError, locate, opened


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


def test_importing_the_package_imports_no_mlflow() -> None:
    code = "import sys, bench.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
