"""Pictures inside the page: files as data URIs, and rows of images of clusters from the store's decoded ones."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.report.confusion import Confusion
from datasets.base import Dataset
from datasets.prepared import open_prepared, verify
from datasets.sealed import Damaged
from tasks.metrics.clustering import majority_labels

PER_CLUSTER = 12
SIDE = 40
BORDER = 3
RIGHT, WRONG = (47, 125, 79), (200, 60, 50)


def data_uri(path: Path) -> str:
    """A PNG file as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


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


def thumbnails(counts: Confusion, images: ItemImages) -> str | None:
    """A row of images per cluster shown, framed green where the label is the cluster's majority and red elsewhere, as a
    data URI; None where there is not one image per item."""
    if len(images) != len(counts.cluster):
        return None
    majority = majority_labels(counts.counts)
    cell = SIDE + 2 * BORDER
    page = Image.new("RGB", (PER_CLUSTER * cell, len(counts.clusters) * cell), "white")
    for row, cluster in enumerate(counts.clusters):
        members = np.flatnonzero(counts.cluster == cluster)
        # Spread over the cluster, so that the row shows the whole of it.
        shown = members[np.linspace(0, len(members) - 1, min(PER_CLUSTER, len(members))).astype(int)]
        for place, item in enumerate(shown):
            frame = Image.new("RGB", (cell, cell), RIGHT if counts.label[item] == majority[cluster] else WRONG)
            frame.paste(images.picture(int(item)).resize((SIDE, SIDE)), (BORDER, BORDER))
            page.paste(frame, (place * cell, row * cell))
    out = io.BytesIO()
    page.save(out, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
