"""Clusters against classes, from a record's per-item predictions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from tasks.metrics.clustering import contingency, majority_labels


@dataclass(frozen=True)
class Confusion:
    """A clustering's counts and assignments.

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

    @property
    def rows(self) -> list[tuple[str, list[tuple[int, float]]]]:
        """Per cluster its majority class and, per class, (count, share of the cluster)."""
        majority = majority_labels(self.counts)
        return [
            (self.classes[majority[k]], [(int(n), float(n / max(row.sum(), 1))) for n in row])
            for k, row in enumerate(self.counts)
        ]


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
