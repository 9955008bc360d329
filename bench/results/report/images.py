"""Pictures inside the page: files as data URIs, and rows of images of clusters from the store's decoded ones."""

import base64
import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
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


def prepared_images(record: Record, store: Store) -> UInt8[np.ndarray, "n s s 3"] | None:
    """One decoded image per item of a record: that of its array `frame`, else the first of each track. None where
    they are gone."""
    dataset = _dataset(record, store)
    if dataset is None:
        return None
    if (frames := predictions_of(record, store).get("frame")) is not None:
        return np.asarray(dataset.images[frames])
    if dataset.tracks is None:
        return None
    _, first = np.unique(np.asarray(dataset.tracks), return_index=True)
    return dataset.images[first]


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


def thumbnails(counts: Confusion, images: UInt8[np.ndarray, "n s s 3"]) -> str | None:
    """A row of images per cluster, framed green where the label is the cluster's majority and red elsewhere, as a
    data URI; None where there is not one image per item."""
    if len(images) != len(counts.cluster):
        return None
    majority = majority_labels(counts.counts)
    cell = SIDE + 2 * BORDER
    page = Image.new("RGB", (PER_CLUSTER * cell, len(majority) * cell), "white")
    for cluster, name in enumerate(majority):
        members = np.flatnonzero(counts.cluster == cluster)
        # Spread over the cluster, so that the row shows the whole of it.
        shown = members[np.linspace(0, len(members) - 1, min(PER_CLUSTER, len(members))).astype(int)]
        for place, item in enumerate(shown):
            frame = Image.new("RGB", (cell, cell), RIGHT if counts.label[item] == name else WRONG)
            frame.paste(Image.fromarray(np.asarray(images[item])).resize((SIDE, SIDE)), (BORDER, BORDER))
            page.paste(frame, (place * cell, cluster * cell))
    out = io.BytesIO()
    page.save(out, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
