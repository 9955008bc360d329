"""The options that several commands share: each is named, typed and explained once. Imports no torch."""

from pathlib import Path
from typing import Annotated

import typer

from datasets.names import at_home


def home(path: Path | None) -> Path | None:
    """A path with `~` for the home folder: a shell replaces it neither in a variable nor behind `=`."""
    return path if path is None else at_home(path)


def homes(paths: list[Path]) -> list[Path]:
    """`home` of several."""
    return [at_home(path) for path in paths]


Methods = Annotated[
    str, typer.Option(help="Names, wildcards, `all` or another group of `list methods`, timm:NAME or FILE.py:CLASS.")
]
Tasks = Annotated[str, typer.Option(help="Names, wildcards, `all`, tracks:DIR or images:DIR.")]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", help="smoke, mini or paper [default: paper with a GPU and real data, else mini]"),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", "--root", envvar="BENCH_DATA", help="Folder with one folder per real dataset.", callback=home
    ),
]
Data = Annotated[
    str | None, typer.Option("--data", help="`synthetic`: the embedded stand-ins, even where a data root is set.")
]
Seeds = Annotated[
    str,
    typer.Option("--seeds", help="As 0,1,2 or 0-4, or by source of variation: `fit=0-4;split=0;evaluate=0`."),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="METHOD.KEY=VALUE or TASK.KEY=VALUE; may be repeated.")]
Protocol = Annotated[
    str, typer.Option("--protocol", help="`default`: as the paper says; `released`: as the authors' code does.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Suite = Annotated[str, typer.Option("--suite", help="Name of the MLflow experiment.")]
Mirror = Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Mirror the records to MLflow.")]
StoreFolder = Annotated[
    Path, typer.Option("--store", envvar="BENCH_STORE", help="Folder of everything computed.", callback=home)
]
