"""What a task declares beforehand, its metrics, and what it gives of one method: scores, sentences, charts, pictures.

Tables, the report, comparisons and citations are made of these, and know no task by name. Everything here but arrays
is JSON: it goes into the record as it is. Imports no torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import UInt8
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class Metric:
    """One number that a task gives of every method, and how a table treats it.

    Attributes
    ----------
    name: its key in `Scores.metrics`; a pattern such as `share_*` stands for names that only scoring tells.
    title: what heads its column; the name where empty.
    higher_is_better: None where neither is, so that nothing is ranked by it.
    ranked: whether rows may be ranked by it; not where its values of different architectures mean different things.
    unit: of its values, as a person reads it (`degrees`, `%`); empty for a share or another pure number.
    low, high: the range of possible values, for intervals and charts; None where it has no end.
    chance_corrected: whether guessing scores 0 on average whatever the number of classes.
    cites: the publications behind it: keys of results/paper/references.bib, or whole BibTeX entries.
    """

    name: str
    title: str = ""
    higher_is_better: bool | None = True
    unit: str = ""
    low: float | None = 0.0
    high: float | None = 1.0
    chance_corrected: bool = False
    cites: tuple[str, ...] = ()
    ranked: bool = True

    @property
    def header(self) -> str:
        """The head of its column, with the unit where a title leaves it out of the name."""
        return f"{self.title} [{self.unit}]" if self.title and self.unit else self.title or self.name


@dataclass(frozen=True, config=STRICT)
class Interval:
    """A 95 % interval and the source of variation that it covers (`tracks`, `items`, `seeds`)."""

    low: float
    high: float
    over: str


@dataclass(frozen=True, config=STRICT)
class Caption:
    """A sentence under the task's table.

    `{name}` in the text (`{name:.3f}`) stands for a value; over several records of one table, for its mean. Equal texts
    are shown once.
    """

    text: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Curve:
    """One number against another, for a chart with a line per method.

    Attributes
    ----------
    title: what the chart shows; curves of one title under one task share a chart.
    x_label, y_label: the axes, with units.
    x, y: the points; where x are names, the points are evenly spaced.
    low, high: the 95 % interval of each y, or nothing.
    """

    title: str
    x_label: str
    y_label: str
    x: tuple[str, ...] | tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    kind: Literal["curve"] = "curve"


@dataclass(frozen=True, config=STRICT)
class Heatmap:
    """A matrix of values in [0, 1], None where there is none; one chart per method."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    x_label: str = ""
    kind: Literal["heatmap"] = "heatmap"


@dataclass(frozen=True, config=STRICT)
class DetailTable:
    """A small table of texts under a method's name: scores by class, percentages by group.

    `columns` heads the row's name and its cells: one more than each row has cells.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    kind: Literal["table"] = "table"


Chart = Curve | Heatmap | DetailTable


@dataclass(frozen=True, config=STRICT)
class PerItem:
    """How the scores follow from arrays with a row per item, so that two methods can be compared on the same items.

    Attributes
    ----------
    statistic: a name in `tasks.metrics.paired.STATISTICS`. `mean`, the default: each metric is the mean of the array
        of its own name.
    identity: the array in `Scores.predictions` that says which items these are; two methods are compared item by item
        where it is the same for both.
    unit: what an item is, for a reader.
    groups: the array in `Scores.predictions` that says which independent unit each item belongs to (the person on an
        image), for resampling whole units; empty where every item is a unit of its own.
    """

    statistic: str = "mean"
    identity: str = "frame"
    unit: str = "items"
    groups: str = ""


@dataclass(frozen=True, config=STRICT)
class Panel:
    """Pictures in equally high rows and equally wide columns, a part of a larger picture that may have their names
    beside them. A page shows it with names of its own, in letters that stay readable at any size.

    Attributes
    ----------
    left, top, width, height: where it lies, in pixels.
    scale: how many of these, either way, are one pixel of what is shown.
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    left: int
    top: int
    width: int
    height: int
    scale: int = 1


@dataclass(frozen=True, config=STRICT)
class Legend:
    """What colours (`#rrggbb`) mean: one name each or, of a `bar` of colours that pass into each other, its ends'."""

    names: tuple[str, ...]
    colours: tuple[Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")], ...]
    bar: bool = False


@plain_dataclass(frozen=True)
class Picture:
    """What a person should look at: uint8 pixels, and a sentence that says what they show.

    Of a picture with `rows`, strips of one height from the top down, the report shows each method's strips of one name
    below each other, and once what is the same for all methods. `columns` head as many equally wide parts of a strip.

    A picture with `panels` is shown as these alone, with `legend` below. One that is not `on_page` is for whoever opens
    the file: a page has its parts already.
    """

    pixels: UInt8[np.ndarray, "h w 3"]
    caption: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    legend: Legend | None = None
    on_page: bool = True


@plain_dataclass(frozen=True)
class Scores:
    """What a task says of one method.

    Attributes
    ----------
    metrics: name -> value, for names that `Task.metrics` declares.
    secondary: the same, for numbers that only tables of their own show (FINCH's scores beside Ward's).
    intervals: name -> its 95 % interval, for the metrics that have one.
    captions: sentences on the task's whole table.
    notes: sentences on this method's row.
    charts: curves, matrices and small tables for the report.
    pictures: name -> picture; kept as PNG beside the predictions.
    predictions: per-item arrays that the scores can be recomputed from, first axis items.
    per_item: how they are.
    details: anything else worth keeping, as JSON.
    """

    metrics: dict[str, float]
    secondary: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    captions: Sequence[Caption] = ()
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    pictures: dict[str, Picture] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    per_item: PerItem = field(default_factory=PerItem)
    details: dict[str, Any] = field(default_factory=dict)


# How the caption begins that says what is less than the paper's protocol.
REDUCED = "Less than the paper's protocol"


def reduced(sentences: Sequence[str]) -> list[Caption]:
    """The caption that says what is less than the paper's protocol; none where nothing is."""
    return [Caption(f"{REDUCED}: {'; '.join(sentences)}.")] if sentences else []
