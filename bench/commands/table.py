"""`bench table` and `bench cite`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.escaping import markdown
from bench.execution.invocations import Invocation, path_of
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.cite import bibtex, citations_for
from bench.results.table.chosen import chosen
from bench.results.table.documents import to_html, to_latex
from bench.results.table.paper import TABLES, fill
from bench.streams import say
from datasets.errors import BenchError, suggestion
from datasets.files import write_text

FORMATS: dict[str, Callable[[tables.Table, str], str]] = {
    "md": lambda table, title: f"## {markdown(title)}\n\n{tables.to_markdown(table, verdicts=True)}",
    "csv": lambda table, title: tables.to_csv(table),
    "latex": to_latex,
    "html": to_html,
}


@dataclass(frozen=True)
class Choice:
    """Which rows and columns a table of one's own is made of.

    Attributes
    ----------
    run: identity of a run; None for the newest record of each cell in the store.
    methods, tasks, metrics: names or wildcards, with commas between them.
    """

    run: str | None = None
    methods: str = "all"
    tasks: str = "all"
    metrics: str = "all"


def table_command(
    name: str | None, choice: Choice, form: str, profile: str | None, output: Path | None, store: Path
) -> None:
    """Print the paper's table `name` (or `all`), or a table of what is chosen, from a store's records; what is missing
    goes to standard error."""
    if form not in FORMATS:
        raise BenchError(f"unknown format {form!r}: expected one of {', '.join(FORMATS)}")
    if (name is None) == (choice == Choice()):
        raise BenchError(
            f"expected either a table's name ({', '.join(TABLES)} or all) or which rows: --run, --methods, --tasks, "
            "--metrics"
        )
    place = Store(store)
    wanted = [] if name is None else names(name)
    records = (
        list(place.records()) if choice.run is None else Invocation.read(path_of(store, choice.run)).records(store)
    )
    texts = (
        [FORMATS[form](chosen(records, choice.methods, choice.tasks, choice.metrics, profile, place), "Results")]
        if name is None
        else []
    )
    for one in wanted:
        try:
            filled = fill(one, records, profile, place)
        except BenchError as error:
            if name != "all":
                raise
            say(f"missing: {error}", error=True)
            continue
        texts.append(FORMATS[form](filled.table, filled.definition.title))
        for command in filled.commands:
            say(f"missing in table {one}: {command}", error=True)
    if not texts:
        raise BenchError(f"no table can be made from {store}: run something first")
    text = "\n".join(texts)
    if output is None:
        say(text, end="")
    else:
        write_text(output, text)


def cite_command(name: str, store: Path) -> None:
    """Print the BibTeX of exactly what a table, a run, or methods, tasks and datasets rest on."""
    say(bibtex(citations_for(name, store)))


def names(name: str) -> list[str]:
    """The tables that a name means; an unknown one suggests the nearest."""
    if name == "all":
        return list(TABLES)
    if name in TABLES:
        return [name]
    known = [*TABLES, "all"]
    hint = suggestion(name, known, f"expected one of {', '.join(known)}")
    raise BenchError(f"unknown table {name!r}: {hint}")
