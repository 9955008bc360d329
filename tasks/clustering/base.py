"""The paper's clustering protocol: Ward on the features, as many clusters as classes, scored against the labels."""

from typing import ClassVar

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset, shortened, track_labels
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task
from tasks.clustering import finch
from tasks.clustering.ward import ward_clusters
from tasks.metrics.bootstrap import bootstrap_intervals
from tasks.metrics.clustering import clustering_metrics, contingency, majority_labels
from tasks.results import Caption, Metric, PerItem, Scores

METRICS = tuple(Metric(name, cites=("ward1963hierarchical",)) for name in ("accuracy", "hungarian", "f1", "nmi"))


def captions(clusters: int, attributes: int | None = None) -> list[Caption]:
    """That the number of clusters is given, and what the accuracies mean; with `attributes`, that scores are means over
    so many."""
    return [
        Caption(f"{clusters} clusters, the true number (oracle)."),
        *([Caption(f"Means over {attributes} attributes, all scored against one clustering.")] if attributes else []),
        Caption(
            "accuracy: majority label per cluster (= weighted cluster purity, the paper's); hungarian: each label "
            "given to one cluster at most."
        ),
    ]


class Clustering(Task):
    """Clusters a dataset's images (or, with `reduce = "track_mean"`, its tracks) and scores them against its labels.

    The number of clusters is given: that of the classes that occur among the items (an oracle, and recorded as
    such). Items whose label is unknown are left out before clustering.

    Attributes
    ----------
    label_kind: which of the dataset's labels to score against; None takes its only kind.
    """

    label_kind: ClassVar[str | None] = None
    metrics = METRICS
    secondary = finch.METRICS

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores `accuracy` (majority label per cluster: weighted purity), `hungarian`, `f1` and `nmi`, and by FINCH
        at the same number of clusters `finch_nmi` and `finch_purity`, unless there are too many items for it.

        `predictions` has a row per item: `cluster` (numbered by first appearance), `label`, and `majority`, its
        cluster's label; `cluster` and `majority` are -1 where the label is unknown. Where items are images, `frame` is
        their index in the dataset.

        Raises BenchError where features are not finite or the labels cannot be clustered against.
        """
        dataset, features, frames = inputs.dataset, inputs.features, inputs.frames
        kind, labels = self.labels(dataset, frames)
        unit = "tracks" if self.reduce == "track_mean" else "items"
        if len(labels) != len(features):
            raise ValueError(f"{len(features)} rows of features for {len(labels)} {unit}")
        names = dataset.classes[kind]
        known = labels >= 0
        present = np.unique(labels[known])
        if len(present) < 2:
            raise BenchError(
                f"{dataset.label}: clustering needs {unit} of at least two classes; {np.count_nonzero(known)} of "
                f"{len(labels)} are labelled, of {len(present)} class{'es' if len(present) != 1 else ''}"
            )
        scored = features if known.all() else features[known]
        clusters = ward_clusters(scored, len(present))
        counts = contingency(clusters, labels[known], (len(present), len(names)))
        majority = majority_labels(counts)
        found = finch.finch_details(scored, labels[known], len(present))
        return Scores(
            metrics={name: float(value) for name, value in clustering_metrics(counts).items()},
            secondary=finch.finch_scores(found),
            intervals=bootstrap_intervals(counts, unit, generator(inputs.seed, "bootstrap")),
            captions=captions(len(present)),
            charts=finch.finch_tables(found),
            predictions={
                "cluster": _spread(clusters, known),
                "label": labels,
                "majority": _spread(majority[clusters], known),
                **({"frame": frames} if self.reduce == "none" else {}),
            },
            per_item=PerItem("clustering", identity="label", unit=unit),
            details={
                "clusters": "oracle",
                "number_of_clusters": len(present),
                "cluster_sizes": counts.sum(axis=1).tolist(),
                "classes": list(names),
                "class_counts": counts.sum(axis=0).tolist(),
                "label_kind": kind,
                "unit": unit,
                "unknown": int(np.count_nonzero(~known)),
                "finch": found,
            },
        )

    def labels(self, dataset: Dataset, frames: Int[np.ndarray, " m"]) -> tuple[str, Int[np.ndarray, " n"]]:
        """The kind of label that is scored, and the label of each row of the features; -1 is unknown."""
        kinds = sorted(dataset.labels)
        kind = self.label_kind if self.label_kind is not None else (kinds[0] if len(kinds) == 1 else None)
        if kind is None or kind not in dataset.labels:
            wanted = f"labels named {self.label_kind}" if self.label_kind else "one kind of label"
            found = shortened(kinds) or "none"
            raise BenchError(f"{dataset.label}: clustering needs {wanted}; its kinds of labels are: {found}")
        labels = np.asarray(dataset.labels[kind], dtype=np.int64)
        if self.reduce == "track_mean":
            if dataset.tracks is None:
                raise BenchError(f"{dataset.label} has no tracks, and this task averages features over tracks")
            return kind, track_labels(labels, np.asarray(dataset.tracks), len(dataset.track_names))
        return kind, labels[frames]


def _spread(values: Int[np.ndarray, " m"], known: np.ndarray) -> Int[np.ndarray, " n"]:
    """`values` at the places that are `known`, -1 elsewhere."""
    out = np.full(len(known), -1, dtype=np.int64)
    out[known] = values
    return out
