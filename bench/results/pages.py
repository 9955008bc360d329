"""Templates of HTML pages: every value that they show is escaped, but for charts, which are HTML of our own."""

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from bench.escaping import html

# The package whose templates others import.
SHARED = "bench.results.table"


def template(package: str, name: str) -> Template:
    """The template `name` in the folder `templates` of a package, which may import how tables look in all pages."""
    loader = ChoiceLoader([PackageLoader(place, "templates") for place in (package, SHARED)])
    environment = Environment(
        loader=loader, autoescape=True, finalize=_escaped, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)


def _escaped(value: Any) -> Any:
    """What a template shows of a value."""
    return Markup(html(value)) if isinstance(value, str) and not isinstance(value, Markup) else value
