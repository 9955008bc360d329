"""The table: numbers from records (`build`), then text (`to_rich`, `to_markdown`, `to_csv`)."""

from bench.table.build import build
from bench.table.files import to_csv, to_markdown
from bench.table.model import REFERENCE_ROWS, Row, Score, Section, Table
from bench.table.terminal import to_rich

__all__ = [
    "REFERENCE_ROWS",
    "Row",
    "Score",
    "Section",
    "Table",
    "build",
    "to_csv",
    "to_markdown",
    "to_rich",
]
