"""Charts as inline SVG, in the page's own text colour, so that they read in light and in dark."""

import functools
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import cycle
from typing import Any, ParamSpec

import matplotlib
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from bench.escaping import html
from bench.results.table.model import Row, Section
from datasets.names import printable
from tasks.results import Curve, Heatmap

# Matplotlib's black, replaced by the page's text colour.
INK = "#000000"
# Lines of a chart that can be told apart.
LINES = 10
# Rows, and columns, of a matrix that are drawn: more could not be read, and thousands not be drawn.
MOST = 40
# Colours that the colour-blind tell apart too (Okabe and Ito), of different lightness; what is best is hatched besides.
OTHER, REFERENCE, PUBLISHED = "#4c94c4", "#9aa5b1", "#d55e00"
HATCH = "///"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
MARKS = "osD^v"
# A legend above the chart, where it hides no line.
ABOVE: dict[str, Any] = {"fontsize": 8, "frameon": False, "loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3}

P = ParamSpec("P")


def _svg(draw: Callable[P, tuple[Figure, str] | None]) -> Callable[P, str]:
    """Make what draws a figure and describes it one that gives an `<svg>` element, which scales with the page; empty
    where there is nothing to draw."""

    @functools.wraps(draw)
    def chart(*args: P.args, **kwargs: P.kwargs) -> str:
        # Names are shown as they are: a dollar sign is no mathematics.
        with matplotlib.rc_context({"svg.fonttype": "none", "text.parse_math": False}):
            drawn = draw(*map(_shown, args), **{name: _shown(value) for name, value in kwargs.items()})
            if drawn is None:
                return ""
            figure, description = drawn
            for axes in figure.axes:
                axes.spines[["top", "right"]].set_visible(False)
            out = io.StringIO()
            # A fixed salt keeps element ids, and with them the page, the same from run to run.
            with matplotlib.rc_context({"svg.hashsalt": description}), warnings.catch_warnings():
                # Texts are only measured here: who reads the page has fonts of their own.
                warnings.filterwarnings("ignore", "Glyph .* missing from font")
                figure.savefig(out, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
        text = out.getvalue()
        text = text[text.index("<svg") :].replace(INK, "currentColor").replace("fill: none", "fill:none")
        head, _, rest = text.partition(">")
        label = html(description)
        return f'{head} role="img" aria-label="{label}" color="currentColor" fill="currentColor">{rest}'

    return chart


def _shown(value: Any) -> Any:
    """`value` with every text in it as it can be drawn: SVG knows no control characters."""
    if isinstance(value, str):
        return printable(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{part.name: _shown(getattr(value, part.name)) for part in fields(value)})
    if isinstance(value, dict):
        return {_shown(name): _shown(part) for name, part in value.items()}
    return type(value)(_shown(part) for part in value) if isinstance(value, list | tuple) else value


@_svg
def bars(section: Section) -> tuple[Figure, str] | None:
    """A task's main metric by method with 95 % intervals, published figures as marks; empty where nothing ran."""
    rows = [row for row in section.rows if row.scores[0].value is not None]
    if not rows:
        return None
    figure = Figure(figsize=(6.4, 0.6 + 0.3 * len(rows)))
    axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        score = row.scores[0]
        value = score.value or 0.0
        color = REFERENCE if row.reference else OTHER
        axes.barh(
            place, value, color=color, height=0.7, hatch=HATCH if score.best else None, edgecolor=INK, linewidth=0
        )
        if score.low is not None and score.high is not None:
            axes.plot([score.low, score.high], [place, place], color=INK, linewidth=1.2)
        if score.published is not None and score.difference is not None:
            axes.plot([score.published], [place], marker="D", markersize=5, color=PUBLISHED, linestyle="none")
    axes.set_yticks(range(len(rows)), [row.method for row in reversed(rows)])
    metric = section.metrics[0]
    # The whole range of a pure number; of degrees, say, as far as the values go.
    whole = metric.high if metric.high is not None and not metric.unit else 0.0
    lows = [row.scores[0].value if row.scores[0].low is None else row.scores[0].low for row in rows]
    highs = [row.scores[0].high or row.scores[0].value or 0.0 for row in rows]
    axes.set_xlim(min(0.0, *(low or 0.0 for low in lows)), max(whole, *highs) or 1.0)
    axes.set_xlabel(f"{metric.header} (less is better)" if metric.higher_is_better is False else metric.header)
    axes.legend(handles=_meanings(rows), **ABOVE)
    return figure, f"{metric.header} on {section.label} by method"


def _meanings(rows: Sequence[Row]) -> list[Artist]:
    """What each mark of a chart of bars says, as far as it is there."""
    scores = [row.scores[0] for row in rows]
    known: list[tuple[bool, Artist]] = [
        (any(not row.reference for row in rows), Patch(color=OTHER, label="learned")),
        (any(row.reference for row in rows), Patch(color=REFERENCE, label="for reference")),
        (
            any(score.best for score in scores),
            Patch(facecolor="none", edgecolor=INK, hatch=HATCH, linewidth=0, label="best, or not told from it"),
        ),
        (any(score.low is not None for score in scores), Line2D([], [], color=INK, label="95 % interval")),
        (
            any(score.difference is not None for score in scores),
            Line2D([], [], marker="D", color=PUBLISHED, linestyle="none", label="published"),
        ),
    ]
    return [artist for there, artist in known if there]


@_svg
def losses(training: dict[str, Any]) -> tuple[Figure, str] | None:
    """Losses per epoch of a training (or of each of its phases); empty where none were recorded."""
    phases = {"": training} if "curve" in training else {k: v for k, v in training.items() if isinstance(v, dict)}
    lines = [(name, phase["curve"]) for name, phase in phases.items() if phase.get("curve")]
    if not lines:
        return None
    figure = Figure(figsize=(6.4, 2.4))
    places = figure.subplots(1, len(lines), squeeze=False)[0]
    for axes, (name, curve) in zip(places, lines, strict=True):
        steps = [entry["step"] for entry in curve]
        totals = [loss for loss in curve[0]["train"] if loss.rpartition("/")[2] == "loss"]
        drawn = {f"training {loss}": [entry["train"].get(loss) for entry in curve] for loss in totals}
        if curve[0].get("validation"):
            drawn["validation loss"] = [entry["validation"].get("loss") for entry in curve]
        for (label, values), style in zip(drawn.items(), cycle(_styles()), strict=False):
            # A line through one point is nothing, so that a point without neighbours needs a mark.
            alone = sum(value is not None for value in values) == 1
            axes.plot(steps, values, label=label, **{**style, **({} if alone else {"marker": None})})
        axes.set_xlabel(f"step {name}".strip())
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.legend(fontsize=8, frameon=False)
    return figure, "losses by training step"


@_svg
def curves(named: Sequence[tuple[str, Curve]], about: str) -> tuple[Figure, str] | None:
    """Curves of one title: a line per name with its intervals or, where lines would hide each other, a row of numbers.

    `about` says what they are of.
    """
    if not named:
        return None
    if len(named) > LINES:
        return _heatmap(_rows(named)), about
    figure = Figure(figsize=(6.4, 3.4))
    axes = figure.subplots()
    for (name, curve), style in zip(named, _styles(), strict=False):
        (line,) = axes.plot(curve.x, curve.y, label=name, **style)
        if curve.low and curve.high:
            axes.fill_between(curve.x, curve.low, curve.high, color=line.get_color(), alpha=0.1, linewidth=0)
    if all(0 <= value <= 1 for _, curve in named for value in curve.y):
        axes.set_ylim(0, 1)
    axes.set_xlabel(named[0][1].x_label)
    axes.set_ylabel(named[0][1].y_label)
    axes.legend(**ABOVE)
    return figure, about


def _styles() -> list[dict[str, Any]]:
    """Lines that are told apart by colour, and by mark and stroke where colours are not: as many as `LINES`."""
    return [
        {"color": colour, "marker": mark, "linestyle": stroke, "markersize": 4}
        for stroke in ("-", "--")
        for colour, mark in zip(COLOURS, MARKS, strict=True)
    ]


def _rows(named: Sequence[tuple[str, Curve]]) -> Heatmap:
    """Curves as a matrix, a row per name, a column per point that any of them has."""
    points = list(dict.fromkeys(place for _, curve in named for place in curve.x))
    found = [dict(zip(curve.x, curve.y, strict=True)) for _, curve in named]
    first = named[0][1]
    return Heatmap(
        title=first.title,
        rows=tuple(name for name, _ in named),
        columns=tuple(place if isinstance(place, str) else f"{place:g}" for place in points),
        values=tuple(tuple(line.get(place) for place in points) for line in found),
        x_label=first.x_label,
    )


@_svg
def heatmap(matrix: Heatmap, about: str) -> tuple[Figure, str] | None:
    """Values, in [0, 1] but for curves' (`curves`), written into their cells and darker the larger; None is left empty.

    `about` says what they are of.
    """
    return _heatmap(matrix), about


def _heatmap(matrix: Heatmap) -> Figure:
    rows, columns = matrix.rows[:MOST], matrix.columns[:MOST]
    figure = Figure(figsize=(1.2 + 0.75 * len(columns), 0.5 + 0.3 * len(rows)))
    axes = figure.subplots()
    axes.set_xlim(0, max(len(columns), 1))
    axes.set_ylim(max(len(rows), 1), 0)
    # Curves that are shown as rows may be of any unit.
    known = [value for line in matrix.values for value in line if value is not None]
    low, high = min([0.0, *known]), max([1.0, *known])
    for place, line in enumerate(matrix.values[:MOST]):
        for column, value in enumerate(line[:MOST]):
            if value is not None:
                # Faint enough for the page's own text colour on it, in light and in dark.
                shade = 0.7 * (value - low) / (high - low)
                axes.add_patch(Rectangle((column, place), 1, 1, color=OTHER, alpha=shade, linewidth=0))
                axes.text(column + 0.5, place + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=8)
    axes.set_xticks([place + 0.5 for place in range(len(columns))], columns, fontsize=8)
    axes.set_yticks([place + 0.5 for place in range(len(rows))], rows, fontsize=8)
    if max(len(matrix.rows), len(matrix.columns)) > MOST:
        whole = f"shown: {len(rows)} of {len(matrix.rows):,} rows, {len(columns)} of {len(matrix.columns):,} columns"
        axes.set_xlabel(f"{matrix.x_label} ({whole}, the first)".strip())
    else:
        axes.set_xlabel(matrix.x_label)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
