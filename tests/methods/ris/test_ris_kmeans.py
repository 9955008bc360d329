"""Spherical k-means: directions count, lengths do not."""

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.streams import generator
from methods.ris.kmeans import spherical_kmeans


def directions(groups: int = 5, each: int = 40, width: int = 12) -> tuple[Tensor, Tensor]:
    """Rows of very different lengths about a few directions, and the direction that each is about."""
    rng = generator(0, "directions")
    centres = rng.standard_normal((groups, width))
    group = np.repeat(np.arange(groups), each)
    rows = centres[group] + 0.1 * rng.standard_normal((len(group), width))
    rows *= np.exp(2 * rng.standard_normal((len(group), 1)))
    order = rng.permutation(len(group))
    return torch.from_numpy(rows[order]).float(), torch.from_numpy(group[order])


def clusters(rows: Tensor, centroids: Tensor) -> Tensor:
    return (rows @ centroids.T).argmax(dim=1)


def test_directions_are_found_whatever_the_lengths() -> None:
    rows, group = directions()
    centroids = spherical_kmeans(rows, 5, seed=1)
    torch.testing.assert_close(centroids.norm(dim=1), torch.ones(5))
    pairs = set(zip(clusters(rows, centroids).tolist(), group.tolist(), strict=True))
    assert len(pairs) == 5
    torch.testing.assert_close(spherical_kmeans(1000 * rows / rows.norm(dim=1, keepdim=True), 5, seed=1), centroids)


def test_it_ends_where_lloyds_iteration_stands_still() -> None:
    rows = torch.from_numpy(generator(1, "rows").standard_normal((300, 6))).float()
    centroids = spherical_kmeans(rows, 7, seed=2)
    unit = (rows / rows.norm(dim=1, keepdim=True)).double().numpy()
    found = clusters(rows, centroids).numpy()
    for cluster in range(7):
        total = unit[found == cluster].sum(axis=0)
        np.testing.assert_allclose(centroids[cluster].numpy(), total / np.linalg.norm(total), atol=1e-6)


def test_the_seed_decides_and_nothing_else() -> None:
    rows = torch.from_numpy(generator(1, "rows").standard_normal((200, 6))).float()
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002  (the global state must not matter)
    one = spherical_kmeans(rows, 9, seed=3)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert torch.equal(spherical_kmeans(rows, 9, seed=3), one)
    assert not torch.equal(spherical_kmeans(rows, 9, seed=4), one)


def test_fewer_directions_than_clusters() -> None:
    rows = torch.eye(4)[:3].repeat(10, 1)
    centroids = spherical_kmeans(rows, 5, seed=0)
    torch.testing.assert_close(centroids.norm(dim=1), torch.ones(5))
    torch.testing.assert_close((rows @ centroids.T).amax(dim=1), torch.ones(30))


def test_fewer_rows_than_clusters() -> None:
    with pytest.raises(ValueError, match="4 rows cannot form 5 clusters"):
        spherical_kmeans(torch.eye(4), 5, seed=0)
