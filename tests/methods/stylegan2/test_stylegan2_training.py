"""Losses, the discriminator, and what the two learners do in a step."""

from typing import Any

import pytest
import torch
from torch import Tensor

from methods.base import Schedule
from methods.stylegan2.architecture import Architecture
from methods.stylegan2.discriminator import Discriminator, MinibatchDeviation
from methods.stylegan2.layers import EqualConv2d, scaled_leaky_relu
from methods.stylegan2.learner_e4e import E4ELearner
from methods.stylegan2.learner_gan import GANLearner
from methods.stylegan2.losses import gradient_penalty, offset_size
from methods.stylegan2.networks import Networks


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gan(architecture: Architecture, **settings: Any) -> GANLearner:
    torch.manual_seed(0)
    networks = Networks(architecture)
    options = {"gamma": 1.0, "half_life": 100.0, "mixing": 0.9, **settings}
    schedule = Schedule(learning_rate=2e-3, holdout=False)
    return GANLearner(networks.generator, Discriminator(architecture), schedule, **options)


def e4e(architecture: Architecture, **settings: Any) -> E4ELearner:
    torch.manual_seed(0)
    networks = Networks(architecture)
    networks.generator.requires_grad_(False)
    options = {"latent_weight": 1.0, "offset_weight": 0.0, "start": 0, "every": 1, **settings}
    return E4ELearner(networks, Schedule(learning_rate=1e-3), **options)


def test_gradient_penalty_of_a_linear_discriminator() -> None:
    """The gradient of <w, x> is w at every image; the penalty is |w|^2, and its gradient 2 w."""
    weight = torch.randn(3, 4, 4, requires_grad=True)
    images = torch.randn(5, 3, 4, 4, requires_grad=True)
    penalty = gradient_penalty((images * weight).sum(dim=(1, 2, 3)), images)
    torch.testing.assert_close(penalty, weight.square().sum())
    penalty.backward()
    torch.testing.assert_close(weight.grad, 2 * weight.detach())


def test_offset_size() -> None:
    codes = torch.zeros(2, 3, 4)
    codes[0, 1] = 2.0  # norm 4
    codes[1, 2, 0] = 3.0
    torch.testing.assert_close(offset_size(codes), torch.tensor(3.5), atol=1e-5, rtol=0)
    codes.requires_grad_()
    offset_size(codes).backward()
    assert bool(codes.grad.isfinite().all()), "also where an offset is zero"


