"""Clustering by facial attributes: CelebA."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int
from pydantic import Field

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Task, TaskConfig
from tasks.clustering import finch
from tasks.clustering.base import METRICS, captions
from tasks.clustering.ward import ward_clusters
from tasks.metrics.binary_tables import attribute_metrics, mean_intervals, tables_of
from tasks.results import Scores, reduced
from tasks.splits import images_of

CLUSTERS = 2


class CelebAConfig(TaskConfig):
    """How many images are clustered."""

    images: int = Field(6000, ge=2, description="test images at most, drawn at random (the paper's number is 6,000)")


class CelebA(Task):
    """One clustering into two, scored against each of 40 attributes; the metrics are means over them (PDR section 4.1).

    Two classes, so two clusters, whatever the attribute: the clustering is the same for all of them and done once. An
    attribute that is unknown on some images is scored on the others; one that is unknown on all, or the same on all,
    has nothing to be told apart and is left out of the means.
    """

    Config: ClassVar[type[TaskConfig]] = CelebAConfig
    dataset = "celeba"
    metrics = METRICS
    secondary = finch.METRICS

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """Random images of the test split, the same for every method; all of them where there are no more."""
        test = images_of(dataset, "test")
        return np.sort(generator(seed, "images").permutation(test)[: self.config.images])

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Means of `accuracy`, `hungarian`, `f1` and `nmi` (see `Clustering`) over attributes, with joint intervals,
        and of FINCH's `finch_nmi` and `finch_purity`.

        `predictions` has a row per image: `frame` (its index in the dataset), `cluster`, and `attributes` (int8: 0,
        1, -1 unknown). `details["attributes"]` has the scores of each attribute by its name, on how many images it is
        known (`known`) and on which share of those it is present (`positive`); `details["left_out"]` says which
        attributes have no scores, and why.

        Raises BenchError where features are not finite, or no attribute can be scored.
        """
        dataset, features, frames = inputs.dataset, inputs.features, inputs.frames
        names, values = self._attributes(dataset, frames)
        if len(values) != len(features):
            raise ValueError(f"{len(features)} rows of features for {len(values)} items")
        present, known = (values == 1).sum(axis=0), (values >= 0).sum(axis=0)
        scored = np.flatnonzero((present > 0) & (present < known))
        if not len(scored):
            raise BenchError(
                f"{dataset.label}: no attribute can be scored: each is unknown or the same on all {len(values)} items"
            )
        clusters = ward_clusters(features, CLUSTERS)
        tables = tables_of(clusters, values[:, scored])
        found = attribute_metrics(tables, tables)
        partitions = finch.finch_details(features, values[:, scored], CLUSTERS)
        fewer = self._reduced(len(values))
        return Scores(
            metrics={name: float(scores.mean()) for name, scores in found.items()},
            secondary=finch.finch_scores(partitions),
            intervals=mean_intervals(clusters, values[:, scored], generator(inputs.seed, "bootstrap")),
            captions=[*captions(CLUSTERS, len(scored)), *reduced(fewer)],
            charts=finch.finch_tables(partitions),
            predictions={"frame": frames, "cluster": clusters, "attributes": values},
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
            },
        )

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
