"""LOOCC: what is perturbed and by how much, what the contrastive loss sees, and where gradients go."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from methods.pdr.config import PDRConfig
from methods.pdr.learner import PDRLearner
from methods.pdr.loocc import choose, nt_xent, perturb_light, perturb_view, turned, unchanged
from methods.pdr.method import PDR
from methods.pdr.scene import Light, look_up
from methods.ranges import signed

MANY = 4000


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def light() -> Light:
    """Many copies of one light, straight from the camera."""
    return Light(torch.full((MANY,), 0.6), torch.full((MANY,), 0.3), torch.tensor([[0.0, 0.0, 1.0]]).repeat(MANY, 1))


def config(**settings: Any) -> PDRConfig:
    small = {"nf": 16, "nf_encoder": 4, "nf_confidence": 16, "zdim": 32, "zdim_confidence": 16}
    return PDRConfig(**{**small, "perceptual_weight": 0.0, **settings})


def fills(values: torch.Tensor, limit: float) -> None:
    """Uniform over (-limit, limit): within, near both ends, centred."""
    assert values.abs().max() <= limit
    assert values.min() < -0.98 * limit
    assert values.max() > 0.98 * limit
    assert values.mean().abs() < 0.05 * limit
    assert values.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)


def test_light_ranges(light: Light, generator: torch.Generator) -> None:
    new = perturb_light(light, config(), generator)
    fills(new.ambient - 0.6, 0.5)
    fills(new.diffuse - 0.3, 0.5)
    x, y, z = new.direction.unbind(1)
    fills(torch.atan2(x, z), math.pi / 4)
    fills(torch.asin(y), math.pi / 4)
    torch.testing.assert_close(new.direction.norm(dim=1), torch.ones(MANY))


def test_released_light_ranges(light: Light, generator: torch.Generator) -> None:
    new = perturb_light(light, config(**PDR.for_protocol("released", "faces")), generator)
    for axis in range(3):
        fills((new.direction - light.direction)[:, axis], 0.39)
    assert new.direction.norm(dim=1).std() > 0.1, "the direction is not normalised again"


@pytest.mark.parametrize(("protocol", "share"), [("default", 1.0), ("released", 0.5)])
def test_view_ranges(generator: torch.Generator, protocol: Any, share: float) -> None:
    view = torch.rand(MANY, 6, generator=generator)
    change = perturb_view(view, config(**PDR.for_protocol(protocol, "faces")), generator) - view
    fills(change[:, 0], math.radians(22.5) * share)
    fills(change[:, 1], math.radians(45) * share)
    assert change[:, 2:].abs().max() == 0


def test_turning_a_light_adds_angles() -> None:
    pitch, yaw = torch.tensor([0.3]), torch.tensor([-0.5])
    start = torch.tensor([[0.0, 0.0, 1.0]])
    twice = turned(turned(start, pitch=pitch, yaw=yaw), pitch=pitch, yaw=yaw)
    torch.testing.assert_close(twice, turned(start, pitch=2 * pitch, yaw=2 * yaw))
    torch.testing.assert_close(turned(start, pitch=pitch, yaw=0 * yaw)[0, 1], pitch.sin()[0])
    torch.testing.assert_close(turned(start, pitch=0 * pitch, yaw=yaw)[0, 0], yaw.sin()[0])


def test_choice(generator: torch.Generator) -> None:
    assert {choose("l", generator) for _ in range(50)} == {"light"}
    drawn = [choose("lv", generator) for _ in range(400)]
    assert 160 < drawn.count("view") < 240
    assert unchanged("light") == ("geometry", "albedo", "view")
    assert unchanged("view") == ("geometry", "albedo", "light")


def test_nt_xent_by_its_formula(generator: torch.Generator) -> None:
    a, b = torch.randn(2, 5, 7, generator=generator)
    both = [*a, *b]
    total = 0.0
    for i, one in enumerate(both):
        terms = {
            j: math.exp(torch.cosine_similarity(one, other, dim=0).item() / 0.2)
            for j, other in enumerate(both)
            if j != i
        }
        total -= math.log(terms[(i + 5) % 10] / sum(terms.values()))
    assert nt_xent(a, b, 0.2).item() == pytest.approx(total / 10, rel=1e-5)


@pytest.fixture
def learner() -> PDRLearner:
    torch.manual_seed(0)
    chosen = config(loocc="lv")
    return PDRLearner(PDR(chosen).module, chosen)


def test_another_light_leaves_the_object_where_it_is(learner: PDRLearner, generator: torch.Generator) -> None:
    """The shortcut (the plain pass's rendered depth) equals rendering the changed scene anew."""
    with torch.no_grad():
        result = learner.model(signed(torch.rand(3, 3, 64, 64, generator=generator)))
        fast = learner.perturbed_image(result, "light", torch.Generator().manual_seed(1))
        turned_by_nothing = learner.perturbed_image(result, "view", torch.Generator().manual_seed(1))
        rendered = learner.model.scene.render(result.depth[:3], result.view)
    torch.testing.assert_close(rendered.grid, result.rendered.grid[:3])
    covered = rendered.covered[:, None].expand_as(fast)
    assert fast[~covered].abs().max() == 0
    assert not torch.equal(fast, turned_by_nothing)
    assert (fast - result.image_hat[:3])[covered].abs().mean() > 0.01


@pytest.mark.parametrize("perturbed", ["light", "view"])
def test_released_mask_is_what_plain_and_mirrored_object_cover(
    learner: PDRLearner, generator: torch.Generator, perturbed: Any
) -> None:
    """A mirrored object is seen from a random view of its own, drawn after those of the plain ones. Here the object
    slopes from left to right and is turned, so that its mirrored copy covers other pixels."""
    released = PDRLearner(learner.model.networks, learner.config.model_copy(update={"loocc_mask": "both"}))
    with torch.no_grad():
        scene = learner.model.scene
        result = learner.model(signed(torch.rand(3, 3, 64, 64, generator=generator)))
        slope = torch.linspace(0.92, 1.08, 64).expand(3, 64, 64)
        depth, view = torch.cat([slope, slope.flip(2)]), torch.tensor([[0.0, 0.4, 0.0, 0.0, 0.0, 0.0]]).repeat(3, 1)
        result = replace(result, depth=depth, view=view, rendered=scene.render(depth, view.repeat(2, 1)))
        both, plain = (
            one.perturbed_image(result, perturbed, torch.Generator().manual_seed(1)) for one in (released, learner)
        )
        views = result.view.repeat(2, 1)
        if perturbed == "view":
            views = perturb_view(views, learner.config, torch.Generator().manual_seed(1))
        covered = scene.render(result.depth, views).covered
        mask = (covered[:3] & covered[3:])[:, None]
    assert mask.sum() < covered[:3].sum(), "the mirrored object covers less"
    shared = mask.expand_as(both)
    assert both[~shared].abs().max() == 0
    assert plain[~shared].abs().max() > 0
    if perturbed == "light":
        torch.testing.assert_close(both, plain * mask)
    else:
        seen = scene.render(result.depth[:3], views[:3])
        torch.testing.assert_close(both, look_up(result.canonical_image[:3], seen.grid) * mask)


@pytest.mark.parametrize("perturbed", ["light", "view"])
def test_gradients_reach_the_scene_and_the_encoders(
    learner: PDRLearner, generator: torch.Generator, perturbed: Any
) -> None:
    """Through the second encoding into the encoders, and through the rendering into the decoders and the depth."""
    images = torch.rand(3, 3, 64, 64, generator=generator)
    learner.contrastive(learner.model(signed(images)), perturbed, generator).backward()
    nets = learner.model.networks
    weights = {
        "geometry encoder": nets.netD.network_down[0].weight,
        "geometry decoder": nets.netD.network_up[29].weight,
        "albedo decoder": nets.netA.network_up[29].weight,
        "light values": nets.netL.conv.weight,
        "view values": nets.netV.conv.weight,
    }
    for name, weight in weights.items():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    assert all(parameter.grad is None for parameter in nets.netC.parameters())


def test_validation_knows_no_chance_and_training_does(learner: PDRLearner) -> None:
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        first, second = (learner.validate(images) for _ in range(2))
        training = [
            learner(images, phase="autoencoder", step=0, generator=torch.Generator().manual_seed(seed))["contrastive"]
            for seed in range(3)
        ]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len({value.item() for value in training}) > 1
    expected = first["reconstruction"] + 0.01 * first["contrastive"]
    torch.testing.assert_close(first["loss"], expected)
