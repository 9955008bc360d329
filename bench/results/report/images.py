"""Pictures inside the page: as data URIs, and rows of images of clusters from the store's decoded ones."""

import base64
import hashlib
import io
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image, ImageDraw

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.report.confusion import Confusion
from datasets.base import Dataset
from datasets.prepared import open_prepared, verify
from datasets.sealed import Damaged, read_sealed, write_sealed
from tasks.metrics.clustering import majority_labels

PER_CLUSTER = 12
SIDE = 40
BORDER = 3
# Blue and vermilion, which the colour-blind tell apart too; what is wrong has a corner cut off besides.
RIGHT, WRONG = (0, 114, 178), (213, 94, 0)
CORNER = 12
# How hard to look for the smallest file: three times this is slower by half, and a hundredth smaller.
EFFORT = 20

Pixels = UInt8[np.ndarray, "h w 3"]


def data_uri(path: Path) -> str:
    """A PNG file as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def exact_uri(pixels: Pixels, store: Store) -> str:
    """Pixels as lossless WebP, the address of itself; made once per store, since that takes a tenth of a second."""
    key = hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:32]
    path = store.root / "charts" / f"{key}.json"
    with suppress(Damaged, FileNotFoundError):
        return str(read_sealed(path)["webp"])
    uri = _webp(Image.fromarray(pixels), lossless=True, quality=EFFORT)
    write_sealed(path, {"webp": uri})
    return uri


def _webp(image: Image.Image, **options: int) -> str:
    out = io.BytesIO()
    image.save(out, format="WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


@dataclass(frozen=True)
class ItemImages:
    """Decoded images of a dataset, of which only those that are shown are read, and the place of each item's (n)."""

    images: UInt8[np.ndarray, "m s s 3"]
    places: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.places)

    def picture(self, item: int) -> Image.Image:
        """The image of an item."""
        return Image.fromarray(np.asarray(self.images[self.places[item]]))


def prepared_images(record: Record, store: Store) -> ItemImages | None:
    """One decoded image per item of a record: that of its array `frame`, else the first of each track. None where
    they are gone."""
    dataset = _dataset(record, store)
    if dataset is None:
        return None
    if (frames := predictions_of(record, store).get("frame")) is not None:
        return ItemImages(dataset.images, np.asarray(frames))
    if dataset.tracks is None:
        return None
    return ItemImages(dataset.images, np.unique(np.asarray(dataset.tracks), return_index=True)[1])


def _dataset(record: Record, store: Store) -> Dataset | None:
    """The record's dataset in the store, found by its digest."""
    for meta in sorted(store.data.glob("*/meta.json")):
        try:
            found = open_prepared(meta.parent)
            if record.dataset is not None and found.digest == record.dataset.digest:
                verify(found)
                return found
        except Damaged:
            continue
    return None


def thumbnails(counts: Confusion, images: ItemImages) -> list[str] | None:
    """A row of images per cluster shown, framed blue where the label is the cluster's majority, and vermilion with a
    corner cut off elsewhere, as data URIs; None where there is not one image per item."""
    if len(images) != len(counts.cluster):
        return None
    majority = majority_labels(counts.counts)
    return [_members(counts, images, cluster, int(majority[cluster])) for cluster in counts.clusters]


def _members(counts: Confusion, images: ItemImages, cluster: int, majority: int) -> str:
    """Some images of a cluster side by side."""
    members = np.flatnonzero(counts.cluster == cluster)
    # Spread over the cluster, so that the row shows the whole of it.
    shown = members[np.linspace(0, len(members) - 1, min(PER_CLUSTER, len(members))).astype(int)]
    cell = SIDE + 2 * BORDER
    row = Image.new("RGB", (len(shown) * cell, cell))
    draw = ImageDraw.Draw(row)
    for place, item in enumerate(shown):
        right, left = counts.label[item] == majority, place * cell
        draw.rectangle((left, 0, left + cell - 1, cell - 1), fill=RIGHT if right else WRONG)
        row.paste(images.picture(int(item)).resize((SIDE, SIDE)), (left + BORDER, BORDER))
        if not right:
            end = left + cell
            draw.polygon([(end - CORNER, 0), (end, 0), (end, CORNER)], fill=WRONG)
    return _webp(row, quality=80)
