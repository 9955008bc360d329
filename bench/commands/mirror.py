"""`bench mlflow sync` and `bench ui`."""

from pathlib import Path

import typer

from bench import tracking
from bench.invocations import Invocation
from datasets.errors import BenchError


def sync_command(store: Path, uri: str | None) -> None:
    """Mirror every invocation of the store; each line says what was new."""
    manifests = sorted((store / "invocations").glob("*.json"))
    if not manifests:
        raise BenchError(f"nothing to mirror: no run is recorded in {store}; run something first")
    for path in manifests:
        typer.echo(f"{path.stem}: {tracking.sync(store, uri=uri, run=Invocation.read(path))}")


def ui_command(store: Path, port: int) -> None:
    """Serve MLflow's page until Ctrl-C."""
    tracking.ui(store, port=port)
