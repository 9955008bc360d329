"""Who is on a task's images: numbers that stay the same whichever images are chosen."""

import numpy as np

from datasets.base import Dataset
from tasks.units import units_of


def dataset(**labels: np.ndarray) -> Dataset:
    return Dataset(np.zeros((6, 2, 2, 3), dtype=np.uint8), labels=labels, name="drawn")


def test_people_are_those_of_the_label_identity() -> None:
    known = dataset(identity=np.array([70, 3, 3, 70, 9, 3]))
    units = units_of(known, np.array([1, 2, 3, 5]))
    assert units is not None
    assert (units.number.tolist(), units.name.tolist(), units.count) == ([0, 0, 1, 0], [3, 3, 70, 3], 2)
    assert units.sums(np.array([1, 2, 4, 8])).tolist() == [11, 4]
    assert units_of(dataset(emotion=np.arange(6)), np.arange(6)) is None


def test_an_unknown_person_is_a_unit_of_its_own() -> None:
    """By the image's number, so that other images give it the same name."""
    some = dataset(identity=np.array([4, -1, -1, 4, -1, 4]))
    units = units_of(some, np.array([0, 1, 2, 3]))
    fewer = units_of(some, np.array([0, 2]))
    assert units is not None
    assert fewer is not None
    assert units.count == 3
    assert units.name[2] == fewer.name[1] != units.name[1]


def test_of_some_items_only_their_people_are_left() -> None:
    units = units_of(dataset(identity=np.array([5, 6, 6, 7, 7, 7])), np.arange(6))
    assert units is not None
    some, among = units.of(np.array([3, 4, 0])), units.among(np.array([3, 4, 0]))
    assert (some.number.tolist(), some.count) == ([1, 1, 0], 2)
    assert (among.number.tolist(), among.count) == ([2, 2, 0], 3)
