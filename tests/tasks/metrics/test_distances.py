"""Distances of all pairs in blocks, nearest others, and what they vote."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from datasets.streams import generator
from tasks.metrics.distances import nearest, squared_distance_blocks, voted_labels, voted_shares
from tasks.units import Units


def drawn(items: int = 60) -> np.ndarray:
    return generator(0, "test", "distances").standard_normal((items, 5))


def test_blocks_hold_the_squared_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = drawn() + 100
    monkeypatch.setattr("tasks.metrics.distances.BLOCK_BYTES", 8 * 60 * 7)
    starts, blocks = zip(*squared_distance_blocks(rows), strict=True)
    assert starts == tuple(range(0, 60, 7))
    found, expected = np.concatenate(blocks), cdist(rows, rows, "sqeuclidean")
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-11)


def test_blocks_of_wide_rows_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose columns are centred a few at a time."""
    rows = generator(0, "test", "wide").standard_normal((60, 200)) + 100
    monkeypatch.setattr("tasks.metrics.distances.BLOCK_BYTES", 8 * 60 * 7)
    found, expected = np.concatenate([block for _, block in squared_distance_blocks(rows)]), cdist(rows, rows) ** 2
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-11)


def test_equal_distances_are_equal() -> None:
    """Whole numbers far from 0, whose products round."""
    rows = np.rint(3 * drawn()) + 12_345.678
    distances = cdist(np.rint(3 * drawn()), np.rint(3 * drawn()), "sqeuclidean")
    found = np.concatenate([block for _, block in squared_distance_blocks(rows)])
    assert len(np.unique(found)) == len(np.unique(distances))


def test_neighbours_are_scikit_learns() -> None:
    rows = drawn()
    labels = generator(0, "test", "labels").integers(0, 3, 60)
    voted = voted_labels(nearest(rows, count=1), labels)
    for item in range(60):
        others = np.arange(60) != item
        expected = KNeighborsClassifier(1).fit(rows[others], labels[others]).predict(rows[[item]])
        assert voted[item] == expected[0]


def test_nobody_is_their_own_neighbour_nor_that_of_the_same_person() -> None:
    rows = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])
    people = np.array([0, 0, 1, 1, 2, 2])
    assert nearest(rows, count=2).tolist() == [[1, 2], [0, 2], [1, 0], [4, 5], [3, 5], [4, 3]]
    found = nearest(rows, Units(people, people, 3), count=2)
    assert found.tolist() == [[2, 3], [2, 3], [1, 0], [4, 5], [3, 2], [3, 2]]


def test_of_equally_near_ones_the_first_and_where_there_are_few_none() -> None:
    rows = np.array([[0.0], [1.0], [-1.0], [1.0]])
    assert nearest(rows, count=2)[0].tolist() == [1, 2]
    assert nearest(rows, count=5)[0].tolist() == [1, 2, 3, -1, -1]
    one = np.zeros(4, dtype=np.int64)
    assert nearest(rows, Units(one, one, 1), count=2).tolist() == [[-1, -1]] * 4


def test_votes_and_their_ties() -> None:
    """The most frequent label; of equally frequent ones the nearest's; -1 of nobody."""
    neighbours = np.array([[0, 1, 2], [2, 0, -1], [-1, -1, -1]])
    assert voted_labels(neighbours, np.array([1, 0, 0])).tolist() == [0, 0, -1]


def test_shares_are_of_those_known() -> None:
    neighbours = np.array([[0, 1, 2], [1, 2, -1], [-1, -1, -1]])
    values = np.array([[1, -1], [0, -1], [1, 1]])
    np.testing.assert_allclose(voted_shares(neighbours, values), [[2 / 3, 1], [0.5, 1], [0.5, 0.5]])
    assert voted_shares(neighbours[:, :1], values)[0, 1] == 0.5, "known of none"
