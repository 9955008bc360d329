"""A table as a small HTML page that needs nothing else."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.results.table.model import Table
from bench.results.table.sheet import judged_cells, judged_headers


def to_html(table: Table, title: str) -> str:
    """The page: one `table` per task, with verdicts where there are published figures."""
    loader = PackageLoader("bench.results.report", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("table.html.j2").render(
        title=title,
        table=table,
        sections=[
            (section, judged_headers(section), [(row, judged_cells(section, row)) for row in section.rows])
            for section in table.sections
        ],
    )
