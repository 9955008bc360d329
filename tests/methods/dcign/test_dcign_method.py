"""DC-IGN as a method: configuration, groups of its code, and re-rendering along the scale read after training."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from datasets.base import Dataset
from datasets.controlled import ANGLES, FACTORS, ControlledBatches
from datasets.errors import BenchError
from methods.dcign.config import EXTRINSIC, GROUPS, PROFILES, DCIGNConfig
from methods.dcign.images import prepared, shown
from methods.dcign.learner import DCIGNLearner
from methods.dcign.method import DCIGN
from methods.dcign.model import DCIGNModel, readout, two_sided, varying_most
from methods.learning import Schedule, SupervisedLearner

SMALL: dict[str, Any] = {"size": 64, "encoder_widths": (4, 4, 4), "decoder_widths": (4, 4, 4), "latents": 8}


def method(**changes: Any) -> DCIGN:
    torch.manual_seed(0)
    return DCIGN(DCIGNConfig(**{**SMALL, "colour": True, **changes}))


def images(count: int = 3, side: int = 64) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_the_papers_values_are_the_defaults_and_the_released_ones_differ() -> None:
    paper = DCIGNConfig()
    assert (paper.size, paper.channels, paper.latents, paper.clamp, paper.invariance) == (150, 1, 200, "mean", 0.01)
    assert (paper.schedule.learning_rate, paper.schedule.weight_decay, paper.schedule.batch_size) == (5e-4, 0, 20)
    released = DCIGNConfig(**DCIGN.for_protocol("released", "faces"))
    assert (released.clamp, released.invariance, released.ratio) == ("first", 0, (1, 1, 1, 1))
    assert released.schedule == paper.schedule
    assert (paper.rule, released.rule) == ("mean", "first")
    adam = DCIGNLearner(DCIGNModel(DCIGNConfig(**SMALL)), DCIGNConfig(**SMALL)).optimizers()["autoencoder"]
    assert adam.defaults["betas"] == (0.9, 0.99)
    assert adam.defaults["lr"] == 5e-4


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_a_configuration(profile: str) -> None:
    config = DCIGNConfig(**PROFILES[profile])
    assert not config.schedule.flip
    assert DCIGN.size_for(config) == config.size


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("all", GROUPS),
        ("extrinsic", EXTRINSIC),
        ("intrinsic, azimuth", ("azimuth", "intrinsic")),
        (["light"], ("light",)),
    ],
)
def test_features_by_name(given: object, found: tuple[str, ...]) -> None:
    made = method(features=given)
    assert made.config.features == found
    code = made.module.code(images())
    assert made.encode(images()).shape[1] == sum(1 if name in EXTRINSIC else 5 for name in found)
    parts = made.feature_groups(images())
    assert list(parts) == list(GROUPS)
    assert torch.equal(torch.cat([parts[name] for name in GROUPS], dim=1), code)
    assert torch.equal(made.encode(images()), torch.cat([parts[name] for name in found], dim=1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": ()},
        {"features": "light,light"},
        {"features": "view"},
        {"size": 100},
        {"latents": 3},
        {"ratio": (0, 0, 0, 0)},
        {"ratio": (1, 1, 1, -1)},
        {"ratio": (1, 1, 1, float("inf"))},
        {"ratio": (1, 1, 1)},
        {"encoder_widths": (4, 0, 4)},
        {"clamp": "median"},
        {"schedule": {"flip": True}},
        {"schedule": {"holdout": True}},
    ],
)
def test_what_is_no_configuration(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DCIGNConfig(**wrong)


def test_grey_images_at_the_published_size() -> None:
    torch.manual_seed(0)
    made = DCIGN(DCIGNConfig(encoder_widths=(2, 2, 2), decoder_widths=(2, 2, 2), latents=5)).rerender(images(2, 150))
    assert made.shape == (2, 3, 150, 150)
    assert torch.equal(made[:, 0], made[:, 2])
    grey = prepared(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1), 1)
    assert grey.item() == pytest.approx(0.21 + 0.36)
    assert torch.equal(shown(images()), images())


def scenes() -> tuple[np.ndarray, ControlledBatches]:
    """Codes in which latent 5 is the yaw, with a jump at 0, latent 2 the pitch and latent 4 the light; latent 0 is
    whom a batch shows, and the others noise."""
    rng = np.random.default_rng(0)
    factor = np.repeat([0, 1, 2, 3], 6)
    rows = np.arange(24 * 20).reshape(24, 20)
    angles = np.repeat(rng.uniform(-20, 20, (24, 3)), 20, axis=0)
    for place in range(3):
        own = rows[factor == place].ravel()
        angles[own, place] = rng.uniform(-50, 50, len(own))
    person = np.where(np.repeat(factor == 3, 20), rng.standard_normal(480), np.repeat(rng.standard_normal(24), 20))
    codes = 0.01 * rng.standard_normal((480, 8))
    codes[:, 0] += person
    codes[:, 5] += 0.04 * np.minimum(angles[:, 0], 0) + 0.02 * np.maximum(angles[:, 0], 0) + 0.5 * (angles[:, 0] >= 0)
    codes[:, 2] += 0.05 * angles[:, 1] + 0.3 * person
    codes[:, 4] += -0.03 * angles[:, 2]
    return codes.astype(np.float32), ControlledBatches(rows, factor, angles)


def test_factors_are_found_where_they_vary_most() -> None:
    codes, batches = scenes()
    assert varying_most(codes, batches).tolist() == [5, 2, 4]
    codes[:, 5] += 3 * codes[:, 4]  # the light moves the yaw's latent most, which is taken
    assert varying_most(codes, batches).tolist() == [5, 2, 4]


def test_the_scale_has_two_sides_and_a_jump() -> None:
    codes, batches = scenes()
    rows = batches.of_factor(0)
    found = two_sided(batches.angles[rows, 0], codes[rows, 5].astype(float))
    assert found == pytest.approx([0.04, 0.02, 0.5], abs=0.01)
    one_side = np.random.default_rng(0).uniform(2, 28, (4, 20))
    assert two_sided(one_side, 0.1 * one_side) == pytest.approx([0, 0.1, 0], abs=1e-6)


def test_angles_are_read_from_the_whole_code() -> None:
    codes, batches = scenes()
    weights, offset = readout(codes, batches.angles)
    left = codes @ weights + offset - batches.angles
    assert np.sqrt((left**2).mean(axis=0)).max() < 6


def test_a_factors_latent_moves_along_its_scale_and_no_other() -> None:
    codes, batches = scenes()
    made = method()
    made.module.read_scale(codes, batches, find=True)
    assert made.module.axes.tolist() == [5, 2, 4]
    given = torch.from_numpy(codes)
    change = made.module.moved(given, torch.tensor([0.0, 10.0, 0.0])).numpy() - codes
    np.testing.assert_allclose(change[:, 2][np.abs(batches.angles[:, 1]) > 17], 0.5, atol=0.06)
    assert not np.delete(change, 2, axis=1).any()
    yaw = batches.angles[:, 0]
    across = made.module.moved(given, torch.tensor([60.0, 0.0, -20.0])).numpy() - codes
    left = (yaw < -15) & (yaw > -45)  # so far from 0 that the sides are told apart, before and after
    np.testing.assert_allclose(across[left, 5], 0.02 * (yaw[left] + 60) + 0.5 - 0.04 * yaw[left], atol=0.25)
    assert torch.equal(made.module.moved(given, torch.zeros(3)), given)


def test_not_moved_it_is_the_reconstruction() -> None:
    codes, batches = scenes()
    made = method()
    made.module.read_scale(codes, batches, find=False)
    assert made.module.axes.tolist() == [0, 1, 2]
    network = made.module.network
    assert torch.equal(made.rerender(images()), network.decode(network.encode(images()).mean))
    assert not torch.equal(made.rerender(images(), pitch=30), made.rerender(images()))
    assert set(made.pictures(images())) >= {"input", "reconstruction", "yaw +40", "light -60"}


class Noted:
    """A trainer that takes one step, and notes what it was given."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def train(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise AssertionError("DC-IGN learns from more than images")

    def train_supervised(
        self, learner: SupervisedLearner, inputs: np.ndarray, targets: np.ndarray, schedule: Schedule, **more: Any
    ) -> dict[str, Any]:
        self.given = {"targets": targets, "schedule": schedule, **more}
        rows = more["sampler"].draw(1, np.random.default_rng(0))[0]
        batch = torch.from_numpy(inputs[rows]).permute(0, 3, 1, 2) / 255
        for phase, optimizer in learner.optimizers().items():
            learner(batch, torch.from_numpy(targets[rows]), phase=phase, step=0)["loss"].backward()
            optimizer.step()
        return {"seconds": 1.0}


