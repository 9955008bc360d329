"""Two rows on the same resamples: surer than two intervals side by side, and right in closed form."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from record_factory import record

from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.paired import Change, changes
from datasets.errors import BenchError
from tasks.results import PerItem


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def kept(store: Store, name: str, metrics: dict[str, float], per_item: PerItem, **arrays: np.ndarray) -> Record:
    """A record of a row without trainings, with its arrays."""
    folder = store.predictions(name)
    folder.mkdir(parents=True)
    for array, values in arrays.items():
        np.save(folder / f"{array}.npy", values)
    return untrained(name, predictions=f"predictions/{name}", metrics=metrics, per_item=per_item)


def untrained(name: str, **changes: Any) -> Record:
    return record(name, trained=False, training={}, **changes)


def clustering(store: Store, name: str, wrong: np.ndarray, labels: np.ndarray) -> Record:
    cluster = np.where(wrong, 1 - labels, labels)
    accuracy = {"accuracy": float((cluster == labels).mean())}
    return kept(store, name, accuracy, PerItem("clustering", "label"), cluster=cluster, label=labels)


def change(first: Record, second: Record, store: Store, metric: str = "accuracy") -> Change:
    return changes([(first, store)], [(second, store)])[metric]


def test_errors_on_the_same_items_make_a_small_difference_sure(store: Store) -> None:
    labels = np.arange(400) % 2
    few, more = np.zeros(400, dtype=bool), np.zeros(400, dtype=bool)
    few[:100], more[:112] = True, True
    found = change(clustering(store, "a", more, labels), clustering(store, "b", few, labels), store).difference
    assert found.paired
    assert found.value == pytest.approx(12 / 400)
    assert found.estimate.p < 0.01, "alone, each has an interval of 0.04 to either side"
    # Twelve items change sides: a binomial's deviation.
    deviation = np.sqrt(12 / 400 * (1 - 12 / 400) / 400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.15)


def test_no_difference_is_exactly_none(store: Store) -> None:
    labels = np.arange(50) % 2
    wrong = np.arange(50) < 10
    found = change(clustering(store, "a", wrong, labels), clustering(store, "b", wrong, labels), store).difference
    assert (found.value, found.low, found.high, found.estimate.p) == (0, 0, 0, 1)


def test_other_items_are_two_samples(store: Store) -> None:
    one = clustering(store, "a", np.arange(400) < 120, np.arange(400) % 2)
    other = clustering(store, "b", np.arange(500) < 100, np.arange(500) % 2)
    found = change(one, other, store).difference
    assert not found.paired
    assert found.estimate.variance == pytest.approx(0.3 * 0.7 / 400 + 0.2 * 0.8 / 500, rel=0.15)
    bare = [own.model_copy(update={"predictions": None}) for own in (one, other)]
    found = change(bare[0], bare[1], store).difference
    assert found.high - found.value == pytest.approx(np.hypot(0.02, 0.02)), "by the records' intervals"


def test_items_by_name_may_be_others_in_part(store: Store) -> None:
    """Half of the images are the other's too: on those the two make the same errors."""
    rng = np.random.default_rng(0)
    right = (rng.random(600) < 0.6).astype(float)
    about = PerItem("mean", "frame")
    one, other = (
        kept(store, name, {"accuracy": float(right[chosen].mean())}, about, frame=chosen, accuracy=right[chosen])
        for name, chosen in (("a", np.arange(400)), ("b", np.arange(200, 600)))
    )
    found = change(one, other, store).difference
    assert found.paired
    apart = np.sqrt(0.24 * 400 / 400**2)  # 400 images that only one of them has, each counting 1 / 400
    assert found.high - found.low == pytest.approx(2 * 1.96 * apart, rel=0.15)


