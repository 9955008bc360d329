"""`bench mlflow sync` and `bench ui`."""

from pathlib import Path

from bench import tracking
from bench.streams import say
from datasets.errors import BenchError


def sync_command(store: Path, uri: str | None) -> None:
    """Mirror every invocation of the store; each line says what was new."""
    summaries = tracking.sync_all(store, uri=uri)
    if not summaries:
        raise BenchError(f"nothing to mirror: no run is recorded in {store}; run something first")
    for summary in summaries:
        say(str(summary))


def ui_command(store: Path, port: int) -> None:
    """Serve MLflow's page until Ctrl-C."""
    tracking.ui(store, port=port, say=say)
