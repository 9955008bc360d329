"""Clusters against classes, from a record's per-item predictions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from tasks.metrics.clustering import contingency, majority_labels

# Clusters, and classes, that a page shows of a clustering: a table of thousands of both would be millions of cells.
SHOWN = 40


@dataclass(frozen=True)
class Confusion:
    """A clustering's counts and assignments, of which a page shows the largest clusters.

    Attributes
    ----------
    counts: (k, c) items of each cluster and class.
    classes: the classes' names (c).
    cluster, label: of each item (n), -1 where the label is unknown.
    """

    counts: Int[np.ndarray, "k c"]
    classes: tuple[str, ...]
    cluster: Int[np.ndarray, " n"]
    label: Int[np.ndarray, " n"]

    @cached_property
    def clusters(self) -> list[int]:
        """The clusters that are shown: the `SHOWN` largest, in the order of their numbers."""
        return _largest(self.counts.sum(axis=1))

    @cached_property
    def columns(self) -> list[int]:
        """The classes that are shown: the `SHOWN` most frequent in the clusters shown, in their order."""
        return _largest(self.counts[self.clusters].sum(axis=0))

    @property
    def headers(self) -> list[str]:
        """The names of the classes shown."""
        return [self.classes[column] for column in self.columns]

    @property
    def rows(self) -> list[tuple[int, str, list[tuple[int, float]]]]:
        """Per cluster shown its number from 1, its majority class and, per class, (count, share of the cluster)."""
        majority = majority_labels(self.counts)
        return [
            (
                cluster + 1,
                self.classes[majority[cluster]],
                [(int(n), float(n / max(self.counts[cluster].sum(), 1))) for n in self.counts[cluster, self.columns]],
            )
            for cluster in self.clusters
        ]

    @property
    def left_out(self) -> str:
        """What is not shown, as a sentence; empty where all is."""
        shown, whole = (len(self.clusters), len(self.columns)), self.counts.shape
        if shown == whole:
            return ""
        return (
            f"Shown: {shown[0]} of {whole[0]:,} clusters, the largest, and of {whole[1]:,} classes the {shown[1]} most "
            "frequent in them."
        )


def _largest(sizes: Int[np.ndarray, " m"]) -> list[int]:
    """The places of the `SHOWN` largest, ascending; of equals the first."""
    return sorted(np.argsort(-sizes, kind="stable")[:SHOWN].tolist())


def confusion(record: Record, store: Store) -> Confusion | None:
    """The confusion of a record whose scores are those of a clustering (`tasks.metrics.paired.clustering`) and whose
    details name the `classes`; None of any other, and where its arrays are gone."""
    classes = record.details.get("classes")
    if record.status != "ok" or record.per_item.statistic != "clustering" or not classes:
        return None
    arrays = predictions_of(record, store)
    if not {"cluster", "label"} <= set(arrays) or arrays["label"].ndim != 1:
        return None
    cluster, label = np.asarray(arrays["cluster"]), np.asarray(arrays["label"])
    known = cluster >= 0
    shape = (int(cluster.max()) + 1, len(classes))
    return Confusion(contingency(cluster[known], label[known], shape), tuple(classes), cluster, label)
