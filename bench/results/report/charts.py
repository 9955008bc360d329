"""Charts as inline SVG, in the page's own text colour, so that they read in light and in dark."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from bench.pipeline.records import Record
from bench.results.table.model import Section

# Matplotlib's black, replaced by the page's text colour.
INK = "#000000"
# Lines of a chart that can be told apart.
LINES = 10
BEST, OTHER, REFERENCE = "#2f7d4f", "#4c78a8", "#9aa5b1"


def bars(section: Section) -> str:
    """A task's first metric by method with 95 % intervals, published figures as marks; empty where nothing ran."""
    rows = [row for row in section.rows if row.scores[0].value is not None]
    if not rows:
        return ""
    figure = Figure(figsize=(6.4, 0.6 + 0.3 * len(rows)))
    axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        score = row.scores[0]
        value = score.value or 0.0
        color = REFERENCE if row.reference else BEST if score.best else OTHER
        axes.barh(place, value, color=color, height=0.7)
        if score.low is not None and score.high is not None:
            axes.plot([score.low, score.high], [place, place], color=INK, linewidth=1.2)
        if score.published is not None and score.difference is not None:
            axes.plot([score.published], [place], marker="D", markersize=5, color="#d0661b", linestyle="none")
    axes.set_yticks(range(len(rows)), [row.method for row in reversed(rows)])
    metric = section.metrics[0]
    axes.set_xlim(0, max(1.0, *(row.scores[0].high or row.scores[0].value or 0.0 for row in rows)))
    axes.set_xlabel(f"{metric} (less is better)" if metric in section.less_is_better else metric)
    return _svg(figure, f"{metric} on {section.label} by method")


def curves(training: dict[str, Any]) -> str:
    """Losses per epoch of a training (or of each of its stages); empty where none were recorded."""
    stages = {"": training} if "curve" in training else {k: v for k, v in training.items() if isinstance(v, dict)}
    lines = [(name, stage["curve"]) for name, stage in stages.items() if stage.get("curve")]
    if not lines:
        return ""
    figure = Figure(figsize=(6.4, 2.4))
    places = figure.subplots(1, len(lines), squeeze=False)[0]
    for axes, (name, curve) in zip(places, lines, strict=True):
        steps = [entry["step"] for entry in curve]
        totals = [loss for loss in curve[0]["train"] if loss.rpartition("/")[2] == "loss"]
        for loss in totals:
            axes.plot(steps, [entry["train"].get(loss) for entry in curve], label=f"training {loss}")
        if curve[0].get("validation"):
            axes.plot(steps, [entry["validation"].get("loss") for entry in curve], label="validation loss")
        axes.set_xlabel(f"step {name}".strip())
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.legend(fontsize=7, frameon=False)
    return _svg(figure, "losses by training step")


def heatmap(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    description: str,
    axis: str = "",
) -> str:
    """Values in [0, 1], written into their cells and darker the larger; None is left empty.

    `axis` says what the columns are.
    """
    figure = Figure(figsize=(1.2 + 0.75 * len(columns), 0.5 + 0.3 * len(rows)))
    axes = figure.subplots()
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    for place, line in enumerate(values):
        for column, value in enumerate(line):
            if value is not None:
                # Faint enough for the page's own text colour on it, in light and in dark.
                shade = 0.7 * min(max(value, 0.0), 1.0)
                axes.add_patch(Rectangle((column, place), 1, 1, color=OTHER, alpha=shade, linewidth=0))
                axes.text(column + 0.5, place + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=8)
    axes.set_xticks([place + 0.5 for place in range(len(columns))], columns, fontsize=8)
    axes.set_yticks([place + 0.5 for place in range(len(rows))], rows, fontsize=8)
    axes.set_xlabel(axis)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return _svg(figure, description)


def correlations(record: Record) -> str:
    """Mean absolute correlation between each two groups of features; the diagonal is left out."""
    pairs = record.details["pcc"]["pairs"]
    # Earlier records did not keep the groups' order.
    names = record.details["pcc"].get("groups") or sorted({name for pair in pairs for name in pair.split("-")})
    values = [[pairs.get(f"{one}-{other}", pairs.get(f"{other}-{one}")) for other in names] for one in names]
    return heatmap(names, names, values, f"correlation between the groups of features of {record.name}")


def told(record: Record) -> str:
    """What each group of features tells of each scene parameter: R^2 on images held out."""
    matrix = record.details["disentanglement"]
    about = f"what the groups of features of {record.name} tell of the true scene"
    return heatmap(matrix["rows"], matrix["columns"], matrix["values"], about)


def sweep(records: Sequence[Record]) -> str:
    """Accuracy by subset of a sweep: one line per method or, where those would hide each other, a row of numbers."""
    if len(records) > LINES:
        points = [[point["metrics"]["accuracy"] for point in record.details["curve"]["points"]] for record in records]
        names = [point["name"] for point in records[0].details["curve"]["points"]]
        axis = records[0].details["curve"]["axis"]
        return heatmap([record.method for record in records], names, points, _about(records), axis)
    figure = Figure(figsize=(6.4, 3.4))
    axes = figure.subplots()
    for record in records:
        points = record.details["curve"]["points"]
        names = [point["name"] for point in points]
        axes.plot(
            names, [point["metrics"]["accuracy"] for point in points], marker="o", markersize=3, label=record.method
        )
    axes.set_ylim(0, 1)
    axes.set_xlabel(records[0].details["curve"]["axis"])
    axes.set_ylabel("accuracy")
    axes.legend(fontsize=7, frameon=False, ncols=2)
    return _svg(figure, _about(records))


def _about(records: Sequence[Record]) -> str:
    return f"accuracy on {records[0].task} by {records[0].details['curve']['axis']}"


def _svg(figure: Figure, description: str) -> str:
    """The figure as an `<svg>` element that scales with the page."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    out = io.StringIO()
    # A fixed salt keeps element ids, and with them the page, the same from run to run.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": description}):
        figure.savefig(out, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace("fill: none", "fill:none")
    head, _, rest = text.partition(">")
    return f'{head} role="img" aria-label="{description}" color="currentColor" fill="currentColor">{rest}'
