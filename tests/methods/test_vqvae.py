"""VQ-VAE: size, quantisation, features, learning."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from datasets.blocks import to_float
from datasets.streams import generator
from methods.base import Learner, Schedule
from methods.ranges import signed
from methods.vqvae import VQVAE, VQVAEConfig
from methods.vqvae.images import Preparation
from methods.vqvae.method import VQVAELearner
from methods.vqvae.network import Codebook, VQVAENetwork, losses


def parameters(**settings: Any) -> int:
    """Parameters of a configuration, counted without allocating them."""
    with torch.device("meta"):
        module = VQVAE(VQVAEConfig(**settings)).module
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts() -> None:
    assert parameters() == 19_199_491
    assert parameters(width=416) == 12_724_195


@pytest.mark.parametrize(("width", "size"), [(512, 131_072), (416, 106_496)])
def test_feature_sizes(width: int, size: int) -> None:
    with torch.device("meta"):
        method = VQVAE(VQVAEConfig(width=width, features="continuous"))
        assert method.image_size == 64
        assert method.encode(torch.zeros(1, 3, 64, 64)).shape == (1, size)


def test_defaults_are_the_papers_and_released_the_codes() -> None:
    schedule = VQVAEConfig().schedule
    assert (schedule.learning_rate, schedule.batch_size, schedule.patience) == (1e-3, 256, 10)
    assert VQVAE.for_protocol("default", "faces") == {}
    config = released()
    assert (config.width, config.codes) == (416, 512)
    assert (config.crop, config.image_range) == ((8, 14, 100, 100), "unit")
    assert (config.initial_std, config.track_scale) == (0.02, 255)
    assert config.schedule == schedule.model_copy(update={"learning_rate": 2e-4, "max_epochs": 1000, "flip": False})
    assert config.flip_window


def released(**settings: Any) -> VQVAEConfig:
    """The released protocol's configuration."""
    return VQVAEConfig(**{**VQVAE.for_protocol("released", "faces"), **settings})


def test_released_features_are_416_maps_of_25_by_25() -> None:
    with torch.device("meta"):
        method = VQVAE(released(features="continuous"))
        assert method.image_size == 64
        assert method.encode(torch.zeros(1, 3, 64, 64)).shape == (1, 416 * 25 * 25)
        assert method.encoder()(torch.zeros(1, 3, 64, 64)).shape == (1, 260_000)


def test_released_window_is_what_pillow_cuts() -> None:
    """Left, top, right, bottom (14, 8, 114, 108) of an image of 64 px: its lower right part, the rest black."""
    drawn = generator(0, "test").integers(1, 256, (2, 64, 64, 3), dtype=np.uint8)
    image = to_float(drawn)
    prepare = released().preparation
    found = prepare(image)
    assert found.shape == (2, 3, 100, 100)
    cut = np.stack([np.asarray(Image.fromarray(pixels).crop((14, 8, 114, 108))) for pixels in drawn])
    assert torch.equal(found, to_float(cut))
    assert torch.equal(found[:, :, :56, :50], image[:, :, 8:, 14:]), "in [0, 1], as it was"
    assert found[:, :, 56:].abs().max() == found[:, :, :, 50:].abs().max() == 0
    assert torch.equal(prepare.undo(found + 2 * (found == 0)), torch.where(found == 0, 1.0, found))
    assert torch.equal(Preparation((0, 0, 32, 48))(image), signed(image[:, :, :32, :48])), "cut, not padded"
    assert torch.equal(Preparation()(image), signed(image))


def test_released_initial_weights() -> None:
    torch.manual_seed(0)
    network = VQVAE(released(width=64, codes=256)).module
    convolutions = [layer for layer in network.modules() if type(layer) is torch.nn.Conv2d]
    assert len(convolutions) == 2 + 4 * 2
    for layer in convolutions:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert layer.weight.mean().abs() < 0.002
        assert layer.bias is not None
        assert layer.bias.abs().max() == 0
    assert network.emb.weight.std().item() == pytest.approx(0.02, rel=0.05)
    default = VQVAE(VQVAEConfig(width=64, codes=256)).module
    assert default.emb.weight.std().item() == pytest.approx(1 / 40, rel=0.05)
    assert abs(default.encoder[3].weight.std().item() - 0.02) > 0.001


def test_released_windows_are_mirrored_as_they_are() -> None:
    """Not the image before the window is cut: half of the windows of a batch have the black part on the left."""
    torch.manual_seed(0)
    network = VQVAENetwork(8, 4)
    learner = VQVAELearner(network, Schedule(), released().preparation, flip=True)
    seen: list[torch.Tensor] = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    images = torch.full((40, 3, 64, 64), 0.5)
    learner(images, phase="autoencoder", step=0, generator=torch.Generator().manual_seed(0))
    learner.validate(images)
    training, validation = seen
    left, right = training[:, 0, 0, 0] > 0, training[:, 0, 0, 99] > 0
    assert 10 < int(right.sum()) < 30
    assert torch.equal(left, ~right)
    assert torch.equal(validation, released().preparation(images)), "nothing is left to chance"


