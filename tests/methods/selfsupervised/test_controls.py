"""What all controls share: PDR's encoders and budget, the number of features, training that repeats and resumes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from bench.grid.catalogue import METHODS
from bench.training.loop import FabricTrainer
from datasets.base import Silent
from datasets.blocks import to_float
from datasets.streams import generator
from methods.base import Method
from methods.pdr.config import PDRConfig
from methods.pdr.method import PDR, RandomInit

T = TypeVar("T")
TWINS = ("autoencoder", "beta_vae", "simclr", "vicreg")
OWN = (*TWINS, "mae")
SMALL: dict[str, dict[str, Any]] = {
    **{name: {"nf": 16, "zdim": 32} for name in TWINS},
    "vicreg": {"nf": 16, "zdim": 32, "expansion": 64},
    "mae": {"width": 64, "depth": 1, "decoder_width": 64, "decoder_depth": 1},
}


def build(name: str, **settings: Any) -> Method:
    torch.manual_seed(0)
    cls = METHODS.get(name).load()
    found: Method = cls(cls.Config(**settings))
    return found


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return generator(0, "test", "controls").integers(0, 255, (40, 64, 64, 3), dtype=np.uint8)


def test_they_are_a_group_that_all_leaves_out() -> None:
    names = [entry.name for entry in METHODS.groups()["controls"]]
    assert set(OWN) <= set(names)
    assert not set(names) & {entry.name for entry in METHODS.select("all")}


@pytest.mark.parametrize("name", OWN)
def test_features_are_as_many_as_pdrs(name: str) -> None:
    method = build(name)
    assert method.module is not None
    method.module.eval()
    images = torch.rand(2, 3, 64, 64)
    assert method.encode(images).shape == (2, 512)
    assert torch.equal(method.encoder()(images), method.encode(images))


@pytest.mark.parametrize("name", TWINS)
def test_encoders_are_pdrs(name: str) -> None:
    """Weight for weight: PDR's values are the control's where it has PDR's weights."""
    method, theirs = build(name, nf=16, zdim=32), RandomInit(PDRConfig(nf=16, zdim=32))
    twin = getattr(method.encoder(), "twin", method.encoder())
    for half, parameter in zip(twin.halves, ("geometry", "albedo"), strict=True):
        half.load_state_dict(theirs.module.of(parameter).encoder_part().state_dict())
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(twin(images), theirs.encode(images))


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("domain", ["faces", "cars"])
def test_the_budget_is_pdrs(name: str, domain: Any) -> None:
    cls = METHODS.get(name).load()
    for profile in ("smoke", "mini", "paper"):
        for protocol in ("default", "released"):
            own, theirs = (
                config.model_validate(
                    {
                        **kind.for_protocol(protocol, domain),
                        **kind.for_profile(profile, domain),
                        "schedule": {
                            **kind.for_protocol(protocol, domain).get("schedule", {}),
                            **kind.for_profile(profile, domain).get("schedule", {}),
                        },
                    }
                )
                for kind, config in ((cls, cls.Config), (PDR, PDRConfig))
            )
            assert own.schedule == theirs.schedule
            assert own.track_scale == theirs.track_scale
            if name in TWINS:
                assert (own.nf, own.zdim) == (theirs.nf, theirs.zdim)


class Cut(Silent):
    """Ends the training in its second epoch."""

    def track(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        if "epoch 2" in what:
            raise KeyboardInterrupt
        return iter(items)


@pytest.mark.parametrize("name", OWN)
def test_training_repeats_and_resumes_bit_for_bit(name: str, images: np.ndarray, tmp_path: Path) -> None:
    schedule = {"batch_size": 8, "max_epochs": 2, "learning_rate": 1e-3, "precision": "32-true"}

    def trained(place: str, seed: int = 0, *, cut: bool = False) -> dict[str, torch.Tensor]:
        method = build(name, **SMALL[name], schedule=schedule)
        assert method.module is not None
        method.fit(images, FabricTrainer(tmp_path / place, seed=seed, device="cpu", progress=Cut() if cut else None))
        return method.module.state_dict()

    start = build(name, **SMALL[name], schedule=schedule)
    assert start.module is not None
    whole = trained("whole")
    assert any(not torch.equal(value, whole[key]) for key, value in start.module.state_dict().items())
    with pytest.raises(KeyboardInterrupt):
        trained("cut", cut=True)
    resumed = trained("cut")
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())
    other = trained("other", seed=1)
    assert any(not torch.equal(value, other[key]) for key, value in whole.items())


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("autocast", [False, True])
def test_training_lowers_the_loss(name: str, autocast: bool, images: np.ndarray) -> None:
    method = build(name, **SMALL[name], schedule={"learning_rate": 1e-3})
    learner = method.learner()  # type: ignore[attr-defined]
    (optimizer,) = learner.optimizers().values()
    smooth = torch.nn.functional.avg_pool2d(to_float(images[:8]), 9, stride=1, padding=4)
    found = []
    for step in range(15):  # on the same views and masks, so that chance neither helps nor hinders
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            losses = learner(smooth, phase="all", step=step, generator=torch.Generator().manual_seed(3))
        losses["loss"].backward()
        optimizer.step()
        found.append(losses["loss"].item())
        assert all(value.dtype == torch.float32 for value in losses.values())
    assert found[-1] < 0.97 * found[0]


@pytest.mark.parametrize("name", OWN)
def test_validation_draws_the_same_numbers_each_time(name: str, images: np.ndarray) -> None:
    learner = build(name, **SMALL[name]).learner()  # type: ignore[attr-defined]
    learner.eval()
    batch = to_float(images[:8])
    with torch.no_grad():
        first, second = (learner.validate(batch) for _ in range(2))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize("name", OWN)
def test_pictures_are_pictures(name: str) -> None:
    method = build(name, **SMALL[name])
    assert method.module is not None
    method.module.eval()
    with torch.inference_mode():
        pictures = method.pictures(torch.rand(3, 3, 64, 64))
    assert len(pictures) >= 2
    assert all(
        picture.shape == (3, 3, 64, 64) and picture.min() >= 0 and picture.max() <= 1 for picture in pictures.values()
    )


def test_notes_say_what_is_smaller() -> None:
    assert build("simclr").notes() == []
    assert build("simclr", nf=16).notes() == ["width 16 in place of 64"]
    assert "in place of PDR's encoders" in build("mae", **SMALL["mae"]).notes()[0]
