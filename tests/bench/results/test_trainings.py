"""How many trainings stand behind a row, what its mean varies by, and how rows are subtracted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from record_factory import record
from scipy import stats

from bench.pipeline.records import Interval, Record
from bench.pipeline.store import Store
from bench.results.resampled import resampled
from bench.results.trainings import Trainings, difference
from tasks.results import PerItem


def row(*records: Record, store: Store | None = None, metric: str = "accuracy") -> Trainings:
    drawn = [None] * len(records) if store is None else resampled([(one, store) for one in records])
    return Trainings(metric, records, tuple(drawn))


def seeds(values: list[float], **changes: Any) -> list[Record]:
    return [record(seed=seed, value=value, **changes) for seed, value in enumerate(values)]


def scored(store: Store, method: str, seed: int, values: np.ndarray, **changes: Any) -> Record:
    """A record whose accuracy is the mean of one number per image."""
    folder = store.predictions(f"{method}{seed}")
    folder.mkdir(parents=True)
    np.save(folder / "frame.npy", np.arange(len(values)))
    np.save(folder / "accuracy.npy", values)
    about = {"per_item": PerItem(), "metrics": {"accuracy": float(values.mean())}, **changes}
    return record(method, "own", seed, predictions=f"predictions/{method}{seed}", **about)


def test_trainings_are_counted_by_their_weights() -> None:
    assert row(*seeds([0.1, 0.2, 0.3])).number == 3
    assert row(*seeds([0.1, 0.1, 0.1], weights_sha256="w" * 64)).number == 1, "published weights are one training"
    assert row(*[record(seed=0, seeds={"evaluate": place}) for place in range(4)]).number == 1
    pixels = [record("raw_pixels", seed=seed, trained=False, training={}) for seed in range(3)]
    assert row(*pixels).number == 0
    heads = [
        record("raw_pixels", seed=seed, trained=False, training={}, ingredients={"evaluate": {"training": "loop"}})
        for seed in range(3)
    ]
    assert row(*heads).number == 3, "a head that the task trains is a training"


def test_less_than_three_trainings_say_nothing_of_trainings() -> None:
    one, two, three = (row(*seeds([0.50, 0.53, 0.59][:count])) for count in (1, 2, 3))
    assert (one.compared, two.compared, three.compared) == (False, False, True)
    assert (one.sd, two.sd) == (None, None)
    assert three.sd == pytest.approx(np.std([0.50, 0.53, 0.59], ddof=1))
    assert two.estimate.half == pytest.approx(0.02), "over tracks alone"
    assert row(record("raw_pixels", trained=False, training={})).compared, "there is nothing that could vary"


def test_three_trainings_and_the_units_add_up() -> None:
    values = [0.50, 0.53, 0.59]
    found = row(*seeds(values)).estimate
    units = (0.02 / stats.norm.ppf(0.975)) ** 2
    spread = np.var(values, ddof=1) / 3
    assert found.variance == pytest.approx(spread + units)
    most = spread * 2 / stats.chi2.ppf(0.25, 2)
    assert found.freedom == pytest.approx((most + units) ** 2 / (most**2 / 2), rel=1e-4)
    assert found.half == pytest.approx(stats.t.ppf(0.975, found.freedom) * np.sqrt(spread + units))


def test_all_trainings_are_resampled_on_the_same_units(tmp_path: Path) -> None:
    """Errors on the same images do not average out over trainings; errors of each training's own do."""
    store, rng = Store(tmp_path / "store"), np.random.default_rng(0)
    image, own = rng.normal(0, 1, 400), rng.normal(0, 1, (4, 400))
    same = row(*(scored(store, "pdr", seed, image + 1e-9 * seed) for seed in range(4)), store=store)
    other = row(*(scored(store, "vqvae", seed, own[seed]) for seed in range(4)), store=store)
    assert same.units[0].variance == pytest.approx(image.var(ddof=1) / 400, rel=0.1)
    assert other.units[0].variance == pytest.approx(1 / 1600, rel=0.15)
    assert same.units[0].freedom == 399
    assert same.estimate.parts[1].variance == pytest.approx(same.units[0].variance), "errors that all make"
    assert other.estimate.parts[1].variance < other.units[0].variance / 5, "its own errors are in their spread already"
    two = row(*other.records[:2], store=store)
    assert two.estimate.parts == two.units, "nothing else holds the own errors of two trainings"


