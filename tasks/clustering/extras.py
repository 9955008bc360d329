"""What a clustering task says of features besides Ward's clusters: neighbours, verification, stability."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from datasets.streams import generator
from tasks.clustering.ward import ward_clusters
from tasks.metrics.bootstrap import mean_interval
from tasks.metrics.clustering import adjusted_rand, contingency
from tasks.metrics.distances import NEIGHBOURS, nearest, voted_labels
from tasks.metrics.verification import verification
from tasks.results import Caption, DetailTable, Interval, Metric
from tasks.units import Units

KNN = Metric("knn", cites=("cover1967knn",))
VERIFICATION = Metric("verification_auc", cites=("fawcett2006roc",))
SECONDARY = (
    Metric("verification_eer", higher_is_better=False, cites=("fawcett2006roc",)),
    Metric("verification_tar_at_far1", cites=("fawcett2006roc",)),
)
STABILITY = Metric("stability", low=-1.0, chance_corrected=True, cites=("benhur2002stability", "hubert1985ari"))

# Pairs of one person whose distances are sorted, of 100 bytes each.
MOST_PAIRS = 2**24
# Subsamples that stability is a mean over, and the share of the items in each.
SUBSAMPLES = 5
SHARE = 0.8


@dataclass
class Extras:
    """Parts of a task's `Scores`."""

    metrics: dict[str, float] = field(default_factory=dict)
    secondary: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    captions: list[Caption] = field(default_factory=list)
    charts: list[DetailTable] = field(default_factory=list)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def verified(
    rows: Float[np.ndarray, "n m"], labels: Int[np.ndarray, " n"], unit: str, units: Units | None, seed: int
) -> Extras:
    """Verification over all pairs of items; nothing where no person has two, or there is one person, and a sentence
    where there are more than `MOST_PAIRS` of one person."""
    sizes = np.bincount(labels)
    if (alike := int((sizes * (sizes - 1) // 2).sum())) > MOST_PAIRS:
        return Extras(
            captions=[Caption(f"No verification_auc: {alike:,} pairs of one person are more than {MOST_PAIRS:,}.")]
        )
    found = verification(rows, labels)
    if found is None:
        return Extras()
    return Extras(
        metrics={"verification_auc": found.auc},
        secondary={"verification_eer": found.eer, "verification_tar_at_far1": found.tar_at_far1},
        intervals={"verification_auc": found.interval(generator(seed, "bootstrap", "verification"), unit, units)},
        captions=[
            Caption(
                f"verification_auc: whether two {unit} show one person, by their features' Euclidean distance, over "
                "all pairs; no clusters. Chance is 0.5."
            )
        ],
        predictions={"verification_auc": found.per_item},
    )


def neighboured(
    rows: Float[np.ndarray, "n m"],
    labels: Int[np.ndarray, " n"],
    unit: str,
    resampled: Units | None,
    left_out: Units | None,
    seed: int,
) -> Extras:
    """The k-nearest-neighbour rule, each item by others.

    `left_out` says whose items may not vote (none of the same person, where labels are not people), `resampled` what
    intervals resample.
    """
    voted = voted_labels(nearest(rows, left_out), labels)
    right = (voted == labels).astype(np.float64)
    usual = float(np.bincount(labels).max() / len(labels))
    whose = "others" if left_out is None else f"{unit} of other people"
    return Extras(
        metrics={"knn": float(right.mean())},
        intervals={"knn": mean_interval(right, generator(seed, "bootstrap", "knn"), resampled, unit)},
        captions=[
            Caption(
                f"knn: share of {unit} whose label is the most frequent one of the {NEIGHBOURS} nearest {whose} "
                "(Euclidean); the most frequent label of all is that of {usual:.3f}.",
                {"usual": usual},
            )
        ],
        predictions={"knn_label": voted},
        details={"knn": {"neighbours": NEIGHBOURS, "most_frequent": usual}},
    )


def stability(rows: Float[np.ndarray, "n m"], clusters: Int[np.ndarray, " n"], seed: int) -> Extras:
    """How far Ward's clusters of a subsample are those of all items: the adjusted Rand index of both on it, a mean over
    `SUBSAMPLES` draws of `SHARE` of the items (Ben-Hur et al., 2002)."""
    count = int(clusters.max()) + 1
    taken = max(count, round(SHARE * len(rows)))
    found = []
    for number in range(SUBSAMPLES):
        chosen = np.sort(generator(seed, "stability", number).permutation(len(rows))[:taken])
        again = ward_clusters(rows[chosen], count)
        found.append(float(adjusted_rand(contingency(again, clusters[chosen], (count, count)))))
    title = f"stability: adjusted Rand index of Ward's clusters of {SHARE:.0%} of the items with those of all, by draw"
    lines = [(str(number), (f"{value:.3f}",)) for number, value in enumerate(found, start=1)]
    return Extras(
        secondary={"stability": float(np.mean(found))},
        charts=[DetailTable(title, ("draw", "ARI"), (*lines, ("mean", (f"{np.mean(found):.3f}",))))],
        details={"stability": found},
    )