@pytest.mark.parametrize(
    ("crop", "said"),
    [((0, 0, 30, 32), "multiples of 4"), ((0, 0, 0, 4), "multiples of 4"), ((64, 0, 4, 4), "outside the image")],
)
def test_a_window_must_show_something_and_hold_whole_codes(crop: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        VQVAEConfig(crop=crop)
    assert VQVAEConfig(crop=["8", "14", "100", "100"]).crop == (8, 14, 100, 100), "as typed on a command line"


@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_nearest_equals_the_distance_matrix(offset: float) -> None:
    """Also where codes and data lie far from the origin, so that |e|^2 and 2 z.e nearly cancel."""
    torch.manual_seed(0)
    codebook = Codebook(24, 40)
    with torch.no_grad():
        codebook.weight.copy_(torch.randn(24, 40) + offset)
    z = torch.randn(3, 24, 5, 7) + offset
    rows = z.movedim(1, -1).reshape(-1, 24).double()
    expected = torch.cdist(rows, codebook.weight.T.double(), compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
    assert torch.equal(codebook.nearest(z).flatten(), expected)


def test_equal_codes_give_the_first() -> None:
    codebook = Codebook(4, 6)
    with torch.no_grad():
        codebook.weight.copy_(torch.ones(4, 6))
    assert codebook.nearest(torch.zeros(1, 4, 2, 2)).eq(0).all()


def test_half_precision_does_not_reach_the_codebook() -> None:
    """Under autocast the codes are still the nearest to the map that is quantised, in float32."""
    torch.manual_seed(0)
    network = VQVAENetwork(32, 64)
    with torch.autocast("cpu", torch.bfloat16):
        continuous, quantised, indices = network.quantise(torch.rand(2, 3, 32, 32))
    assert continuous.dtype == quantised.dtype == torch.float32
    assert torch.equal(indices, network.emb.nearest(continuous))
    rows = continuous.movedim(1, -1).flatten(0, -2).double()
    distances = torch.cdist(rows, network.emb.weight.T.double())
    assert torch.equal(indices.flatten(), distances.argmin(1))


def test_losses_stop_the_gradients_that_they_should() -> None:
    """The codebook learns from `vq` alone; reconstruction and commitment reach the encoder."""
    network = VQVAENetwork(8, 16)
    images = torch.rand(2, 3, 16, 16)
    for name, codes_learn, encoder_learns in [("mse", False, True), ("vq", True, False), ("commit", False, True)]:
        network.zero_grad()
        losses(images, network(images))[name].backward()
        gradient = network.emb.weight.grad
        assert (gradient is not None and bool(gradient.any())) == codes_learn, name
        gradient = network.encoder[0].weight.grad
        assert (gradient is not None and bool(gradient.any())) == encoder_learns, name


def test_loss_is_finite_where_data_equal_their_codes() -> None:
    """The norm's gradient at zero is zero, not NaN."""
    network = VQVAENetwork(8, 16)
    with torch.no_grad():
        network.emb.weight.zero_()
        network.encoder[-1].weight.zero_()
    images = torch.rand(2, 3, 16, 16)
    losses(images, network(images))["loss"].backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in network.parameters())


def test_features_are_the_flattened_maps() -> None:
    images = to_float(generator(0, "test").integers(0, 256, (3, 16, 16, 3), dtype=np.uint8))
    quantised = VQVAE(VQVAEConfig(width=8, codes=4))
    quantised.module.eval()
    continuous = VQVAE(VQVAEConfig(width=8, codes=4, features="continuous"))
    continuous.module = quantised.module
    _, z_q, indices = quantised.module.quantise(images * 2 - 1)

    features = quantised.encode(images)
    torch.testing.assert_close(features, z_q.flatten(1), rtol=0, atol=1e-7)
    assert torch.equal(z_q[1, :, 2, 3], quantised.module.emb.weight[:, indices[1, 2, 3]])
    assert features.shape == continuous.encode(images).shape == (3, 8 * 4 * 4)
    assert not torch.allclose(features, continuous.encode(images))
    assert "features" in VQVAEConfig.encode_fields()


def test_encoder_can_be_fine_tuned() -> None:
    method = VQVAE(VQVAEConfig(width=8, codes=4))
    method.encoder()(torch.rand(2, 3, 16, 16)).square().sum().backward()
    assert method.module.encoder[0].weight.grad is not None


class ThirtySteps:
    """A trainer that takes thirty steps on the whole set."""

    def train(self, learner: Learner, images: np.ndarray, schedule: Schedule, *, name: str = "train") -> dict[str, Any]:
        optimizers = learner.optimizers()
        batch = to_float(images)
        values = []
        for step in range(30):
            for phase, optimizer in optimizers.items():
                loss = learner(batch, phase=phase, step=step, generator=torch.Generator())["loss"]
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                values.append(loss.item())
        return {"first": values[0], "last": values[-1]}

    def train_supervised(self, *given: Any, **named: Any) -> dict[str, Any]:
        raise AssertionError("VQ-VAE needs no targets")


def test_learns() -> None:
    torch.manual_seed(0)
    shades = generator(0, "test").integers(0, 256, (16, 1, 1, 3), dtype=np.uint8)
    images = np.broadcast_to(shades, (16, 16, 16, 3)).copy()
    config = VQVAEConfig(width=16, codes=32, schedule=Schedule(learning_rate=3e-3))
    summary = VQVAE(config).fit(images, ThirtySteps())
    assert summary["last"] < 0.5 * summary["first"]


def test_state_holds_all_that_training_changes() -> None:
    network = VQVAENetwork(8, 4)
    learner = VQVAELearner(network, Schedule())
    assert len(learner.state_dict()) == len(network.state_dict())


def test_a_smaller_network_says_so() -> None:
    assert VQVAE(VQVAEConfig(width=8)).notes() == ["width 8 in place of the paper's 512"]
    with torch.device("meta"):
        assert VQVAE().notes() == []
