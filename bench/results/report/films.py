"""Strips of pictures of the same things, every method's below the others', so that they can be compared by eye."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from bench.pipeline.predictions import strips_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store

Pixels = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class Film:
    """Pictures of one kind of one task.

    Attributes
    ----------
    caption: what they show.
    columns: what the parts of a strip show; equally wide.
    strips: what each strip is, with the method where methods differ, and the strip as a data URI.
    """

    caption: str
    columns: tuple[str, ...]
    strips: list[tuple[str, str]]


def films(records: Sequence[Record], store: Store) -> list[Film]:
    """The films of one task, from its records in the order in which methods are to be shown.

    Pictures with the same caption, rows and columns are one film. A strip that is the same for all methods is shown
    once, without a method's name.
    """
    found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[tuple[str, list[Pixels]]]] = {}
    for record in records:
        for path, picture in strips_of(record, store):
            with Image.open(path) as opened:
                pixels = np.asarray(opened.convert("RGB"))
            strips = np.split(pixels, len(picture.rows))
            found.setdefault((picture.caption, picture.rows, picture.columns), []).append((record.method, strips))
    return [Film(caption, columns, _strips(rows, own)) for (caption, rows, columns), own in found.items()]


def _strips(rows: Sequence[str], own: Sequence[tuple[str, list[Pixels]]]) -> list[tuple[str, str]]:
    """Row by row what all methods show."""
    shown = []
    for place, row in enumerate(rows):
        (_, first), *others = own
        if others and all(np.array_equal(strips[place], first[place]) for _, strips in others):
            shown.append((row, _uri(first[place])))
        else:
            shown += [(f"{row}: {method}", _uri(strips[place])) for method, strips in own]
    return shown


def _uri(pixels: Pixels) -> str:
    """A strip as the address of itself."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
