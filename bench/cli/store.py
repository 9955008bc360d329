"""`bench store`: the folder in which everything computed lies."""

import typer

from bench.cli.options import StoreFolder
from bench.grid import defaults

app = typer.Typer(no_args_is_help=True, help="The folder in which everything computed lies.")


@app.callback()
def _group() -> None:
    """A group, though it has one command: typer would else take the command's place."""


@app.command()
def verify(store: StoreFolder = defaults.STORE) -> None:
    """Read everything in the store and compare it with the digests that it was written with.

    Runs check what they use by themselves; this reads all. Exits with 1 where anything is damaged.

    Example:  python -m bench store verify
    """
    from bench.commands.store import verify_command

    raise typer.Exit(verify_command(store))
