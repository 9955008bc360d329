"""Spherical k-means: clusters of directions (Dhillon and Modha, 2001)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from sklearn.cluster import kmeans_plusplus
from torch import Tensor

from datasets.streams import generator

ITERATIONS = 100
STARTS = 3


def spherical_kmeans(rows: Float[Tensor, "n c"], clusters: int, seed: int) -> Float[Tensor, "k c"]:
    """Unit vectors that the directions of `rows` gather around, by cosine similarity.

    k-means++ on the rows scaled to unit length, where squared distances are 2 - 2 cos; then every row goes to the
    most similar centroid, and every centroid to the direction of its rows' sum, until no row changes its cluster (or
    `ITERATIONS` times). The best of `STARTS` starts.

    Raises ValueError where there are fewer rows than clusters.
    """
    if len(rows) < clusters:
        raise ValueError(f"{len(rows)} rows cannot form {clusters} clusters")
    unit = F.normalize(rows.float(), dim=1)
    found = []
    for start in range(STARTS):
        random = int(generator(seed, "k-means++", start).integers(2**32))
        chosen, _ = kmeans_plusplus(unit.cpu().numpy(), clusters, random_state=random)
        centroids = _lloyd(unit, torch.from_numpy(chosen).to(unit))
        found.append((float((unit @ centroids.T).amax(dim=1).double().sum()), centroids))
    return max(found, key=lambda pair: pair[0])[1]


def _lloyd(rows: Float[Tensor, "n c"], centroids: Float[Tensor, "k c"]) -> Float[Tensor, "k c"]:
    """Lloyd's iteration on rows of unit length.

    A centroid that loses all its rows moves to the row that is least like its own.
    """
    numbers = torch.arange(len(centroids), device=rows.device)
    before: Tensor | None = None
    for _ in range(ITERATIONS):
        similarity, cluster = (rows @ centroids.T).max(dim=1)
        if before is not None and torch.equal(cluster, before):
            break
        # A matrix product, because adding up by index is not repeatable on a GPU.
        members = numbers[:, None] == cluster
        centroids = F.normalize(members.to(rows.dtype) @ rows, dim=1)
        if (empty := ~members.any(dim=1)).any():
            centroids[empty] = rows[similarity.argsort(stable=True)[: int(empty.sum())]]
        before = cluster
    return centroids