def test_minibatch_deviation() -> None:
    """Groups are strided as published; identical images deviate by nothing."""
    x = torch.randn(8, 5, 4, 4)
    out = MinibatchDeviation()(x)
    assert torch.equal(out[:, :5], x)
    for i in range(8):
        group = x[i % 2 :: 2]
        expected = (group.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        torch.testing.assert_close(out[i, 5], expected.expand(4, 4))
    assert MinibatchDeviation()(x[:1].expand(3, -1, -1, -1))[:, 5].max() < 1e-3


def test_activation_folded_into_the_convolution() -> None:
    conv = EqualConv2d(4, 6, 3, padding=1, activate=True)
    plain = EqualConv2d(4, 6, 3, padding=1)
    with torch.no_grad():
        conv.bias.normal_()
        plain.weight.copy_(conv.weight)
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(conv(x), scaled_leaky_relu(plain(x), conv.bias))


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_discriminator_takes_any_batch(architecture: Architecture, batch: int) -> None:
    assert Discriminator(architecture)(torch.randn(batch, 3, 32, 32)).shape == (batch,)


def test_r1_comes_every_sixteenth_step(architecture: Architecture) -> None:
    learner, images = gan(architecture), torch.rand(4, 3, 32, 32)
    for step in (0, 1, 15, 16):
        losses = learner(images, phase="discriminator", step=step, generator=chance())
        assert ("r1" in losses) == (step % 16 == 0), step
        total = losses["logistic"] + (8 * losses["r1"] if step % 16 == 0 else 0)
        torch.testing.assert_close(losses["loss"], total)


def test_each_phase_reaches_its_own_network(architecture: Architecture) -> None:
    learner, images = gan(architecture), torch.rand(4, 3, 32, 32)
    learner(images, phase="discriminator", step=1, generator=chance())["loss"].backward()
    assert all(parameter.grad is not None for parameter in learner.discriminator.parameters())
    assert all(parameter.grad is None for parameter in learner.generator.parameters())
    learner(images, phase="generator", step=1, generator=chance())["loss"].backward()
    assert all(parameter.grad is not None for parameter in learner.generator.parameters())
    assert all(parameter.grad is None for parameter in learner.average.parameters())


def test_moving_average(architecture: Architecture) -> None:
    """Half is forgotten after `half_life` images; early on, after a twentieth of the images so far."""
    learner, images = gan(architecture, half_life=8.0), torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        for parameter in learner.generator.parameters():
            parameter.add_(1.0)
    before = learner.average.input.input.clone()
    learner(images, phase="discriminator", step=1000, generator=chance())
    learner.after_step()
    expected = before + (1 - 0.5 ** (4 / 8))
    torch.testing.assert_close(learner.average.input.input, expected)
    learner(images, phase="discriminator", step=19, generator=chance())
    learner.after_step()
    # 80 images so far: a half-life of 4, the batch.
    torch.testing.assert_close(learner.average.input.input, (expected + before + 1) / 2)


def test_mixing(architecture: Architecture) -> None:
    """Without it all styles of an image are one w; with it, two, the second from some style on."""
    images, seen = torch.rand(64, 3, 32, 32), list[Tensor]()

    def codes(mixing: float) -> Tensor:
        learner = gan(architecture, mixing=mixing)
        synthesize = learner.generator.synthesize
        learner.generator.synthesize = lambda w_plus, **given: seen.append(w_plus) or synthesize(w_plus, **given)
        with torch.no_grad():
            learner.fakes(images, chance())
        return seen.pop()

    assert codes(0.0).eq(codes(0.0)[:, :1]).all()
    changes = (codes(1.0).diff(dim=1).abs().sum(dim=2) > 0).sum(dim=1)
    assert changes.eq(1).all()
    mixed = (codes(0.5).diff(dim=1).abs().sum(dim=2) > 0).sum(dim=1)
    assert 16 < int(mixed.sum()) < 48


def test_the_gan_learns_colours(architecture: Architecture) -> None:
    """Images of one colour: after a few steps the average generator makes images near it."""
    learner = gan(architecture, half_life=20.0)
    images = torch.tensor([0.9, 0.2, 0.4]).view(1, 3, 1, 1).expand(8, 3, 32, 32)
    optimizers, generator = learner.optimizers(), chance()

    def error() -> float:
        with torch.no_grad():
            made = learner.average(torch.randn(32, 16, generator=chance(1))) / 2 + 0.5
        return float((made.mean(dim=(2, 3)) - images[0, :, 0, 0]).abs().mean())

    before = error()
    for step in range(40):
        for phase, optimizer in optimizers.items():
            optimizer.zero_grad()
            learner(images, phase=phase, step=step, generator=generator)["loss"].backward()
            optimizer.step()
        learner.after_step()
    assert error() < 0.6 * before


def test_offsets_come_one_after_the_other(architecture: Architecture) -> None:
    learner = e4e(architecture, start=10, every=5)
    stages = []
    for step in (0, 9, 10, 14, 15, 20):
        learner(torch.rand(2, 3, 32, 32), phase="encoder", step=step, generator=chance())
        stages.append(learner.stage)
    assert stages == [0, 0, 1, 1, 2, 3]


def test_e4e_learns_to_invert(architecture: Architecture) -> None:
    """The encoder alone changes, and reconstructs what the generator makes better than before."""
    learner = e4e(architecture)
    gan = learner.networks.generator
    with torch.no_grad():
        images = (gan(torch.randn(16, 16, generator=chance())) / 2 + 0.5).clamp(0, 1)
    frozen = {key: value.clone() for key, value in gan.state_dict().items()}
    (optimizer,) = learner.optimizers().values()
    first = learner.validate(images)["mse"].item()
    for step in range(40):
        optimizer.zero_grad()
        losses = learner(images, phase="encoder", step=step, generator=chance(step))
        losses["loss"].backward()
        optimizer.step()
    assert learner.validate(images)["mse"].item() < 0.5 * first
    assert all(torch.equal(value, frozen[key]) for key, value in gan.state_dict().items())


def test_validation_knows_no_chance(architecture: Architecture) -> None:
    learner, images = e4e(architecture).eval(), torch.rand(4, 3, 32, 32)
    assert "latent" not in learner.validate(images)
    assert torch.equal(learner.validate(images)["loss"], learner.validate(images)["loss"])
