"""Pictures in named rows and columns: each method's sheets, and strips of the same things below each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from bench.pipeline.predictions import strips_of
from bench.pipeline.records import PictureFile, Record
from bench.pipeline.store import Store
from bench.results.report.images import Pixels, data_uri, exact_uri
from tasks.results import Legend, Panel


@dataclass(frozen=True)
class Film:
    """Pictures of one kind.

    Attributes
    ----------
    caption: what they show.
    columns: what the parts of a strip show; equally wide.
    strips: what each strip is, with the method where methods differ, and the strip as a data URI.
    about: what all strips are of, for whoever cannot see them.
    legend: what their colours mean.
    """

    caption: str
    columns: tuple[str, ...]
    strips: list[tuple[str, str]]
    about: str = ""
    legend: Legend | None = None


@dataclass(frozen=True)
class Whole:
    """A picture that is shown as it is: what it shows, and it as a data URI; `about` as in `Film`."""

    caption: str
    uri: str
    about: str


def films(records: Sequence[Record], store: Store) -> list[Film]:
    """The films of one task, from its records in the order in which methods are to be shown.

    Pictures with the same caption, rows and columns are one film. A strip that is the same for all methods is shown
    once, without a method's name.
    """
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[tuple[str, list[Pixels]]]] = {}
    for record in records:
        for path, picture in strips_of(record, store):
            strips = np.split(_pixels(path), len(picture.rows))
            found.setdefault((picture.caption, picture.rows, picture.columns), []).append((record.method, strips))
    return [Film(caption, columns, _strips(rows, own, store)) for (caption, rows, columns), own in found.items()]


def sheets(path: Path, picture: PictureFile, about: str, store: Store) -> list[Film | Whole]:
    """A picture panel by panel, each row a strip; one without panels as it is."""
    if not picture.panels:
        return [Whole(picture.caption, data_uri(path), about)]
    page, last = _pixels(path), len(picture.panels) - 1
    return [
        Film(
            picture.caption if place == last else "",
            panel.columns,
            [(name, exact_uri(strip, store)) for name, strip in zip(panel.rows, _rows(page, panel), strict=True)],
            about,
            picture.legend if place == last else None,
        )
        for place, panel in enumerate(picture.panels)
    ]


def _rows(page: Pixels, panel: Panel) -> list[UInt8[np.ndarray, "row_h row_w 3"]]:
    """The rows of a panel at the size of what they show."""
    body = page[panel.top : panel.top + panel.height, panel.left : panel.left + panel.width]
    return np.split(body[:: panel.scale, :: panel.scale], len(panel.rows))


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def _strips(rows: Sequence[str], own: Sequence[tuple[str, list[Pixels]]], store: Store) -> list[tuple[str, str]]:
    """Row by row what all methods show."""
    shown = []
    for place, row in enumerate(rows):
        (_, first), *others = own
        if others and all(np.array_equal(strips[place], first[place]) for _, strips in others):
            shown.append((row, exact_uri(first[place], store)))
        else:
            shown += [(f"{row}: {method}", exact_uri(strips[place], store)) for method, strips in own]
    return shown
