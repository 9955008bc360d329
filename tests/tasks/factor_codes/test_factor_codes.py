"""Scores of codes made by hand: that follow their factor alone, everything, or nothing; and the task around them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from datasets.base import Dataset
from datasets.controlled import ANGLES, FACTORS, ControlledBatches, controlled_batches
from datasets.errors import BenchError
from datasets.scene_factors import SceneFactors
from datasets.streams import generator
from methods.baselines import RawPixels
from methods.pdr.derender import Derendered, scene_factors
from methods.rendering.camera import rotation_matrix
from tasks.base import EvaluationInputs
from tasks.factor_codes.scores import FactorCodes, correlation
from tasks.factor_codes.task import FactorCodesTask
from tasks.results import Scores

SIZE, EACH = 20, 6


def batches() -> ControlledBatches:
    """Six batches of each factor, twenty images each, with the other angles constant in each."""
    rng = np.random.default_rng(0)
    factor = np.repeat(np.arange(4), EACH)
    rows = np.arange(len(factor) * SIZE).reshape(-1, SIZE)
    angles = np.repeat(rng.uniform(-50, 50, (len(factor), 3)), SIZE, axis=0)
    for place in range(3):
        own = rows[factor == place].ravel()
        angles[own, place] = rng.uniform(-50, 50, len(own))
    return ControlledBatches(rows, factor, angles)


STORED = batches()
NOISE = np.random.default_rng(1).standard_normal((STORED.rows.size, 5))
PERSON = np.where(np.repeat(STORED.factor == 3, SIZE), NOISE[:, 0], np.repeat(NOISE[: len(STORED.rows), 0], SIZE))


def scores(yaw: np.ndarray, others: np.ndarray, factors: tuple[str, ...] = ("azimuth",)) -> dict[str, float]:
    code = np.column_stack([yaw, others])
    values = {name: code[:, place] for place, name in enumerate(factors)}
    return FactorCodes(values, code, STORED).metrics()


def test_a_code_that_follows_its_factor_and_nothing_else() -> None:
    found = scores(-0.02 * STORED.angles[:, 0], PERSON[:, None])
    assert found["azimuth_spearman"] == pytest.approx(1)
    assert found["azimuth_r2"] == pytest.approx(1)
    assert found["azimuth_share"] == pytest.approx(1)
    assert found["azimuth_drift"] == pytest.approx(0, abs=1e-12)
    assert found["azimuth_abs_spearman"] < 0.4
    assert list(found) == [f"azimuth_{name}" for name in ("spearman", "abs_spearman", "r2", "share", "drift")]


def test_a_code_that_does_not_tell_the_sides_apart() -> None:
    found = scores(np.abs(STORED.angles[:, 0]), PERSON[:, None])
    assert found["azimuth_abs_spearman"] == pytest.approx(1)
    assert found["azimuth_spearman"] < 0.4


def test_correlation_does_not_tell_an_entangled_code_and_share_and_drift_do() -> None:
    """The yaw moves four more numbers as much, and the first answers to the person too."""
    yaw = STORED.angles[:, 0] / 30
    apart = scores(yaw, np.column_stack([PERSON] * 4))
    entangled = scores(yaw + PERSON, np.column_stack([yaw] * 4))
    assert entangled["azimuth_spearman"] > 0.6
    assert entangled["azimuth_share"] == pytest.approx(0.2, abs=0.03)
    assert entangled["azimuth_drift"] > 0.3
    assert (apart["azimuth_share"], apart["azimuth_drift"]) == pytest.approx((1, 0), abs=1e-9)


def test_share_is_of_variance_within_batches_of_the_factor() -> None:
    rows = STORED.of_factor(1)
    code = NOISE * np.array([1, 2, 3, 4, 5])
    found = FactorCodes({"elevation": code[:, 2]}, code, STORED).metrics()
    within = code[rows].var(axis=1).sum(axis=0)
    assert found["elevation_share"] == pytest.approx(within[2] / within.sum())
    still = code[STORED.of_factor(3), 2].var(axis=1).mean()
    assert found["elevation_drift"] == pytest.approx(still / code[:, 2].var())


def test_a_code_of_noise_knows_nothing() -> None:
    found = scores(NOISE[:, 0], NOISE[:, 1:])
    assert max(found["azimuth_spearman"], found["azimuth_r2"]) < 0.25
    assert found["azimuth_share"] == pytest.approx(0.2, abs=0.05)
    assert 0.6 < found["azimuth_drift"] < 1.4


def test_a_code_that_never_changes_scores_worst() -> None:
    found = scores(np.zeros(STORED.rows.size), np.zeros((STORED.rows.size, 2)))
    assert found == {
        **dict.fromkeys((f"azimuth_{name}" for name in ("spearman", "abs_spearman", "r2", "share")), 0.0),
        "azimuth_drift": 1.0,
    }
    assert correlation(np.zeros(3), np.arange(3.0)) == 0


def test_intervals_hold_the_score_and_are_of_whole_batches() -> None:
    found = FactorCodes({"azimuth": STORED.angles[:, 0] / 30 + PERSON}, NOISE, STORED)
    own, intervals = found.metrics(), found.intervals(generator(0, "test"))
    assert intervals == found.intervals(generator(0, "test"))
    assert intervals.keys() == own.keys()
    for name, value in own.items():
        assert intervals[name].low <= value <= intervals[name].high, name
        assert intervals[name].over == "batches"
    every = [np.arange(EACH)] * 4
    assert found.metrics(every) == own
    assert found.metrics([np.zeros(EACH, int)] * 4) != own


def test_within_a_batch_it_does_not_matter_where_a_code_starts() -> None:
    offset = np.repeat(NOISE[: len(STORED.rows), 1], SIZE)
    found = FactorCodes({"azimuth": -STORED.angles[:, 0] / 30 + 5 * offset}, NOISE, STORED)
    assert found.within() == {"azimuth": pytest.approx(1)}
    assert found.metrics()["azimuth_spearman"] < 0.8


def test_curves_show_a_jump_at_zero() -> None:
    found = FactorCodes({"azimuth": np.sign(STORED.angles[:, 0])}, NOISE, STORED)
    [(name, angles, means)] = list(found.curves(10))
    assert name == "azimuth"
    assert (np.diff(angles) > 0).all()
    assert means[angles < -6].max() < -0.5 < 0.5 < means[angles > 6].min()


def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    truth = {column: STORED.angles[:, place] for place, column in enumerate(ANGLES.values())}
    count = STORED.rows.size
    return Dataset(
        rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8),
        labels={"batch": np.arange(count) // SIZE, "factor": STORED.of_image},
        classes={"factor": FACTORS},
        truth=truth,
        name="faces_factors_test",
    )


class Says(RawPixels):
    """A model that says what it is told to of the images in turn."""

    def __init__(self, say: Callable[[slice], Any]) -> None:
        super().__init__()
        self.say, self.place = say, 0

    def scene_factors(self, images: Tensor) -> Any:
        part = slice(self.place, self.place + len(images))
        self.place = part.stop
        return self.say(part)


def evaluate(say: Callable[[slice], Any], given: Dataset | None = None) -> Scores:
    given = dataset() if given is None else given
    inputs = EvaluationInputs(given, np.arange(len(given)), seed=0, model=lambda: Says(say))
    return FactorCodesTask().evaluate(inputs)


def truthful(part: slice) -> SceneFactors:
    values = torch.from_numpy(STORED.angles[part]).float() / 30
    return SceneFactors({name: values[:, place] for place, name in enumerate(FACTORS[:3])}, values)


def test_the_task_scores_what_a_method_says() -> None:
    found = evaluate(truthful)
    declared = {metric.name for metric in FactorCodesTask.metrics}
    assert set(found.metrics) == declared
    for name in FACTORS[:3]:
        assert found.metrics[f"{name}_spearman"] == pytest.approx(1)
        assert found.metrics[f"{name}_share"] == pytest.approx(1)
        assert found.metrics[f"{name}_drift"] == pytest.approx(0, abs=1e-9)
    assert found.metrics["in_use"] == 3
    assert [chart.x_label for chart in found.charts] == [
        "yaw in degrees",
        "pitch in degrees",
        "light azimuth in degrees",
    ]
    assert found.details["within"] == pytest.approx(dict.fromkeys(FACTORS[:3], 1))
    assert found.predictions["declared"].shape == (len(NOISE), 3)
    assert found.predictions["batch"].shape == found.predictions["frame"].shape
    again = FactorCodes(
        dict(zip(found.details["declared"], found.predictions["declared"].T, strict=True)),
        found.predictions["declared"],
        controlled_batches(dataset()),
    )
    assert again.metrics() == {name: value for name, value in found.metrics.items() if name != "in_use"}


def test_a_method_may_declare_some_factors_only() -> None:
    def yaw(part: slice) -> SceneFactors:
        found = truthful(part)
        return SceneFactors({"azimuth": found.values["azimuth"]}, found.code)

    found = evaluate(yaw)
    assert {name.partition("_")[0] for name in found.metrics} == {"azimuth", "in"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda found: {"azimuth": found.code[:, 0]}, "scene_factors gave a dict: expected SceneFactors"),
        (lambda found: SceneFactors({}, found.code), "scene_factors declares nothing: expected some of azimuth"),
        (lambda found: SceneFactors({"yaw": found.code[:, 0]}, found.code), "scene_factors declares yaw: "),
        (lambda found: SceneFactors({"light": found.code[:3, 0]}, found.code), "scene_factors, light gave the shape"),
        (lambda found: SceneFactors({"light": found.code[:, 0] / 0}, found.code), "scene_factors, light gave features"),
        (lambda found: SceneFactors(found.values, found.code[1:]), "scene_factors, the code gave the shape"),
    ],
)
def test_what_is_not_declared_as_it_should_be(change: Callable[[SceneFactors], Any], told: str) -> None:
    with pytest.raises((BenchError, TypeCheckError)) as caught:
        evaluate(lambda part: change(truthful(part)))
    if isinstance(caught.value, BenchError):
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)


def test_data_without_batches_are_refused() -> None:
    whole = dataset()
    with pytest.raises(BenchError, match="faces_factors_test has no batch"):
        evaluate(truthful, Dataset(whole.images, truth=whole.truth, name=whole.name))


def test_pdrs_view_and_light_are_in_the_signs_of_the_drawn_datasets() -> None:
    yaw, pitch, roll = torch.tensor([30.0, -50.0]), torch.tensor([-10.0, 15.0]), torch.tensor([4.0, -8.0])
    azimuth, elevation = torch.deg2rad(torch.tensor([40.0, -70.0])), torch.deg2rad(torch.tensor([20.0, -5.0]))
    rotation = rotation_matrix(torch.deg2rad(torch.stack([pitch, -yaw, roll], dim=1)))
    light = torch.stack([-azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos()], dim=1)
    flat = torch.ones(2, 4, 4)
    found = scene_factors(Derendered(flat, flat[:, None].expand(-1, 3, -1, -1), flat > 0, 3 * light, rotation))
    for name, wanted in (("azimuth", yaw), ("elevation", pitch), ("light", torch.rad2deg(azimuth))):
        torch.testing.assert_close(found.values[name], wanted, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        found.code[:, 3:], torch.stack([roll, torch.rad2deg(elevation)], dim=1), atol=1e-3, rtol=0
    )