def test_people_are_drawn_with_all_their_images(store: Store) -> None:
    """Forty people of ten images: one method tells twelve of them always, the other none."""
    person = np.repeat(np.arange(40), 10)
    told = (person < 12).astype(float)
    about = PerItem("mean", "frame", groups="person")
    frames = {"frame": np.arange(400), "person": person}
    one = kept(store, "a", {"accuracy": 0.0}, about, accuracy=np.zeros(400), **frames)
    other = kept(store, "b", {"accuracy": 0.3}, about, accuracy=told, **frames)
    found = change(one, other, store).difference
    assert found.estimate.freedom == pytest.approx(39)
    assert found.estimate.variance == pytest.approx(0.3 * 0.7 / 39, rel=0.15), "of 40 people, not of 400 images"


def test_answers_on_attributes_by_the_metrics_own_estimator(store: Store) -> None:
    truth = np.array([[0, 1], [1, -1], [1, 1], [0, 0]] * 10, dtype=np.int8)
    right, half = truth.clip(0), truth.clip(0).copy()
    half[:, 0] = 1 - half[:, 0]
    name = "accuracy_100_frozen"
    shared = {"frame": np.arange(40), "attributes": truth}
    answers = PerItem("attribute_accuracy")
    one = kept(store, "a", {name: 1 / 2}, answers, **shared, **{name: half})
    other = kept(store, "b", {name: 1.0}, answers, **shared, **{name: right})
    found = change(one, other, store, name).difference
    assert found.paired
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5), "one of two attributes, whichever images are drawn"


def test_masks(store: Store) -> None:
    """Two images, two classes; the second method gets every pixel right."""
    half = np.array([[[2, 2], [0, 4]], [[2, 2], [0, 4]]])
    whole = np.array([[[4, 0], [0, 4]], [[4, 0], [0, 4]]])
    masks, better = PerItem("segmentation"), {"miou": 1.0, "pixel_accuracy": 1.0}
    one = kept(store, "a", {"miou": 0.5833, "pixel_accuracy": 0.75}, masks, frame=np.arange(2), confusion=half)
    other = kept(store, "b", better, masks, frame=np.arange(2), confusion=whole)
    found = changes([(one, store)], [(other, store)])
    accuracy = found["pixel_accuracy"].difference
    assert accuracy.low == accuracy.high == pytest.approx(0.25)
    assert found["miou"].difference.low == pytest.approx(1 - 0.5833)


def test_what_has_no_array_is_compared_by_intervals(store: Store) -> None:
    errors = np.linspace(0, 1, 40)
    metrics = {"accuracy": 0.5, "f1": 0.5}
    one = kept(store, "a", metrics, PerItem(), frame=np.arange(40), accuracy=errors)
    other = kept(store, "b", {**metrics, "accuracy": 0.6}, PerItem(), frame=np.arange(40), accuracy=errors + 0.1)
    found = changes([(one, store)], [(other, store)])
    accuracy = found["accuracy"].difference
    assert accuracy.paired
    assert (accuracy.low, accuracy.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert not found["f1"].difference.paired
    lacking = kept(store, "c", metrics, PerItem(), frame=np.arange(40), accuracy=np.where(errors == 1, np.nan, errors))
    assert not change(one, lacking, store).difference.paired, "an image that one of them lacks"


def test_what_says_other_things_of_its_items_is_compared_by_intervals(store: Store) -> None:
    labels = np.arange(20) % 2
    one = clustering(store, "a", labels < 0, labels)
    assert change(one, one, store).difference.paired
    folder = store.predictions("a")
    np.save(folder / "frame.npy", np.arange(20))
    other = one.model_copy(update={"per_item": PerItem("clustering", "frame")})
    assert not change(one, other, store).difference.paired


def test_a_statistic_that_there_is_not_names_those_there_are(store: Store) -> None:
    one = record(per_item=PerItem("medain"))
    with pytest.raises(BenchError, match=r"pdr/bbt/0: unknown per-item statistic 'medain'; known: clustering, .*mean"):
        changes([(one, store)], [(one, store)])
