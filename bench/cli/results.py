"""Commands on what was computed: report, table, cite, compare; and for maintainers publish, calibrate, check."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    Methods,
    StoreFolder,
    Tasks,
    home,
)
from bench.grid import defaults

app = typer.Typer()

TABLES = "1, 2, 3, 4, nmi, pcc, subsets, truth, disentanglement, finch or all."


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(help="Identity of a run [default: the latest]")] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write [default: results/reports/RUN.html]", callback=home)
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Write one self-contained HTML page of a run: tables, charts, pictures, costs, provenance, BibTeX.

    Example:  python -m bench report --open
    """
    from bench.commands.report import report_command

    report_command(run, output, open_page=open_, store=store)


@app.command()
def table(
    name: Annotated[str | None, typer.Argument(help=f"A table of the paper: {TABLES}")] = None,
    run: Annotated[str | None, typer.Option(help="Identity of a run whose rows to take, see `list runs`.")] = None,
    methods: Annotated[str, typer.Option(help="Names or wildcards, in the store or the run.")] = "all",
    tasks: Annotated[str, typer.Option(help="The same of tasks.")] = "all",
    metrics: Annotated[str, typer.Option(help="The same of columns.")] = "all",
    format_: Annotated[str, typer.Option("--format", help="md, latex, csv or html.")] = "md",
    profile: Annotated[str | None, typer.Option(help="Whose records [default: the newest's]")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write [default: print it]", callback=home)] = None,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Make a table of the paper from the records: ours with its interval, the published figure, the difference, a
    verdict. Cells that are missing are listed with the command that fills them. Or make one of any rows.

    Examples:

      python -m bench table 1

      python -m bench table all --format latex --output tables.tex

      python -m bench table --methods 'pdr*,chance' --tasks bbt --metrics accuracy,nmi --format latex
    """
    from bench.commands.table import Choice, table_command

    table_command(name, Choice(run, methods, tasks, metrics), format_, profile, output, store)


@app.command()
def cite(
    name: Annotated[
        str, typer.Argument(help=f"A table ({TABLES}), a run's identity, or methods, tasks and datasets by name.")
    ],
    store: StoreFolder = defaults.STORE,
) -> None:
    """Print the BibTeX of exactly what stands behind a table, a run, or what is named.

    Examples:

      python -m bench cite 1

      python -m bench cite pdr_loocc_l,bbt
    """
    from bench.commands.table import cite_command

    cite_command(name, store)


@app.command()
def compare(
    first: Annotated[
        str, typer.Argument(help="A run's identity, its manifest's file, or a store's folder; or a method.")
    ],
    second: Annotated[str, typer.Argument(help="The run, or the method, to compare with it.")],
    run: Annotated[
        list[str] | None,
        typer.Option(help="Run with both methods' records, or twice: the first's, then the second's. [default: all]"),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="md or csv.")] = "md",
    store: StoreFolder = defaults.STORE,
) -> None:
    """Show how two runs' metrics differ, or two methods', with 95 % intervals of the paired difference over all seeds.

    Methods are named as in tables, those that were set otherwise with their brackets.

    Examples:

      python -m bench compare 20261101T101500Z-1a2b3c 20261102T090000Z-4d5e6f

      python -m bench compare pdr pdr_loocc_l --run 20261101T101500Z-1a2b3c

      python -m bench compare vqvae 'vqvae[schedule.max_steps=1]'
    """
    from bench.commands.compare import compare_command

    compare_command(first, second, format_, store, run or ())


@app.command()
def publish(
    run: Annotated[str | None, typer.Argument(help="Identity of a run [default: the latest]")] = None,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Take a run's tables and figures into results/PROFILE/, and README's table out of them (for maintainers).

    Example:  python -m bench run --methods all --tasks all --profile mini && python -m bench publish
    """
    from bench.commands.publish import publish_command

    publish_command(run, store)


@app.command()
def calibrate(
    runs: Annotated[int, typer.Option(help="Seeds to run, from 0.")] = 5,
    methods: Methods = "all",
    tasks: Tasks = "all",
    profile: Annotated[str, typer.Option(help="As for run.")] = "smoke",
    output: Annotated[
        Path | None, typer.Option(help="File to write [default: results/reference/PROFILE.json]", callback=home)
    ] = None,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Measure how much a suite's numbers vary by themselves, and write the reference that `check` compares with.

    Example:  python -m bench calibrate --runs 5
    """
    from bench.commands.regression import calibrate_command
    from bench.results.regression import Suite

    suite = Suite(methods=methods, tasks=tasks, profile=profile)
    raise typer.Exit(calibrate_command(runs, suite, output, store))


@app.command()
def check(
    reference: Annotated[
        Path, typer.Option(help="File of a reference, as `calibrate` writes it.", callback=home)
    ] = Path("results") / "reference" / "smoke.json",
    format_: Annotated[str, typer.Option("--format", help="text, json, junit or github (annotations).")] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only what it came to.")] = False,
    store: StoreFolder = defaults.STORE,
) -> None:
    """Run the suite of a reference again and compare every number with it, for CI. The verdict comes first.

    Told apart are regressions, gains, changes of numbers that are neither, crashes, and what is new. A number within
    its limit of chance is none of these, and a cell or a metric that the reference lacks is no difference.

    Exit code: 0 the same, 1 a regression, a gain or a change, 2 bad usage, 3 the environment differs so much that the
    comparison is void, 4 a cell crashed.

    To update a reference, where the numbers were meant to change or something is new: run `bench calibrate` with the
    suite's --methods, --tasks and --profile (its file names them under "suite") and as many --runs as it has seeds, to
    the same --output; look at what `git diff` shows of it; commit the file with the reason.

    Examples:

      python -m bench check --reference results/reference/smoke.json

      python -m bench check --quiet --format junit > check.xml
    """
    from bench.commands.regression import check_command

    raise typer.Exit(check_command(reference, store, format_, quiet=quiet))
