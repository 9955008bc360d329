"""Paired differences: surer than two intervals side by side, and right against resampling by hand."""

from pathlib import Path

import numpy as np
import pytest
from record_factory import record

from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.paired import differences


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def kept(store: Store, name: str, metrics: dict[str, float], **arrays: np.ndarray) -> Record:
    folder = store.predictions(name)
    folder.mkdir(parents=True)
    for array, values in arrays.items():
        np.save(folder / f"{array}.npy", values)
    return record(name, predictions=f"predictions/{name}", metrics=metrics)


def clustering(store: Store, name: str, wrong: np.ndarray, labels: np.ndarray) -> Record:
    cluster = np.where(wrong, 1 - labels, labels)
    return kept(store, name, {"accuracy": float((cluster == labels).mean())}, cluster=cluster, label=labels)


def test_errors_on_the_same_items_make_a_small_difference_sure(store: Store) -> None:
    labels = np.arange(400) % 2
    few, more = np.zeros(400, dtype=bool), np.zeros(400, dtype=bool)
    few[:100], more[:112] = True, True
    found = differences(clustering(store, "a", more, labels), clustering(store, "b", few, labels), store)["accuracy"]
    assert found.paired
    assert found.value == pytest.approx(12 / 400)
    assert found.significant, "alone, each has an interval of 0.04 to either side"
    # Twelve items change sides: a binomial's deviation.
    deviation = np.sqrt(12 / 400 * (1 - 12 / 400) / 400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.15)


def test_no_difference_is_exactly_none(store: Store) -> None:
    labels = np.arange(50) % 2
    wrong = np.arange(50) < 10
    found = differences(clustering(store, "a", wrong, labels), clustering(store, "b", wrong, labels), store)["accuracy"]
    assert (found.value, found.low, found.high, found.significant) == (0, 0, 0, False)


def test_other_items_are_compared_by_their_intervals(store: Store) -> None:
    one = clustering(store, "a", np.zeros(10, dtype=bool), np.arange(10) % 2)
    other = clustering(store, "b", np.zeros(12, dtype=bool), np.arange(12) % 2)
    found = differences(one, other, store)["accuracy"]
    assert not found.paired
    assert found.high == pytest.approx(np.hypot(0.02, 0.02)), "the factory's intervals, taken as independent"


def test_answers_on_attributes(store: Store) -> None:
    truth = np.array([[0, 1], [1, -1], [1, 1], [0, 0]], dtype=np.int8)
    right, half = truth.clip(0), truth.clip(0).copy()
    half[:, 0] = 1 - half[:, 0]
    name = "accuracy_100_frozen"
    shared = {"frame": np.arange(4), "attributes": truth}
    one = kept(store, "a", {name: 3 / 7}, **shared, **{name: half})
    other = kept(store, "b", {name: 1.0}, **shared, **{name: right})
    found = differences(one, other, store)[name]
    assert found.paired
    assert found.value == pytest.approx(4 / 7)
    assert 0.5 <= found.low < found.value < found.high <= 1, "an image with one known attribute gains all or nothing"


def test_masks(store: Store) -> None:
    """Two images, two classes; the second method gets every pixel right."""
    half = np.array([[[2, 2], [0, 4]], [[2, 2], [0, 4]]])
    whole = np.array([[[4, 0], [0, 4]], [[4, 0], [0, 4]]])
    metrics = {"miou": 0.5833, "pixel_accuracy": 0.75}
    one = kept(store, "a", metrics, frame=np.arange(2), confusion=half)
    other = kept(store, "b", {"miou": 1.0, "pixel_accuracy": 1.0}, frame=np.arange(2), confusion=whole)
    found = differences(one, other, store)
    assert found["pixel_accuracy"].low == found["pixel_accuracy"].high == pytest.approx(0.25)
    assert found["miou"].low == pytest.approx(1 - (2 / 4 + 4 / 6) / 2)