def test_the_interaction_of_both_rows_counts_once(tmp_path: Path) -> None:
    """Two rows of other seeds on the same images, which differ by each training's own errors."""
    store, rng = Store(tmp_path / "store"), np.random.default_rng(3)
    own = rng.normal(0, 1, (2, 4, 400))
    one = row(*(scored(store, "pdr", seed, own[0, seed]) for seed in range(4)), store=store)
    other = row(*(scored(store, "vqvae", seed + 10, own[1, seed]) for seed in range(4)), store=store)
    paired = row(*(scored(store, "ris", seed, own[1, seed]) for seed in range(4)), store=store)
    for second in (other, paired):
        *trainings, units = difference(one, second).estimate.parts
        assert sum(part.variance for part in trainings) == pytest.approx(2 / 1600, rel=0.9)
        assert units.variance < 0.4 * 2 / 1600


def test_units_are_named_as_the_other_intervals_of_the_record_say() -> None:
    """A metric that is resampled and has no interval of its own is over the same units."""
    people = {"accuracy": Interval(low=0.4, high=0.6, over="people")}
    about = {"metrics": {"accuracy": 0.5, "head": 0.5}, "intervals": people}
    assert row(*seeds([0.5] * 3, **about), metric="head").unit == "people"
    assert row(*seeds([0.5] * 3, **{**about, "intervals": {}}), metric="head").unit is None


def test_several_records_of_a_training_are_one_value() -> None:
    records = [
        record(seed=fit, seeds={"evaluate": 10 + place}, value=0.5 + 0.1 * fit + 0.01 * place)
        for fit in range(3)
        for place in range(2)
    ]
    found = row(*records)
    assert found.values == pytest.approx({0: 0.505, 1: 0.605, 2: 0.705})
    assert found.estimate.parts[0].variance == pytest.approx(0.1**2 / 3)


def test_rows_are_subtracted_seed_by_seed(tmp_path: Path) -> None:
    """Both are good or bad at the same seeds and on the same images, and one is always 0.1 better."""
    store, rng = Store(tmp_path / "store"), np.random.default_rng(1)
    shared = [rng.normal(0, 0.3) + rng.normal(0, 1, 100) for _ in range(4)]
    one = row(*(scored(store, "pdr", seed, values) for seed, values in enumerate(shared)), store=store)
    noise = rng.normal(0.1, 0.01, (4, 100))
    more = [scored(store, "vqvae", seed, values + noise[seed]) for seed, values in enumerate(shared)]
    found = difference(one, row(*more, store=store))
    assert found.paired
    assert found.value == pytest.approx(0.1, abs=0.01)
    assert found.high - found.low < 0.02
    assert found.estimate.p < 0.001
    late = [one.model_copy(update={"seed": one.seed + 10}) for one in more]
    apart = difference(one, row(*late, store=store))
    assert apart.high - apart.low > 0.2, "other seeds: as independent trainings"
    assert apart.paired, "still of the same images"


def test_a_row_without_trainings_adds_none() -> None:
    pixels = row(record("raw_pixels", trained=False, training={}, value=0.4))
    trained = row(*seeds([0.50, 0.53, 0.59]))
    found = difference(pixels, trained)
    assert found.value == pytest.approx(0.14)
    assert [part.freedom for part in found.estimate.parts][:1] == [2]
    assert len(found.estimate.parts) == 3, "trainings of one, units of both"
