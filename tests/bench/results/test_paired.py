"""Paired differences: surer than two intervals side by side, and right against resampling by hand."""

from pathlib import Path

import numpy as np
import pytest
from record_factory import record

from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.paired import differences
from datasets.errors import BenchError
from tasks.results import PerItem


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def kept(store: Store, name: str, metrics: dict[str, float], per_item: PerItem, **arrays: np.ndarray) -> Record:
    folder = store.predictions(name)
    folder.mkdir(parents=True)
    for array, values in arrays.items():
        np.save(folder / f"{array}.npy", values)
    return record(name, predictions=f"predictions/{name}", metrics=metrics, per_item=per_item)


def clustering(store: Store, name: str, wrong: np.ndarray, labels: np.ndarray) -> Record:
    cluster = np.where(wrong, 1 - labels, labels)
    accuracy = {"accuracy": float((cluster == labels).mean())}
    return kept(store, name, accuracy, PerItem("clustering", "label"), cluster=cluster, label=labels)


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
    answers = PerItem("attribute_accuracy")
    one = kept(store, "a", {name: 3 / 7}, answers, **shared, **{name: half})
    other = kept(store, "b", {name: 1.0}, answers, **shared, **{name: right})
    found = differences(one, other, store)[name]
    assert found.paired
    assert found.value == pytest.approx(4 / 7)
    assert 0.5 <= found.low < found.value < found.high <= 1, "an image with one known attribute gains all or nothing"


def test_masks(store: Store) -> None:
    """Two images, two classes; the second method gets every pixel right."""
    half = np.array([[[2, 2], [0, 4]], [[2, 2], [0, 4]]])
    whole = np.array([[[4, 0], [0, 4]], [[4, 0], [0, 4]]])
    metrics = {"miou": 0.5833, "pixel_accuracy": 0.75}
    masks, better = PerItem("segmentation"), {"miou": 1.0, "pixel_accuracy": 1.0}
    one = kept(store, "a", metrics, masks, frame=np.arange(2), confusion=half)
    other = kept(store, "b", better, masks, frame=np.arange(2), confusion=whole)
    found = differences(one, other, store)
    assert found["pixel_accuracy"].low == found["pixel_accuracy"].high == pytest.approx(0.25)
    assert found["miou"].low == pytest.approx(1 - (2 / 4 + 4 / 6) / 2)


def test_means_of_one_number_per_item(store: Store) -> None:
    """The records' other metric has no array, so its intervals are compared."""
    errors = np.linspace(0, 1, 40)
    metrics = {"accuracy": 0.5, "f1": 0.5}
    one = kept(store, "a", metrics, PerItem(), frame=np.arange(40), accuracy=errors)
    other = kept(store, "b", {**metrics, "accuracy": 0.6}, PerItem(), frame=np.arange(40), accuracy=errors + 0.1)
    found = differences(one, other, store)
    assert found["accuracy"].paired
    assert (found["accuracy"].low, found["accuracy"].high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert not found["f1"].paired


def test_what_says_other_things_of_its_items_is_compared_by_intervals(store: Store) -> None:
    labels = np.arange(20) % 2
    one = clustering(store, "a", labels < 0, labels)
    for other in (PerItem("mean", "label"), PerItem("clustering", "frame")):
        found = differences(one, one.model_copy(update={"per_item": other}), store)["accuracy"]
        assert not found.paired, other
    assert differences(one, one, store)["accuracy"].paired


def test_a_statistic_that_there_is_not_names_those_there_are(store: Store) -> None:
    one = record(per_item=PerItem("medain"))
    with pytest.raises(BenchError, match=r"pdr/bbt/0: unknown per-item statistic 'medain'; known: clustering, .*mean"):
        differences(one, one, store)
