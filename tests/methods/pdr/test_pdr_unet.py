"""PDR with U-Net encoders: the encoder, its training, and the pyramid that a segmentation is built on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from datasets.errors import BenchError
from methods.pdr.config import PDRConfig
from methods.pdr.learner import PDRLearner
from methods.pdr.method import PDR
from methods.pdr.unet import PDRUNet, PDRUNetConfig, UNetEncoder, UNetRandomInit
from methods.ranges import signed

SMALL = {
    "nf": 16,
    "nf_encoder": 4,
    "nf_confidence": 16,
    "zdim": 32,
    "zdim_confidence": 16,
    "perceptual_weight": 0.0,
    "width": 4,
    "bounded_outputs": True,
}


def method(cls: type[PDRUNet] = PDRUNet, **settings: Any) -> PDRUNet:
    torch.manual_seed(0)
    return cls(PDRUNetConfig(**{**SMALL, **settings}))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_the_papers_encoder(images: torch.Tensor) -> None:
    encoder = UNetEncoder(16)
    assert encoder.channels == (16, 32, 64, 128, 256)
    found = [tuple(one.shape) for one in encoder(images)]
    assert found == [(4, 16, 64, 64), (4, 32, 32, 32), (4, 64, 16, 16), (4, 128, 8, 8), (4, 256, 4, 4)]
    weights = 9 * sum(cin * c + c * c for cin, c in zip((3, 16, 32, 64, 128), encoder.channels, strict=True))
    assert sum(p.numel() for p in encoder.parameters()) == weights + 4 * sum(encoder.channels) == 1_179_760
    assert PDRUNetConfig().width == 16


def test_a_map_sees_what_the_pooled_map_above_it_shows(images: torch.Tensor) -> None:
    """Two pixels of a pooling window can be exchanged at the first map without the second noticing."""
    encoder = UNetEncoder(4).eval()
    first = encoder.levels[0](images).detach()
    swapped = first.clone()
    swapped[:, :, 10, 10], swapped[:, :, 11, 11] = first[:, :, 11, 11], first[:, :, 10, 10]
    levels = encoder.levels[1]
    given: list[torch.Tensor] = []
    levels.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    encoder.levels[0].register_forward_hook(lambda *_: swapped)
    second = encoder(images)[1]
    torch.testing.assert_close(given[0], torch.nn.functional.max_pool2d(first, 2))
    torch.testing.assert_close(second, levels(torch.nn.functional.max_pool2d(first, 2)))


def test_only_two_encoders_are_replaced() -> None:
    plain = PDR(PDRConfig(**{name: value for name, value in SMALL.items() if name != "width"})).module.state_dict()
    chosen = method().module.state_dict()
    parts = [f"{net}.network_down." for net in ("netD", "netA")]
    rest = {name: value.shape for name, value in plain.items() if not name.startswith(tuple(parts))}
    assert {name: value.shape for name, value in chosen.items() if not name.startswith(tuple(parts))} == rest
    for part in parts:
        own = {name.removeprefix(part) for name in chosen if name.startswith(part)}
        assert {"unet.levels.0.0.weight", "unet.levels.4.4.running_var", "to_vector.weight"} < own
        assert chosen[f"{part}to_vector.weight"].shape == (32, 64, 4, 4)


def test_features_are_the_centres_vector(images: torch.Tensor) -> None:
    chosen = method()
    chosen.module.eval()
    with torch.inference_mode():
        features = chosen.encode(images)
        centre = chosen.unets["albedo"](signed(images))[-1]
        weight = chosen.module.netA.network_down.to_vector.weight
        expected = torch.nn.functional.conv2d(centre, weight).relu().flatten(1)
        torch.testing.assert_close(features[:, 32:], expected)
        torch.testing.assert_close(chosen.encoder()(images), features)
    assert features.shape == (4, 64)
    assert features.min() == 0


@pytest.mark.parametrize("autocast", [False, True])
def test_training_reaches_both_encoders_down_to_the_first_level(images: torch.Tensor, autocast: bool) -> None:
    chosen = method(schedule={"learning_rate": 2e-3})
    learner = PDRLearner(chosen.module, chosen.config).train()
    before = {name: unet.levels[0][0].weight.detach().clone() for name, unet in chosen.unets.items()}
    (optimizer,) = learner.optimizers().values()
    found = []
    for step in range(6):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            losses = learner(images, phase="autoencoder", step=step, generator=torch.Generator())
        losses["loss"].backward()
        optimizer.step()
        found.append(losses["loss"].item())
    assert found[-1] < found[0] - 0.05
    for name, unet in chosen.unets.items():
        assert not torch.equal(unet.levels[0][0].weight, before[name])
        assert unet.levels[4][4].num_batches_tracked == 6


def test_the_pyramids_of_the_rows(images: torch.Tensor) -> None:
    chosen = {name: method(encoder=name).pyramid().eval() for name in ("geometry", "albedo", "joint")}
    assert chosen["geometry"].channels == chosen["albedo"].channels == (4, 8, 16, 32, 64)
    assert chosen["joint"].channels == (8, 16, 32, 64, 128)
    with torch.inference_mode():
        geometry, albedo, joint = (chosen[name](images) for name in ("geometry", "albedo", "joint"))
        expected = method().unets["geometry"].eval()(signed(images))
    for level in range(5):
        torch.testing.assert_close(geometry[level], expected[level])
        assert not torch.equal(geometry[level], albedo[level])
        torch.testing.assert_close(joint[level], torch.cat([geometry[level], albedo[level]], dim=1))


def test_the_pyramid_is_the_trained_networks_own() -> None:
    chosen = method()
    state = {name: torch.full_like(value, 0.5) for name, value in chosen.module.state_dict().items()}
    chosen.module.load_state_dict(state, assign=True)
    assert all((value == 0.5).all() for value in chosen.pyramid().parameters())


@pytest.mark.parametrize("frozen", [False, True])
def test_a_frozen_pyramid_stays_as_it_is(images: torch.Tensor, frozen: bool) -> None:
    pyramid = method(frozen=frozen).pyramid()
    before = {name: value.clone() for name, value in pyramid.state_dict().items()}
    outer = torch.nn.Sequential(pyramid).train()
    maps = outer(images)
    assert all(parameter.requires_grad != frozen for parameter in pyramid.parameters())
    assert [one.requires_grad for one in maps] == [not frozen] * 5
    assert all(module.training != frozen for module in pyramid.modules() if module is not outer)
    same = [torch.equal(value, before[name]) for name, value in pyramid.state_dict().items() if "running" in name]
    assert same == [frozen] * len(same)
    assert not outer.eval()[0].training


def test_the_supervised_row_starts_where_training_starts() -> None:
    untrained = method(UNetRandomInit, encoder="geometry")
    for name, value in untrained.pyramid().state_dict().items():
        torch.testing.assert_close(value, method(encoder="geometry").pyramid().state_dict()[name])
    assert not UNetRandomInit.trains
    UNetRandomInit.check_resources(PDRUNetConfig(perceptual_weight=1.0, vgg16="nowhere"))
    assert untrained.notes() == ["trained from scratch on the task's labelled images alone"]


def test_what_is_segmented_does_not_change_the_training() -> None:
    assert PDRUNetConfig.encode_fields() == {"features", "encode_precision", "track_scale", "encoder", "frozen"}
    notes = [method(encoder=name, frozen=frozen).notes() for name in ("albedo", "joint") for frozen in (False, True)]
    assert all(found == notes[0] for found in notes), "one checkpoint, one set of notes"


@pytest.mark.parametrize("profile", ["smoke", "mini", "paper"])
def test_profiles_are_configurations(profile: str) -> None:
    config = PDRUNetConfig(**PDRUNet.profiles[profile])
    assert config.width == (4 if profile == "smoke" else 16)
    assert {name: value for name, value in PDRUNet.profiles[profile].items() if name != "width"} == PDR.profiles[
        profile
    ]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="encoder"):
        PDRUNetConfig(encoder="light")
    with pytest.raises(BenchError, match="PDRUNet knows no other checkpoint format"):
        PDRUNet.import_weights(tmp_path / "unsup3d.pth")
