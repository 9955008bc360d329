"""The table: numbers from records (`build`), then text (`to_rich`, `to_markdown`, `to_csv`)."""

from bench.results.table.build import build
from bench.results.table.files import to_csv, to_markdown
from bench.results.table.model import Row, Score, Section, Table
from bench.results.table.terminal import to_rich

__all__ = [
    "Row",
    "Score",
    "Section",
    "Table",
    "build",
    "to_csv",
    "to_markdown",
    "to_rich",
]
