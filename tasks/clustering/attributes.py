"""Clustering by facial attributes: CelebA."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.packed import Matrix
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task, TaskConfig
from tasks.celeba_linear.probe import known_cross_entropy
from tasks.clustering import extras, finch
from tasks.clustering.base import METRICS, SECONDARY, captions, prepared_captions
from tasks.clustering.rows import compact, normalised
from tasks.clustering.taught import PROFILES, Encoded, TaughtConfig, encoded
from tasks.clustering.ward import ward_clusters
from tasks.metrics.attributes import average_precision, balanced_accuracy
from tasks.metrics.binary_tables import attribute_metrics, mean_intervals, tables_of
from tasks.metrics.distances import NEIGHBOURS, nearest, voted_shares
from tasks.results import Caption, Metric, PerItem, Scores, reduced
from tasks.splits import images_of
from tasks.units import ARRAY, Units, units_of

CLUSTERS = 2


class CelebAConfig(TaughtConfig):
    """How many images are clustered."""

    images: int = Field(6000, ge=2, description="test images at most, drawn at random (the paper's number is 6,000)")


class CelebA(Task):
    """One clustering into two, scored against each of 40 attributes; the metrics are means over them (PDR section 4.1).

    Two classes, so two clusters, whatever the attribute: the clustering is the same for all of them and done once. An
    attribute that is unknown on some images is scored on the others; one that is unknown on all, or the same on all,
    has nothing to be told apart and is left out of the means.
    """

    Config: ClassVar[type[TaskConfig]] = CelebAConfig
    requires: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[frozenset[str]] = frozenset({"features", "encoder"})
    trains: ClassVar[bool] = True
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    dataset = "celeba"
    metrics = (
        *METRICS,
        Metric("balanced_accuracy", cites=("brodersen2010balanced",)),
        Metric("average_precision"),
    )
    secondary = (
        *SECONDARY,
        Metric("knn_balanced_accuracy", cites=("cover1967knn", "brodersen2010balanced")),
        Metric("knn_average_precision", cites=("cover1967knn",)),
    )

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """Random images of the test split, the same for every method; all of them where there are no more."""
        test = images_of(dataset, "test")
        return np.sort(generator(seed, "images").permutation(test)[: self.config.images])

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Means over attributes of `accuracy`, `hungarian`, `f1`, `nmi`, `ami` and `ari` (see `Clustering`) and of
        `balanced_accuracy` and `average_precision`, with joint intervals; of FINCH's `finch_nmi` and `finch_purity`;
        and, without clusters, of what an image's nearest neighbours say (other people's, where the dataset knows whose
        they are), `knn_balanced_accuracy` and `knn_average_precision`.

        Intervals resample people with all their images, where the dataset knows them.

        `predictions` has a row per image: `frame` (its index in the dataset), `cluster`, `attributes` (int8: 0, 1, -1
        unknown) and `person`, where known. `details["attributes"]` has the scores of each attribute by its name, on how
        many images it is known (`known`) and on which share of those it is present (`positive`); `details["left_out"]`
        says which attributes have no scores, and why.

        Raises BenchError where features are not finite, or no attribute can be scored.
        """
        dataset, frames = inputs.dataset, inputs.frames
        names, values = self._attributes(dataset, frames)
        given = self.encoded(inputs)
        features = given.features
        if len(values) != len(features):
            raise ValueError(f"{len(features)} rows of features for {len(values)} items")
        present, known = (values == 1).sum(axis=0), (values >= 0).sum(axis=0)
        scored = np.flatnonzero((present > 0) & (present < known))
        if not len(scored):
            raise BenchError(
                f"{dataset.label}: no attribute can be scored: each is unknown or the same on all {len(values)} items"
            )
        units = units_of(dataset, frames)
        features = normalised(features, self.config.normalise)
        clusters = ward_clusters(features, CLUSTERS)
        tables = tables_of(clusters, values[:, scored])
        found = attribute_metrics(tables, tables)
        partitions, parts = self._pairs(features, clusters, values[:, scored], units, inputs.seed)
        fewer = self._reduced(len(values))
        return Scores(
            metrics={name: float(scores.mean()) for name, scores in found.items()},
            secondary={
                **finch.finch_scores(partitions),
                **{name: value for part in parts for name, value in part.secondary.items()},
            },
            intervals=mean_intervals(clusters, values[:, scored], generator(inputs.seed, "bootstrap"), units=units),
            captions=[
                *captions(CLUSTERS, len(scored)),
                Caption(
                    "balanced_accuracy: mean of the shares of present and of absent attributes that a cluster's "
                    "majority gets right, 0.5 where it is the same for both; average_precision: by the share of a "
                    "cluster that has the attribute, by chance {positive:.3f}.",
                    {"positive": float((present / np.maximum(known, 1))[scored].mean())},
                ),
                *(caption for part in parts for caption in part.captions),
                *prepared_captions(self.config, units),
                *reduced(fewer),
            ],
            charts=[*finch.finch_tables(partitions), *(chart for part in parts for chart in part.charts)],
            predictions={
                "frame": frames,
                "cluster": clusters,
                "attributes": values,
                **({ARRAY: units.name} if units is not None else {}),
            },
            per_item=PerItem("attribute_clustering", groups=ARRAY if units is not None else ""),
            notes=list(given.notes),
            details={
                "clusters": "oracle",
                "number_of_clusters": CLUSTERS,
                "cluster_sizes": np.bincount(clusters, minlength=CLUSTERS).tolist(),
                "label_kind": "attributes",
                "unit": "items",
                "unknown": int(np.count_nonzero(values < 0)),
                "attributes": {
                    names[column]: {
                        **{name: float(scores[place]) for name, scores in found.items()},
                        "known": int(known[column]),
                        "positive": float(present[column] / known[column]),
                    }
                    for place, column in enumerate(scored)
                },
                "left_out": {
                    names[column]: _reason(int(present[column]), int(known[column]))
                    for column in np.setdiff1d(np.arange(len(names)), scored)
                },
                "reduced": fewer,
                "finch": partitions,
                **({} if given.details is None else {"taught": given.details}),
            },
        )

    def encoded(self, inputs: EvaluationInputs) -> Encoded:
        """The method's features, or those of its encoder trained with the attributes of the training split."""
        names, values = self._attributes(inputs.dataset, np.arange(len(inputs.dataset)))
        return encoded(inputs, self.config, values, len(names), known_cross_entropy)

    def _pairs(
        self,
        features: Float[Matrix, "n d"],
        clusters: Int[np.ndarray, " n"],
        values: Int[np.ndarray, "n a"],
        units: Units | None,
        seed: int,
    ) -> tuple[dict[str, Any], list[extras.Extras]]:
        """FINCH's details, and what else looks at all pairs of images, from rows that are read once: neighbours, and
        stability where it is asked for; nothing of these where there are too many images for FINCH."""
        if len(features) > finch.LARGEST:
            return finch.finch_details(features, values, CLUSTERS), []
        rows = compact(features)
        shares = voted_shares(nearest(rows, units), values)
        whose = "others" if units is None else "images of other people"
        voted = extras.Extras(
            secondary={
                "knn_balanced_accuracy": float(np.nanmean(balanced_accuracy(shares > 0.5, values))),
                "knn_average_precision": float(np.nanmean(average_precision(shares, values))),
            },
            captions=[Caption(f"knn_*: by the share of the {NEIGHBOURS} nearest {whose} (Euclidean) that has it.")],
        )
        parts = [voted, *([extras.stability(rows, clusters, seed)] if self.config.stability else [])]
        return finch.finch_details(rows, values, CLUSTERS), parts

    def _attributes(
        self, dataset: Dataset, frames: Int[np.ndarray, " m"]
    ) -> tuple[tuple[str, ...], Int[np.ndarray, "m a"]]:
        """The attributes' names, and their values on each image: 0, 1, -1 unknown."""
        if "attributes" not in dataset.labels:
            raise BenchError(f"{dataset.label} has no labels named attributes to score a clustering against")
        return dataset.classes["attributes"], np.asarray(dataset.labels["attributes"])[frames].astype(np.int8)

    def _reduced(self, images: int) -> list[str]:
        """A sentence where there are fewer images than in the paper's protocol."""
        paper: Any = CelebAConfig()
        return [f"{images:,} test images in place of the paper's {paper.images:,}"] if images < paper.images else []


def _reason(present: int, known: int) -> str:
    """Why an attribute cannot be scored."""
    if known == 0:
        return "unknown on all items"
    return f"{'present' if present else 'absent'} on all {known} items where it is known"
