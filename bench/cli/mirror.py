"""`bench mlflow` and `bench ui`: the MLflow mirror of the records."""

from typing import Annotated

import typer

from bench.cli.options import (
    StoreFolder,
)
from bench.grid import defaults

app = typer.Typer(no_args_is_help=True, help="The MLflow mirror of the records.")
page = typer.Typer()


@app.command()
def sync(
    store: StoreFolder = defaults.STORE,
    uri: Annotated[str | None, typer.Option(envvar="MLFLOW_TRACKING_URI", help="Tracking server or file.")] = None,
) -> None:
    """Mirror every recorded run to MLflow; what is there already is left alone."""
    from bench.commands.mirror import sync_command

    sync_command(store, uri)


@page.command()
def ui(
    store: StoreFolder = defaults.STORE,
    port: Annotated[int, typer.Option(help="Port of the page.")] = 5000,
) -> None:
    """Open MLflow's page on the store in use."""
    from bench.commands.mirror import ui_command

    ui_command(store, port)
