"""`bench table` and `bench cite`."""

from collections.abc import Callable
from pathlib import Path

from bench.escaping import markdown
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.cite import bibtex, citations_for
from bench.results.table.documents import to_html, to_latex
from bench.results.table.paper import TABLES, Filled, fill
from bench.streams import say
from datasets.errors import BenchError, suggestion
from datasets.files import write_text

FORMATS: dict[str, Callable[[Filled], str]] = {
    "md": lambda filled: f"## {markdown(filled.definition.title)}\n\n{tables.to_markdown(filled.table, verdicts=True)}",
    "csv": lambda filled: tables.to_csv(filled.table),
    "latex": lambda filled: to_latex(filled.table, filled.definition.title),
    "html": lambda filled: to_html(filled.table, filled.definition.title),
}


def table_command(name: str, form: str, profile: str | None, output: Path | None, store: Path) -> None:
    """Print the paper's table `name` (or `all`) from a store's records; what is missing goes to standard error."""
    if form not in FORMATS:
        raise BenchError(f"unknown format {form!r}: expected one of {', '.join(FORMATS)}")
    place = Store(store)
    records = list(place.records())
    texts = []
    for chosen in names(name):
        try:
            filled = fill(chosen, records, profile, place)
        except BenchError as error:
            if name != "all":
                raise
            say(f"missing: {error}", error=True)
            continue
        texts.append(FORMATS[form](filled))
        for command in filled.commands:
            say(f"missing in table {chosen}: {command}", error=True)
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
