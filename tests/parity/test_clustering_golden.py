"""Ward's clusters and their scores against the published evaluation's numbers."""

from pathlib import Path

import numpy as np
import pytest

from tasks.clustering.ward import ward_clusters
from tasks.metrics.clustering import clustering_metrics, contingency, majority_labels, majority_scores


@pytest.mark.golden("clustering_metrics.npz")
def test_metrics_match(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        columns = golden["columns"].tolist()
        for case, values in enumerate(golden["values"]):
            _, clusters = np.unique(golden[f"clusters_{case}"], return_inverse=True)
            _, labels = np.unique(golden[f"labels_{case}"], return_inverse=True)
            counts = contingency(clusters, labels, (len(np.unique(clusters)), len(np.unique(labels))))
            weighted = majority_scores(counts, majority_labels(counts))
            metrics = clustering_metrics(counts)
            got = {
                "nmi": metrics["nmi"],
                "accuracy": metrics["accuracy"],
                "precision": weighted.precision,
                "recall": weighted.recall,
                "f1": weighted.f1,
            }
            assert got.keys() == set(columns)
            np.testing.assert_allclose([got[name] for name in columns], values, rtol=0, atol=1e-9)


@pytest.mark.golden("clustering_metrics.npz")
def test_clusters_match(golden_file: Path) -> None:
    """Up to renaming: each of our clusters is one of theirs."""
    with np.load(golden_file) as golden:
        for case in range(len(golden["values"])):
            theirs = golden[f"clusters_{case}"]
            ours = ward_clusters(golden[f"features_{case}"], len(np.unique(theirs)))
            pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
            assert len(pairs) == len(np.unique(theirs)) == len(np.unique(ours))
