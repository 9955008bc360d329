"""The paper's clustering protocol: Ward on the features, as many clusters as classes, scored against the labels."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, Shaped

from datasets.base import Dataset, shortened, track_labels
from datasets.errors import BenchError
from datasets.packed import Matrix
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task, TaskConfig
from tasks.clustering import extras, finch
from tasks.clustering.rows import DESCRIBED, ClusteringConfig, compact, normalised
from tasks.clustering.taught import Encoded
from tasks.clustering.ward import ward_clusters
from tasks.metrics.bootstrap import bootstrap_intervals, percentiles, unit_metrics, unit_weights
from tasks.metrics.clustering import clustering_metrics, contingency, majority_labels
from tasks.results import Caption, Interval, Metric, PerItem, Scores
from tasks.units import ARRAY, OVER, Units, units_of

AMI = Metric("ami", low=None, chance_corrected=True, cites=("vinh2010ami",))
ARI = Metric("ari", low=-0.5, chance_corrected=True, cites=("hubert1985ari",))
# The paper's, and the same clusters corrected for chance.
METRICS = (
    *(Metric(name, cites=("ward1963hierarchical",)) for name in ("accuracy", "hungarian", "f1", "nmi")),
    AMI,
    ARI,
)
# Where labels are people: whether distances tell two of them apart, without clusters.
IDENTITY = (*METRICS, extras.VERIFICATION, extras.KNN)
SECONDARY = (*finch.METRICS, extras.STABILITY)


def captions(clusters: int, attributes: int | None = None) -> list[Caption]:
    """That the number of clusters is given, and what the accuracies mean; with `attributes`, that scores are means over
    so many."""
    return [
        Caption(f"{clusters} clusters, the true number (oracle)."),
        *([Caption(f"Means over {attributes} attributes, all scored against one clustering.")] if attributes else []),
        Caption(
            "accuracy: majority label per cluster (= weighted cluster purity, the paper's); hungarian: each label "
            "given to one cluster at most; ami, ari: corrected for chance, random clusters score 0."
        ),
    ]


def prepared_captions(config: ClusteringConfig, units: Units | None) -> list[Caption]:
    """What was done to features before they were clustered, and that intervals resample people, where either is so."""
    return [
        *([Caption(f"Features: {DESCRIBED[config.normalise]}.")] if config.normalise != "none" else []),
        *([Caption("Intervals resample people, each with all their images.")] if units is not None else []),
    ]


def unit_intervals(
    clusters: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    counts: Int[np.ndarray, "k c"],
    units: Units,
    seed: int,
) -> dict[str, Interval]:
    """95 % intervals of the clustering metrics over resampled people with all their items; otherwise as
    `bootstrap_intervals`."""
    weights = unit_weights(units.count, generator(seed, "bootstrap", OVER))
    return percentiles(unit_metrics(clusters, labels, units, counts, weights), OVER)


class Clustering(Task):
    """Clusters a dataset's images (or, with `reduce = "track_mean"`, its tracks) and scores them against its labels.

    The number of clusters is given: that of the classes that occur among the items (an oracle, and recorded as
    such). Items whose label is unknown are left out before clustering.

    Attributes
    ----------
    label_kind: which of the dataset's labels to score against; None takes its only kind.
    """

    Config: ClassVar[type[TaskConfig]] = ClusteringConfig
    label_kind: ClassVar[str | None] = None
    metrics: tuple[Metric, ...] = (*METRICS, extras.KNN)
    secondary: tuple[Metric, ...] = SECONDARY

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores `accuracy` (majority label per cluster: weighted purity), `hungarian`, `f1`, `nmi`, `ami` and `ari`,
        `knn` without clusters and, where labels are people, `verification_auc`; by FINCH at the same number of clusters
        `finch_nmi` and `finch_purity`. What looks at all pairs is left out where there are too many items for it.

        Intervals resample tracks, or people with all their images where the dataset knows who is on them, or else
        images.

        `predictions` has a row per item: `cluster` (numbered by first appearance), `label`, `majority`, its cluster's
        label, and `knn_label`, its neighbours'; all but `label` are -1 where that is unknown; and where it is scored
        `verification_auc`, whose mean is the score (`Verification.per_item`), NaN there. Where items are images,
        `frame` is their index in the dataset, and `person` the number of whom they show, where the dataset knows.

        Raises BenchError where features are not finite or the labels cannot be clustered against.
        """
        dataset, frames = inputs.dataset, inputs.frames
        kind, labels = self.labels(dataset, frames)
        given = self.encoded(inputs)
        features = given.features
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
        every = None if self.reduce == "track_mean" else units_of(dataset, frames)
        units = None if every is None else every.of(np.flatnonzero(known))
        scored = normalised(features if known.all() else features[known], self.config.normalise)
        clusters = ward_clusters(scored, len(present))
        counts = contingency(clusters, labels[known], (len(present), len(names)))
        majority = majority_labels(counts)
        intervals = (
            bootstrap_intervals(counts, unit, generator(inputs.seed, "bootstrap"))
            if units is None
            else unit_intervals(clusters, labels[known], counts, units, inputs.seed)
        )
        found, parts = self._pairs(scored, clusters, labels[known], unit, units, inputs.seed)
        return Scores(
            metrics={
                **{name: float(value) for name, value in clustering_metrics(counts).items()},
                **{name: value for part in parts for name, value in part.metrics.items()},
            },
            secondary={
                **finch.finch_scores(found),
                **{name: value for part in parts for name, value in part.secondary.items()},
            },
            intervals={**intervals, **{name: value for part in parts for name, value in part.intervals.items()}},
            captions=[
                *captions(len(present)),
                *(caption for part in parts for caption in part.captions),
                *prepared_captions(self.config, units),
            ],
            charts=[*finch.finch_tables(found), *(chart for part in parts for chart in part.charts)],
            predictions={
                "cluster": _spread(clusters, known),
                "label": labels,
                "majority": _spread(majority[clusters], known),
                **{name: _spread(value, known) for part in parts for name, value in part.predictions.items()},
                **({"frame": frames} if self.reduce == "none" else {}),
                **({ARRAY: every.name} if every is not None else {}),
            },
            per_item=PerItem("clustering", identity="label", unit=unit, groups=ARRAY if every is not None else ""),
            notes=list(given.notes),
            details={
                "clusters": "oracle",
                "number_of_clusters": len(present),
                "cluster_sizes": counts.sum(axis=1).tolist(),
                "classes": list(names),
                "class_counts": counts.sum(axis=0).tolist(),
                "label_kind": kind,
                "unit": unit,
                "unknown": len(np.unique(self.tested(dataset, frames))) - int(np.count_nonzero(known)),
                "finch": found,
                **({} if given.details is None else {"taught": given.details}),
                **{name: value for part in parts for name, value in part.details.items()},
            },
        )

    def _pairs(
        self,
        scored: Float[Matrix, "n d"],
        clusters: Int[np.ndarray, " n"],
        labels: Int[np.ndarray, " n"],
        unit: str,
        units: Units | None,
        seed: int,
    ) -> tuple[dict[str, Any], list[extras.Extras]]:
        """FINCH's details, and what else looks at all pairs of items, from rows that are read once: verification where
        labels are people, neighbours, stability where it is asked for; nothing of these where there are too many items
        for FINCH."""
        classes = int(clusters.max()) + 1
        if len(scored) > finch.LARGEST:
            return finch.finch_details(scored, labels, classes), []
        rows = compact(scored)
        people = self.label_kind == "identity"
        parts = [
            *([extras.verified(rows, labels, unit, units, seed)] if people else []),
            extras.neighboured(rows, labels, unit, units, None if people else units, seed),
            *([extras.stability(rows, clusters, seed)] if self.config.stability else []),
        ]
        rows = rows.astype(np.float32)  # what FINCH takes; it holds matrices of all pairs itself, so no others stay
        return finch.finch_details(rows, labels, classes), parts

    def encoded(self, inputs: EvaluationInputs) -> Encoded:
        """What is clustered: the method's features."""
        return Encoded(inputs.features)

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
            # Tracks of which no frame is used are none that could be clustered.
            return kind, track_labels(labels[frames], np.asarray(dataset.tracks)[frames], len(dataset.track_names))
        return kind, labels[frames]


def _spread(values: Shaped[np.ndarray, " m"], known: np.ndarray) -> Shaped[np.ndarray, " n"]:
    """`values` at the places that are `known`; elsewhere -1, and NaN among values with a fraction."""
    real = np.issubdtype(values.dtype, np.floating)
    out = np.full(len(known), np.nan, dtype=np.float64) if real else np.full(len(known), -1, dtype=np.int64)
    out[known] = values
    return out
