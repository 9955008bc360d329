"""Batches in which one factor varies, read from a dataset's labels; and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.base import Dataset
from datasets.controlled import ANGLES, FACTORS, controlled_batches
from datasets.errors import BenchError

FACTOR = np.repeat([0, 1, 2, 3, 3], 3)


def dataset(order: np.ndarray | None = None) -> Dataset:
    """Five batches of three, in any order of images."""
    order = np.arange(15) if order is None else order
    angles = {name: np.arange(15.0)[order] * (place + 1) for place, name in enumerate(ANGLES.values())}
    return Dataset(
        np.zeros((15, 8, 8, 3), np.uint8),
        labels={"batch": (np.arange(15) // 3)[order], "factor": FACTOR[order]},
        classes={"factor": FACTORS},
        truth=angles,
        name="own",
    )


def test_batches_in_any_order_of_images() -> None:
    order = np.random.default_rng(0).permutation(15)
    plain, mixed = controlled_batches(dataset()), controlled_batches(dataset(order))
    assert plain.rows.tolist() == np.arange(15).reshape(5, 3).tolist()
    assert plain.factor.tolist() == mixed.factor.tolist() == [0, 1, 2, 3, 3]
    assert np.array_equal(np.sort(order[mixed.rows], axis=1), plain.rows)
    assert (np.diff(mixed.rows, axis=1) > 0).all()
    assert np.array_equal(mixed.of_image, FACTOR[order])
    assert plain.of_factor(3).tolist() == [[9, 10, 11], [12, 13, 14]]
    assert np.array_equal(plain.angles[:, 1], 2 * np.arange(15))


def without(kind: str) -> Dataset:
    whole = dataset()
    labels = {name: values for name, values in whole.labels.items() if name != kind}
    truth = {name: values for name, values in whole.truth.items() if name != kind}
    return replace(whole, labels=labels, truth=truth)


def labelled(kind: str, values: object) -> Dataset:
    return replace(dataset(), labels={**dataset().labels, kind: np.asarray(values)})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (without("batch"), "own has no batch: expected batches in which one factor of the scene varies"),
        (without("factor"), "own has no factor: "),
        (without("pitch"), "own has no pitch: "),
        (replace(dataset(), classes={"factor": FACTORS[::-1]}), "own: classes of factor are"),
        (replace(dataset(), classes={}), "own: classes of factor are None"),
        (labelled("batch", [0] * 4 + [1] * 11), "own: batches of 4 to 11 images: expected one size"),
        (labelled("batch", np.arange(15)), "own: batches of 1 to 1 images: expected one size, at least 2"),
        (labelled("factor", np.roll(FACTOR, 1)), "own: a batch has images of several factors"),
        (labelled("factor", np.repeat([0, 1, 3, 3, 3], 3)), "own: expected batches of every factor.*none of light"),
        (labelled("factor", np.repeat([0, 1, 2, 3, -1], 3)), "own: expected batches of every factor"),
        (replace(dataset(), truth={**dataset().truth, "yaw": np.full(15, np.nan)}), "own: its true angles are not all"),
        (replace(dataset(), truth={**dataset().truth, "yaw": np.zeros((15, 2))}), "own: .*one number per image"),
    ],
)
def test_what_is_no_such_dataset(given: Dataset, told: str) -> None:
    with pytest.raises(BenchError, match=told) as caught:
        controlled_batches(given)
    assert "\n" not in str(caught.value)
