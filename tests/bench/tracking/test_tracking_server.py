"""`bench ui`: starting and ending a server. A small one stands in for MLflow's, which takes ten seconds to start."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from bench.tracking import server, ui
from bench.tracking.backend import experiment, locate, opened
from datasets.errors import BenchError

LISTEN = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").touch()
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(server, "_command", lambda backend, host, port: [sys.executable, "-c", code.format(port=port)])


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_address_is_said_and_an_interrupt_ends_the_server(
    store: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    stand_in(monkeypatch, LISTEN)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "served at" in text:
            os.kill(os.getpid(), sent)

    handler = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ui(store, port=port, say=say)
    address = said[-1].partition("http://127.0.0.1:")[2].partition(" ")[0]
    assert int(address) > port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address)), timeout=1)
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_server_that_does_not_start_is_one_line_naming_the_log(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "print('why'); raise SystemExit(3)")
    with pytest.raises(BenchError, match=r"did not start \(code 3\): see .*mlflow-ui.log"):
        ui(store, say=lambda text: None)
    assert "why" in (store / "mlflow-ui.log").read_text()


def test_without_a_database_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BenchError, match="bench mlflow sync"):
        ui(tmp_path)


def test_a_server_in_use_is_only_named(tmp_path: Path) -> None:
    said: list[str] = []
    ui(tmp_path, uri="https://me:secret@server/mlflow", say=said.append)
    assert said == ["MLflow is served at https://server/mlflow"]


def test_the_command_serves_the_store_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    command = server._command(server.locate(tmp_path), "127.0.0.1", 5000)
    assert command[1:4] == ["-m", "mlflow", "server"]
    assert command[command.index("--backend-store-uri") + 1] == f"sqlite:///{tmp_path}/mlflow.db"
    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_a_moved_store_is_noticed_before_its_page_shows_no_artifact(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_free_port", lambda *_: pytest.fail("no server is started"))
    before = store / "before"
    before.mkdir()
    with opened(locate(before)) as client:
        experiment(client, locate(before), "pdr-bench")
    moved = before.rename(store / "after")
    with pytest.raises(BenchError, match=r"the store was moved: its mirror .*after/mlflow\.db files artifacts under"):
        ui(moved)
