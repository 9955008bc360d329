"""The command line, put together. Options and help only: what a command does lies in `bench.commands` and is imported
when it runs, so that `--help` and `list` import no torch."""

from typing import Annotated, Literal

import typer

from bench.cli import data, mirror, results, running, store
from bench.grid.catalogue import DATASETS, METHODS, PROFILES, TASKS
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
app.add_typer(data.app, name="data")
app.add_typer(mirror.app, name="mlflow")
app.add_typer(mirror.page)
app.add_typer(store.app, name="store")


@app.command("list")
def list_(
    what: Annotated[Literal["methods", "tasks", "datasets", "profiles"], typer.Argument(help="What to list.")],
) -> None:
    """List what is registered, built in or from installed packages.

    Example:  python -m bench list methods
    """
    if what == "profiles":
        rows = [(profile.name, profile.summary) for profile in PROFILES.values()]
    else:
        registry = {"methods": METHODS, "tasks": TASKS, "datasets": DATASETS}[what]
        rows = [
            (f"{entry.name}:{entry.argument.upper()}" if entry.argument else entry.name, entry.summary)
            for entry in registry.entries().values()
        ]
    width = max(len(name) for name, _ in rows)
    for name, summary in rows:
        say(f"{name:<{width}}  {summary}")
    if what == "methods":
        say("")
        for name, entries in METHODS.groups().items():
            say(f"--methods {name}: {', '.join(entry.name for entry in entries if not entry.argument)}")
