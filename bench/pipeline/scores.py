"""What a task says of a method, checked where it enters: it goes into the record, and tables are made of it."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np

from bench.pipeline.hooks import sentences
from datasets.errors import BenchError, suggestion
from datasets.plain import number, plain
from tasks.base import Task
from tasks.results import (
    Caption,
    Curve,
    DetailTable,
    Heatmap,
    Interval,
    Legend,
    Metric,
    Panel,
    PerItem,
    Picture,
    Scores,
)

T = TypeVar("T")

# Kinds of numpy's types that a file holds as they are: truth values, numbers, texts, moments and durations.
FIXED = "biufcSUmM"


def checked(scores: object, task: Task) -> Scores:
    """`scores` with numbers of Python's, in place of numpy's, and everything that a record keeps as JSON.

    Raises
    ------
    BenchError
        Naming the task and the place: where a metric is not finite or not declared, an interval has no metric or its
        ends the wrong way round, details are no JSON, predictions no arrays, or a caption or chart does not fit itself.
    """
    whose = f"{type(task).__name__}.evaluate"
    if not isinstance(scores, Scores):
        raise BenchError(f"{whose} gave a {type(scores).__name__}: expected tasks.base.Scores")
    metrics = _numbers(scores.metrics, task.metrics, f"{whose}: metrics")
    if not metrics and task.metrics:
        raise BenchError(f"{whose}: metrics is empty: expected {task.metrics[0].name}")
    secondary = _numbers(scores.secondary, task.secondary, f"{whose}: secondary")
    details = plain(scores.details, f"{whose}: details")
    if not isinstance(details, dict):
        raise BenchError(f"{whose}: details is a {type(scores.details).__name__}: expected a dictionary")
    return Scores(
        metrics=metrics,
        secondary=secondary,
        intervals=_intervals(scores.intervals, {*metrics, *secondary}, f"{whose}: intervals"),
        captions=[_caption(one, place) for place, one in _listed(scores.captions, f"{whose}: captions")],
        notes=sentences(scores.notes, f"{whose}: notes"),
        charts=[_chart(one, place) for place, one in _listed(scores.charts, f"{whose}: charts")],
        pictures={name: _picture(one, place) for name, one, place in _files(scores.pictures, f"{whose}: pictures")},
        predictions={
            name: _array(one, place) for name, one, place in _files(scores.predictions, f"{whose}: predictions")
        },
        per_item=_same(scores.per_item, (PerItem,), f"{whose}: per_item"),
        details=details,
    )


def _numbers(values: object, declared: Iterable[Metric], place: str) -> dict[str, float]:
    """Finite numbers of declared names."""
    known = [metric.name for metric in declared]
    found = {}
    for name, value in _dictionary(values, place).items():
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in known):
            hint = suggestion(name, known, f"declared: {', '.join(known) or 'none'}")
            raise BenchError(f"{place} has {name!r}, which the task does not declare: {hint}")
        found[name] = float(number(value, f"{place}.{name}"))
    return found


def _intervals(values: object, names: set[str], place: str) -> dict[str, Interval]:
    """Intervals of scores that are there, the lower end first."""
    found = {}
    for name, value in _dictionary(values, place).items():
        if name not in names:
            raise BenchError(f"{place} has {name!r}, which is none of the scores: {', '.join(sorted(names))}")
        found[name] = _same(value, (Interval,), f"{place}.{name}")
        if found[name].low > found[name].high:
            raise BenchError(
                f"{place}.{name} goes from {found[name].low:g} to {found[name].high:g}: the wrong way round"
            )
    return found


def _caption(value: object, place: str) -> Caption:
    """A caption whose text can be filled with its values."""
    caption = _same(value, (Caption,), place)
    try:
        caption.text.format(**caption.values)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise BenchError(
            f"{place}: {caption.text!r} cannot be filled with {sorted(caption.values)} ({error})"
        ) from error
    return caption


def _chart(value: object, place: str) -> Curve | Heatmap | DetailTable:
    """A chart whose parts are of one length."""
    chart: Any = _same(value, (Curve, Heatmap, DetailTable), place)
    if isinstance(chart, Curve):
        wrong = len(chart.x) != len(chart.y) or any(
            len(end) not in (0, len(chart.y)) for end in (chart.low, chart.high)
        )
        wrong = wrong or len(chart.low) != len(chart.high)
    elif isinstance(chart, Heatmap):
        wrong = len(chart.values) != len(chart.rows) or any(len(row) != len(chart.columns) for row in chart.values)
    else:
        wrong = any(len(cells) + 1 != len(chart.columns) for _, cells in chart.rows)
    if wrong:
        raise BenchError(f"{place}, {chart.title!r}: its parts differ in length; expected one value per point or cell")
    found: Curve | Heatmap | DetailTable = chart
    return found


def _picture(value: object, place: str) -> Picture:
    """A picture that can be written as a PNG."""
    if not isinstance(value, Picture):
        raise BenchError(f"{place} is a {type(value).__name__}: expected tasks.base.Picture")
    pixels = value.pixels
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        shown = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise BenchError(f"{place} has pixels {shown}: expected uint8 (h, w, 3)")
    if pixels.size == 0:
        raise BenchError(f"{place} has no pixel")
    names = {}
    for what, length, parts in (("rows", "height", value.rows), ("columns", "width", value.columns)):
        names[what] = tuple(sentences(parts, f"{place}.{what}"))
        side = pixels.shape[what == "columns"]
        if names[what] and side % len(names[what]):
            raise BenchError(f"{place} has {len(parts)} {what}, which do not divide its {length} of {side} pixels")
    if len(set(names["rows"])) < len(names["rows"]):
        raise BenchError(f"{place} has two rows of one name: {', '.join(names['rows'])}")
    if names["columns"] and not names["rows"]:
        raise BenchError(f"{place} has columns, which head the strips of rows, but no rows")
    panels = tuple(_same(panel, (Panel,), where) for where, panel in _listed(value.panels, f"{place}.panels"))
    for panel in panels:
        _check_panel(panel, pixels, f"{place}.panels")
    legend = None if value.legend is None else _same(value.legend, (Legend,), f"{place}.legend")
    if legend is not None and (len(legend.names) != 2 if legend.bar else len(legend.names) != len(legend.colours)):
        raise BenchError(f"{place}.legend has {len(legend.names)} names: expected one per colour, or a bar's two ends'")
    if not isinstance(value.on_page, bool):
        raise BenchError(f"{place}.on_page is a {type(value.on_page).__name__}: expected True or False")
    caption = str(plain(value.caption, place))
    return Picture(pixels, caption, names["rows"], names["columns"], panels, legend, value.on_page)


def _check_panel(panel: Panel, pixels: np.ndarray, place: str) -> None:
    """That a panel lies in its picture and is made of whole pixels, rows and columns."""
    sides = (panel.left, panel.width, panel.columns), (panel.top, panel.height, panel.rows)
    for (start, length, names), most in zip(sides, pixels.shape[1::-1], strict=True):
        parts = len(names) * panel.scale
        if start < 0 or length <= 0 or start + length > most or not names or panel.scale < 1 or length % parts:
            raise BenchError(
                f"{place}: {length} pixels from {start} on, of {most}, for {len(names)} parts at {panel.scale} times "
                "their size: expected whole pixels of parts within the picture"
            )


def _array(value: object, place: str) -> np.ndarray:
    """An array of a fixed type, first axis items: nothing that a file could only hold pickled."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        raise BenchError(f"{place} is a {type(value).__name__}: expected an array, first axis items")
    if value.dtype.kind not in FIXED:
        raise BenchError(f"{place} is an array of {value.dtype}: expected numbers, truth values or texts, no objects")
    if value.ndim == 0:
        raise BenchError(f"{place} is a single value: expected an array, first axis items")
    return value


