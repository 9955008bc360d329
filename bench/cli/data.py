"""`bench data`: what is in a dataset, and whether it is the official one."""

from typing import Annotated

import typer

from bench.cli.options import (
    Data,
    DataRoot,
    StoreFolder,
)
from bench.grid import defaults

app = typer.Typer(no_args_is_help=True, help="What is in a dataset, and whether it is the official one.")


DatasetName = Annotated[str, typer.Argument(help="A name that `bench list datasets` knows, tracks:DIR or images:DIR.")]


@app.command()
def describe(
    name: DatasetName,
    data_root: DataRoot = None,
    data: Data = None,
    profile: Annotated[str, typer.Option(help="Size of a stand-in: smoke, mini or paper.")] = "smoke",
    store: StoreFolder = defaults.STORE,
) -> None:
    """Count a dataset's images, labels and tracks, and name the files that were left out.

    Example:  python -m bench data describe celeba --data-root /data
    """
    from bench.commands.data import data_command

    raise typer.Exit(data_command(name, verify=False, data_root=data_root, data=data, profile=profile, store=store))


@app.command()
def verify(
    name: DatasetName,
    data_root: DataRoot = None,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Decode every file of a real dataset and compare the counts with the official distribution; exit code 1 if they
    differ or files had to be left out.

    Example:  python -m bench data verify rafdb --data-root /data
    """
    from bench.commands.data import data_command

    raise typer.Exit(data_command(name, verify=True, data_root=data_root, data=None, profile="smoke", store=store))
