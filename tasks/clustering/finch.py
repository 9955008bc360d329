"""FINCH, the clusterer that needs no number of clusters (Sarfraz et al., CVPR 2019), by its authors' package.

It links every item to its first neighbour by cosine distance, and again the means of the clusters that this makes, so
that it gives a hierarchy of a few partitions.
"""

import contextlib
import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from datasets.packed import Matrix
from tasks.clustering.rows import compact
from tasks.metrics.clustering import nmi_and_purity
from tasks.results import DetailTable, Metric

# At the number of classes, beside Ward's of the same number of clusters.
METRICS = tuple(Metric(name, cites=("sarfraz2019finch",)) for name in ("finch_nmi", "finch_purity"))

# Above this the package takes approximate neighbours from another one, which would not be the same algorithm.
LARGEST = 20_000
# Memory of a block of distances.
BLOCK_MEBIBYTES = 64


def finch(features: Float[Matrix, "n d"], clusters: int) -> tuple[Int[np.ndarray, "n p"], Int[np.ndarray, " n"]]:
    """The partitions of the hierarchy, finest first, and the partition into `clusters` clusters (into as many as the
    finest has, where that has fewer).

    These are the package's own steps with the links of the first level found a few rows at a time: its `FINCH` holds
    four matrices of all pairs there.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # that an optional package for more than 20,000 items is not there
        from finch.finch import clust_rank, get_clust, get_merge, req_numclust

        rows = np.asarray(compact(features), dtype=np.float32)
        neighbours, longest = _first_neighbours(rows)
        links, *_ = clust_rank(rows, initial_rank=neighbours)
        cluster, count = get_clust(links, [])
        cluster, means = get_merge([], cluster, rows)
        partitions, counts = [cluster], [count]
        while counts[-1] > 1:
            links, distances, *_ = clust_rank(means, metric="cosine")
            # No link may be longer than the longest of the first level (the package's `ensure_early_exit`).
            merged, count = get_clust(links, distances, longest)
            if count == 1 or counts[-1] - count <= 1:
                break
            cluster, means = get_merge(cluster, merged, rows)
            partitions.append(cluster)
            counts.append(count)
        # From the coarsest partition that has enough clusters, two of which are joined at a time.
        start = max(0, sum(count >= clusters for count in counts) - 1)
        asked = partitions[start]
        if counts[start] > clusters:
            asked = req_numclust(asked, rows, clusters, "cosine", LARGEST, False)
    return np.stack(partitions, axis=1).astype(np.int64), np.asarray(asked, dtype=np.int64)


def _first_neighbours(rows: Float[np.ndarray, "n d"]) -> tuple[Int[np.ndarray, " n"], float]:
    """Each row's nearest other by cosine distance, and the largest of their distances."""
    from sklearn.metrics import pairwise_distances_chunked  # which reading finished records does not need

    def nearest(block: Float[np.ndarray, "b n"], start: int) -> tuple[Int[np.ndarray, " b"], Float[np.ndarray, " b"]]:
        place = np.arange(len(block))
        block[place, start + place] = np.inf
        found = block.argmin(axis=1)
        return found, block[place, found]

    blocks = pairwise_distances_chunked(rows, reduce_func=nearest, metric="cosine", working_memory=BLOCK_MEBIBYTES)
    neighbours, distances = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return neighbours, float(distances.max())


def finch_details(features: Float[Matrix, "n d"], labels: Int[np.ndarray, "n *tables"], classes: int) -> dict[str, Any]:
    """What FINCH finds, for a record's `details["finch"]`.

    Parameters
    ----------
    labels: (n,) or, scored one by one and averaged, (n, tables); -1 is unknown and not scored.
    classes: the number of classes that occur.

    Returns
    -------
    JSON: `partitions`, finest first, each with its number of `clusters`, the `sizes` of the smallest, the median and
    the largest of them in items, `nmi` and `purity`; `at_classes`, the same of the partition into `classes` clusters.
    Where there are too many items, `left_out` says so instead.
    """
    if len(features) > LARGEST:
        return {"left_out": f"{len(features)} items are more than the {LARGEST} whose exact neighbours it can find"}
    columns = labels.reshape(len(labels), -1)
    partitions, requested = finch(features, classes)
    return {
        "partitions": [_scored(partition, columns) for partition in partitions.T],
        "at_classes": _scored(requested, columns),
    }


def finch_scores(found: Mapping[str, Any]) -> dict[str, float]:
    """`METRICS` of what `finch_details` returns; nothing where FINCH was left out."""
    at_classes = found.get("at_classes", {})
    return {f"finch_{name}": at_classes[name] for name in ("nmi", "purity") if name in at_classes}


def finch_tables(found: Mapping[str, Any]) -> list[DetailTable]:
    """The partitions in what `finch_details` returns as a table, that into as many clusters as classes last; nothing
    where FINCH was left out."""
    if "at_classes" not in found:
        return []
    rows = [(str(partition["clusters"]), _cells(partition)) for partition in found["partitions"]]
    rows.append((f"{found['at_classes']['clusters']} (asked for)", _cells(found["at_classes"])))
    columns = ("FINCH, clusters", "smallest, median, largest", "NMI", "purity")
    return [DetailTable("FINCH, which finds numbers of clusters by itself", columns, tuple(rows))]


def _cells(partition: Mapping[str, Any]) -> tuple[str, ...]:
    sizes = ", ".join(str(size) for size in partition["sizes"])
    return sizes, f"{partition['nmi']:.3f}", f"{partition['purity']:.3f}"


def _scored(partition: Int[np.ndarray, " n"], columns: Int[np.ndarray, "n t"]) -> dict[str, Any]:
    """Number and sizes of clusters, NMI and purity; means over the columns of labels."""
    _, cluster, counts = np.unique(partition, return_inverse=True, return_counts=True)
    sizes = np.quantile(counts, [0, 0.5, 1], method="nearest").tolist()
    scored = []
    for labels in columns.T:
        known = labels >= 0
        shape = (int(cluster.max()) + 1, int(labels.max()) + 1)
        scored.append(nmi_and_purity(cluster[known], labels[known], shape))
    nmi, purity = (float(np.mean(values)) for values in zip(*scored, strict=True))
    return {"clusters": len(counts), "sizes": sizes, "nmi": nmi, "purity": purity}