def _dictionary(values: object, place: str) -> Mapping[str, Any]:
    """A dictionary whose keys are text."""
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise BenchError(f"{place} is no dictionary by name, but {type(values).__name__}")
    return values


def _files(values: object, place: str) -> Iterable[tuple[str, Any, str]]:
    """What becomes a file each: (name, value, place), of names that a file may have."""
    for name, value in _dictionary(values, place).items():
        if (
            not name
            or name.startswith(".")
            or len(name.encode(errors="replace")) > 100
            or not name.isprintable()
            or {*name} & {*'/\\:*?"<>|'}
        ):
            raise BenchError(
                f"{place} has the name {name!r}: expected one that a file may have, without / and the like"
            )
        yield name, value, f"{place}.{name}"


def _listed(values: object, place: str) -> Iterable[tuple[str, Any]]:
    """(place, value) of each value of a list or tuple."""
    if not isinstance(values, list | tuple):
        raise BenchError(f"{place} is a {type(values).__name__}: expected a list")
    return ((f"{place}[{index}]", value) for index, value in enumerate(values))


def _same(value: Any, kinds: tuple[type[T], ...], place: str) -> T:
    """`value`, one of `kinds`, with numbers and texts as JSON has them."""
    if not isinstance(value, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise BenchError(f"{place} is a {type(value).__name__}: expected {expected}, of tasks.base")
    return type(value)(**plain(asdict(value), place))  # type: ignore[call-overload]
