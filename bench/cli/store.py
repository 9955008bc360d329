"""`bench store`: the folder in which everything computed lies."""

from typing import Annotated

import typer

from bench.cli.options import StoreFolder
from bench.grid import defaults

app = typer.Typer(no_args_is_help=True, help="The folder in which everything computed lies.")


@app.command()
def du(store: StoreFolder = defaults.STORE) -> None:
    """Say how much of what lies in the store, and how much of it no run on record needs."""
    from bench.commands.store import du_command

    du_command(store)


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed and remove nothing.")] = False,
    keep: Annotated[
        int | None, typer.Option(help="Of the runs that have ended, keep so many of the newest [default: all]", min=1)
    ] = None,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Remove what no kept run needs: records, features, checkpoints, prepared data. All of it can be computed again.

    Runs that have not ended are kept, imported weights too. Try it with --dry-run first.

    Example:  python -m bench store gc --keep 3 --dry-run
    """
    from bench.commands.store import gc_command

    gc_command(store, keep, dry_run=dry_run)


@app.command()
def verify(store: StoreFolder = defaults.STORE) -> None:
    """Read everything in the store and compare it with the digests that it was written with.

    Runs check what they use by themselves; this reads all. Exits with 1 where anything is damaged.

    Example:  python -m bench store verify
    """
    from bench.commands.store import verify_command

    raise typer.Exit(verify_command(store))
