"""The table on a terminal: one line per row where that fits, two where it does not, in parts where that does not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from bench.results.table.captions import BOLD
from bench.results.table.cells import has_paper, has_sd, short, texts, trainings, wide_cells, wide_headers
from bench.results.table.model import Row, Section, Table
from datasets.names import brief

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
UNLIMITED = 10_000

# A method's name may be folded to this many characters.
NAME = 24


@dataclass(frozen=True)
class TerminalTable:
    """A table that chooses its layout by the width it is printed at."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.table.title, style="dim")
        plain = console.color_system is None  # a file, a pipe or a terminal without styles: nothing is bold there
        for section in self.table.sections:
            yield Text()
            yield Text(section.label, style="bold")
            unlimited = options.update(max_width=UNLIMITED)
            grid = _wide(section)
            if console.measure(grid, options=unlimited).maximum <= options.max_width:
                yield grid
            else:
                yield from _parts(section, console, unlimited, options.max_width)
            for caption in _seen(section.captions, plain):
                yield Text(caption, style="dim")
            for number, note in enumerate(section.notes, start=1):
                yield Text(f"{str(number).translate(SUPERSCRIPTS)} {brief(note)}")
        if self.table.captions:
            yield Text()
        for caption in _seen(self.table.captions, plain):
            yield Text(caption, style="dim")


def _seen(captions: Sequence[str], plain: bool) -> list[str]:
    """The captions, without the one on what is bold where nothing is."""
    return [caption for caption in captions if not (plain and caption.startswith(BOLD))]


def to_rich(table: Table) -> TerminalTable:
    """The table for `rich.print`; readable from 80 columns on."""
    return TerminalTable(table)


def _wide(section: Section) -> RichTable:
    """Value, interval, published figure and difference side by side."""
    rows = [[_text(text, best) for text, best in wide_cells(section, row)] for row in section.rows]
    return _grid(section, wide_headers(section)[1:], rows, gap=1)


def _parts(section: Section, console: Console, unlimited: ConsoleOptions, width: int) -> Iterator[RenderableType]:
    """The compact layout of as many metrics as fit, and below it that of the next ones."""
    folded = max(0, max(len(_method(row)) for row in section.rows) - NAME)
    first = 0
    while first < len(section.metrics):
        count = len(section.metrics) - first
        while count > 1:
            grid = _compact(_columns(section, first, count))
            if console.measure(grid, options=unlimited).maximum - folded <= width:
                break
            count -= 1
        if first:
            yield Text()
        yield _compact(_columns(section, first, count))
        first += count


def _columns(section: Section, first: int, count: int) -> Section:
    """The section with some of its metrics."""
    chosen = slice(first, first + count)
    rows = tuple(replace(row, scores=row.scores[chosen]) for row in section.rows)
    return replace(section, metrics=section.metrics[chosen], rows=rows)


def _compact(section: Section) -> RichTable:
    """The interval and how much trainings vary below the value, the difference below the published figure, and the
    number of trainings below the method."""
    headers: list[str] = []
    for column, metric in enumerate(section.metrics):
        headers += [metric.header, "paper"] if has_paper(section, column) else [metric.header]
    return _grid(section, headers, [_compact_cells(section, row) for row in section.rows], gap=1, below=trainings)


def _compact_cells(section: Section, row: Row) -> list[Text]:
    cells = []
    for column, score in enumerate(row.scores):
        text = texts(score)
        below = f"\n{short(text.interval)}"
        if has_sd(section, column):
            below += f"\nsd {short(text.sd)}" if text.sd else "\n"
        cells.append(_text(text.value, text.best) + Text(below, style="dim"))
        if has_paper(section, column):
            cells.append(Text(f"{text.paper}\n{text.difference}"))
    return cells


def _grid(
    section: Section,
    headers: Sequence[str],
    rows: Sequence[Sequence[Text]],
    *,
    gap: int,
    below: Callable[[Row], str] | None = None,
) -> RichTable:
    """The rows below their headers, the reference rows below a line. Only the method's name may wrap; `below` says what
    stands under it."""
    grid = RichTable(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False)
    grid.add_column("method", overflow="fold")
    for header in headers:
        grid.add_column(Text(header), justify="right", no_wrap=True)
    learned = sum(not row.reference for row in section.rows)
    for number, (row, cells) in enumerate(zip(section.rows, rows, strict=True)):
        if 0 < number == learned:
            grid.add_section()
        name = _method(row) if below is None else _method(row) + Text(f"\n{below(row)}", style="dim")
        grid.add_row(name, *cells)
    return grid


def _method(row: Row) -> Text:
    """The method's name with the numbers of its notes."""
    marks = " ".join(str(number).translate(SUPERSCRIPTS) for number in row.notes)
    return Text(row.method, style="italic" if row.reference else "") + Text(marks)


def _text(text: str, bold: bool) -> Text:
    return Text(text, style="bold" if bold else "")