def controlled(size: int = 4) -> Dataset:
    """Four batches of noise."""
    rng = np.random.default_rng(0)
    count = 4 * size
    return Dataset(
        rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8),
        labels={"batch": np.repeat(np.arange(4), size), "factor": np.repeat(np.arange(4), size)},
        classes={"factor": FACTORS},
        truth={name: rng.uniform(-40, 40, count) for name in ANGLES.values()},
        name="own",
    )


@pytest.mark.parametrize("how", [{}, {"clamp": "first"}, {"entangled": True}])
def test_trains_on_batches_and_reads_the_scale(how: dict[str, Any]) -> None:
    made, trainer = method(**how, schedule={"batch_size": 4}), Noted()
    before = {name: value.clone() for name, value in made.module.state_dict().items()}
    assert made.fit_dataset(controlled(), trainer) == {"seconds": 1.0}
    assert trainer.given["targets"].tolist() == np.repeat(np.arange(4), 4).tolist()
    assert trainer.given["sampler"].ratio == (1, 1, 1, 10)
    after = made.module.state_dict()
    for name in ("weights", "slopes", "network.head_mu.weight", "network.decoder.conv4.bias"):
        assert not torch.equal(before[name], after[name]), name
    assert "entangled" in how or made.module.axes.tolist() == [0, 1, 2]
    assert not made.module.training


def test_scene_factors_are_the_latents_of_view_and_light() -> None:
    found = method().scene_factors(images())
    assert list(found.values) == ["azimuth", "elevation", "light"]
    assert torch.equal(torch.stack(list(found.values.values()), dim=1), found.code[:, :3])


def test_what_it_cannot_be_trained_on_is_one_line() -> None:
    made = method()
    with pytest.raises(BenchError, match="not from images alone: train it by bench run, on faces_factors") as caught:
        made.fit(np.zeros((4, 64, 64, 3), np.uint8), Noted())
    assert "\n" not in str(caught.value)
    with pytest.raises(BenchError, match="own has batches of 4 images, and schedule") as caught:
        made.fit_dataset(controlled(), Noted())
    assert "\n" not in str(caught.value)


def test_notes() -> None:
    with torch.device("meta"):
        assert DCIGN(DCIGNConfig()).notes() == []
    small = method(entangled=True).notes()
    assert len(small) == 3
    assert small[0].startswith("trained without clamps")
    assert "width 4, 4, 4 in place of the paper's 96, 64, 32" in small


def test_the_encoder_can_be_fine_tuned() -> None:
    made = method(features="all")
    made.encoder()(images()).square().sum().backward()
    assert made.module.network.encoder.conv1.weight.grad is not None
