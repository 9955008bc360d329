"""The command line, put together. Options and help only: what a command does lies in `bench.commands` and is imported
when it runs, so that `--help` and `list` import no torch."""

from importlib.metadata import version
from typing import Annotated, Literal

import typer

from bench.cli import data, labelling, mirror, results, running
from bench.cli import store as store_commands
from bench.cli.options import StoreFolder
from bench.grid import defaults
from bench.streams import say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Benchmark learned image representations on the published protocol: methods x tasks, one table.",
    epilog="Start with:  python -m bench run --methods all --tasks bbt,buffy",
)
app.add_typer(running.app)
app.add_typer(results.app)
app.add_typer(labelling.app)
app.add_typer(data.app, name="data")
app.add_typer(mirror.app, name="mlflow")
app.add_typer(mirror.page)
app.add_typer(store_commands.app, name="store")


def _version(asked: bool) -> bool:
    if asked:
        say(f"pdr-bench {version('pdr-bench')}")
        raise typer.Exit
    return asked


@app.callback()
def _main(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command("list")
def list_(
    what: Annotated[
        Literal["methods", "tasks", "datasets", "profiles", "runs", "settings"], typer.Argument(help="What to list.")
    ],
    name: Annotated[str | None, typer.Argument(help="Of `settings`: whose, a method or a task.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    store: StoreFolder = defaults.STORE,
) -> None:
    """List what is registered, built in or from installed packages; the runs of a store; the settings of a method or a
    task.

    Examples:

      python -m bench list methods

      python -m bench list settings pdr

      python -m bench list runs --json
    """
    from bench.commands.listing import list_command

    list_command(what, name, as_json=as_json, store=store)
