"""MLflow's own page on the store in use."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tracking.backend import Backend, check_places, locate, prepare_environment
from datasets.errors import BenchError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


def ui(
    store_root: Path,
    *,
    uri: str | None = None,
    host: str = "127.0.0.1",
    port: int = 5000,
    say: Callable[[str], None] = print,
) -> None:
    """Serve MLflow's page until Ctrl-C, and say its address once it answers; the server writes to a log file.

    Where a server is in use already ($MLFLOW_TRACKING_URI is http), only its address is said. A taken port is
    replaced by the next free one.

    Raises
    ------
    BenchError
        Where nothing was mirrored yet, the store was moved since, or the server does not start.
    """
    backend = locate(store_root, uri)
    if backend.uri.startswith(("http://", "https://")):
        say(f"MLflow is served at {backend.shown}")
        return
    if backend.database is not None and not backend.database.is_file():
        raise BenchError(f"no MLflow database at {backend.database}: run `bench run` or `bench mlflow sync` first")
    check_places(store_root)
    port = _free_port(host, port)
    log = store_root / "mlflow-ui.log"
    say(f"starting MLflow's server (its log: {log})")
    with log.open("wb") as output, _terminating_as_ctrl_c():
        # In a session of its own, so that Ctrl-C reaches us alone and the server's workers are ended with it.
        server = subprocess.Popen(
            _command(backend, host, port),
            env={**prepare_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_up(server, host, port, log)
            say(f"MLflow on {backend.shown} is served at http://{host}:{port} (Ctrl-C ends it)")
            server.wait()
            raise BenchError(f"MLflow's server ended by itself (code {server.returncode}): see {log}")
        except KeyboardInterrupt:
            pass
        finally:
            _stop(server)


@contextmanager
def _terminating_as_ctrl_c() -> Iterator[None]:
    """Let a plain `kill` end the server too, instead of leaving it behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _command(backend: Backend, host: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend.uri]
    if backend.artifacts is not None:
        command += ["--default-artifact-root", backend.artifacts.as_uri(), "--no-serve-artifacts"]
    return [*command, "--host", host, "--port", str(port), "--workers", "1"]


def _free_port(host: str, first: int, tries: int = 50) -> int:
    """The first port from `first` on that nobody listens on."""
    for port in range(first, first + tries):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise BenchError(f"no free port from {first} to {first + tries - 1} on {host}: choose one with --port")


def _wait_until_up(server: "subprocess.Popen[bytes]", host: str, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise BenchError(f"MLflow's server did not start (code {server.returncode}): see {log}")
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise BenchError(f"MLflow's server did not answer within {START_TIMEOUT_S:.0f} s: see {log}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server and its workers, politely first."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        if server.poll() is not None:
            return
        os.killpg(server.pid, sent)
        try:
            server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            continue
