"""The console that commands print tables and progress on."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bench.escaping import lines


class Terminal(Console):
    """A rich console on which names stay names: brackets are no markup, `:car:` is no picture, numbers have no colour,
    and control characters are shown as escapes. Colours are given as `rich.text.Text` and by styles."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of anything that is printed, each cleaned but for rich's own control codes."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=lines(segment.text))
