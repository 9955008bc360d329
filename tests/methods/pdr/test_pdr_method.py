"""PDR as a method: configuration, features, training, the scene's conventions, inspection."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from datasets.blocks import to_float
from datasets.errors import BenchError
from datasets.streams import generator
from methods.pdr.config import PARAMETERS, PDRConfig
from methods.pdr.inspect import decompose
from methods.pdr.learner import PDRLearner
from methods.pdr.losses import gauss, laplace, total_variation
from methods.pdr.method import PDR, RandomInit
from methods.pdr.model import Autoencoder
from methods.pdr.vgg import LAYERS, VGGFeatures
from methods.ranges import signed

SMALL = {"nf": 16, "nf_encoder": 4, "nf_confidence": 16, "zdim": 32, "zdim_confidence": 16, "perceptual_weight": 0.0}


def method(**settings: Any) -> PDR:
    torch.manual_seed(0)
    return PDR(PDRConfig(**{**SMALL, **settings}))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Soft blobs with some noise: (8, 64, 64, 3) uint8."""
    random = generator(0, "test", "blobs")
    place = np.linspace(-1, 1, 64)
    colour, width = random.uniform(60, 250, (8, 1, 1, 3)), random.uniform(0.3, 0.6, (8, 1, 1, 1))
    blob = np.exp(-(place[:, None] ** 2 + place**2)[None, ..., None] / width)
    return (blob * colour + random.uniform(0, 5, (8, 64, 64, 3))).clip(0, 255).astype(np.uint8)


def test_defaults_are_the_papers() -> None:
    config = PDRConfig()
    assert (config.schedule.learning_rate, config.schedule.weight_decay) == (1e-3, 5e-4), "the decay is Unsup3D's"
    assert (config.schedule.batch_size, config.schedule.max_epochs, config.schedule.patience) == (64, 300, 10)
    assert (config.loocc, config.loocc_weight, config.temperature) == ("none", 0.01, 0.5)
    assert config.border_depth == pytest.approx(1.04)
    assert (config.flip_weight, config.perceptual_weight, config.smoothness) == (0.5, 1.0, 0.0)


@pytest.mark.parametrize("domain", ["faces", "cars"])
@pytest.mark.parametrize("protocol", ["default", "released"])
@pytest.mark.parametrize("profile", ["smoke", "mini", "paper"])
def test_every_layer_of_settings_is_valid(domain: Any, protocol: Any, profile: str) -> None:
    protocol_values, profile_values = PDR.for_protocol(protocol, domain), PDR.for_profile(profile, domain)
    schedule = {**profile_values.get("schedule", {}), **protocol_values.get("schedule", {})}
    config = PDRConfig(**{**protocol_values, **profile_values, "schedule": schedule})
    assert config.confidence == (domain == "faces")
    assert config.flip_weight == (0.5 if domain == "faces" else 1.0)
    assert config.border_depth == pytest.approx(1.04 if domain == "faces" else 1.08)
    assert config.loocc_mask == ("both" if protocol == "released" else "plain")
    assert config.track_scale == (255 if protocol == "released" else 1)
    if protocol == "released":
        assert config.schedule.learning_rate == 1e-4
        assert (config.schedule.weight_decay, config.schedule.patience) == (5e-4, 20)
    if profile == "paper":
        assert config.perceptual_weight == (1.0 if domain == "faces" else 0.01)


@pytest.mark.parametrize(("domain", "size"), [("faces", 64), ("cars", 256)])
def test_released_schedules(domain: Any, size: int) -> None:
    """The paper's but for the rate, the patience and, of cars, the batch: a schedule in part goes on from PDR's own."""
    config = PDRConfig(**PDR.for_protocol("released", domain))
    own = PDRConfig().schedule
    assert config.schedule == own.model_copy(update={"learning_rate": 1e-4, "patience": 20, "batch_size": size})


def test_cars_train_half_as_long_in_mini_only() -> None:
    faces, cars = (PDR.for_profile("mini", domain) for domain in ("faces", "cars"))
    assert 2 * cars["schedule"].pop("max_steps") == dict(faces["schedule"])["max_steps"]
    assert {**cars, "schedule": cars["schedule"]} == {
        **faces,
        "schedule": {name: value for name, value in faces["schedule"].items() if name != "max_steps"},
    }
    for profile in ("smoke", "paper"):
        assert PDR.for_profile(profile, "cars") == PDR.for_profile(profile, "faces")


def test_features_are_chosen_by_name_and_keep_their_order(images: np.ndarray) -> None:
    chosen = method()
    batch = to_float(images[:3])
    with torch.inference_mode():
        parts = chosen.module.features(signed(batch))
        for names in [("geometry", "albedo"), ("light",), ("view", "geometry"), PARAMETERS]:
            ordered = [name for name in PARAMETERS if name in names]
            expected = torch.cat([parts[name] for name in ordered], dim=1)
            found = method(features=names)
            torch.testing.assert_close(found.encode(batch), expected)
            torch.testing.assert_close(found.encoder()(batch), expected)
    assert PDRConfig(features="view,albedo").features == ("albedo", "view")
    for bad in ("depth", "", "light,light"):
        with pytest.raises(ValidationError):
            PDRConfig(features=bad)


def test_changing_the_features_keeps_the_training() -> None:
    assert PDRConfig.encode_fields() == {"features", "encode_precision", "track_scale"}


def test_bfloat16_features_are_nearly_the_same(images: np.ndarray) -> None:
    torch.manual_seed(0)
    exact, batch = method(), to_float(images[:4])
    quick = PDR(exact.config.model_copy(update={"encode_precision": "bf16-mixed"}))
    quick.module.load_state_dict(exact.module.state_dict())
    with torch.inference_mode():
        expected, found = exact.encode(batch), quick.encode(batch)
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


def test_only_the_chosen_encoders_run(images: np.ndarray) -> None:
    chosen = method(features=("light",))
    for name in ("netD", "netA", "netV", "netC"):
        getattr(chosen.module, name).register_forward_pre_hook(lambda *_: pytest.fail("not asked for"))
    chosen.module.netD.network_down.register_forward_pre_hook(lambda *_: pytest.fail("not asked for"))
    assert chosen.encode(to_float(images[:2])).shape == (2, 32)


def test_the_encoder_can_be_tuned(images: np.ndarray) -> None:
    chosen = method()
    encoder = chosen.encoder()
    encoder(to_float(images[:2])).square().sum().backward()
    trained = {id(p) for p in encoder.parameters()}
    assert trained == {id(p) for net in (chosen.module.netD, chosen.module.netA) for p in net.network_down.parameters()}
    assert chosen.module.netD.network_down[0].weight.grad.abs().max() > 0


def test_each_group_has_an_encoder_of_its_own(images: np.ndarray) -> None:
    chosen, batch = method(), to_float(images[:2])
    chosen.module.eval()
    with torch.no_grad():
        groups, encoders = chosen.feature_groups(batch), chosen.group_encoders()
        assert set(groups) == set(encoders) == {"geometry", "albedo", "light", "view"}
        for name, encoder in encoders.items():
            torch.testing.assert_close(encoder(batch), groups[name])


@pytest.mark.parametrize("loocc", ["none", "l", "lv"])
@pytest.mark.parametrize("autocast", [False, True])
def test_training_lowers_the_loss(images: np.ndarray, loocc: str, autocast: bool) -> None:
    chosen = method(loocc=loocc, schedule={"learning_rate": 2e-3})
    learner = PDRLearner(chosen.module, chosen.config)
    (optimizer,) = learner.optimizers().values()
    batch, chance = to_float(images[:4]), torch.Generator().manual_seed(0)
    found = []
    for step in range(6):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            losses = learner(batch, phase="autoencoder", step=step, generator=chance)
        losses["loss"].backward()
        optimizer.step()
        found.append(losses["reconstruction"].item())
        assert all(value.dtype == torch.float32 for value in losses.values())
    assert found[-1] < found[0] - 0.1
    assert set(learner.state_dict()) == {f"model.networks.{name}" for name in chosen.module.state_dict()}


def test_cars_have_no_confidence_and_pay_for_rough_depth(images: np.ndarray) -> None:
    chosen = method(**{**PDR.for_protocol("default", "cars"), "perceptual_weight": 0.0})
    learner = PDRLearner(chosen.module, chosen.config)
    with torch.no_grad():
        losses = learner.validate(to_float(images[:2]))
        result = learner.model(signed(to_float(images[:2])))
    expected = losses["l1"] + losses["l1_flip"] + 0.1 * losses["smoothness"]
    torch.testing.assert_close(losses["loss"], expected)
    assert result.depth[:, :, [0, 1, -2, -1]].unique().tolist() == pytest.approx([1.08])
    free = torch.tensor([[0.0, 0.0, 0.0, 0.0], [-1.0, -1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    light = learner.model.scene.light(free)
    assert light.ambient.tolist() == pytest.approx([0.5, 0.0, 1.0])
    assert light.diffuse.tolist() == pytest.approx([0.75, 0.5, 1.0])


def test_the_mirrored_half_is_the_mirror_image(images: np.ndarray) -> None:
    chosen = method()
    model = Autoencoder(chosen.module, chosen.config)
    with torch.no_grad():
        result = model(signed(to_float(images[:2])))
    torch.testing.assert_close(result.depth[2:], result.depth[:2].flip(2))
    torch.testing.assert_close(result.albedo[2:], result.albedo[:2].flip(3))
    assert result.image_hat[(result.mask == 0).expand(-1, 3, -1, -1).repeat(2, 1, 1, 1)].abs().sum() == 0
    assert 0.9 <= result.depth.min() <= result.depth.max() <= 1.1


def test_likelihoods() -> None:
    difference = torch.tensor([[[[1.0, -2.0], [3.0, 50.0]]]])
    sigma = torch.tensor([[[[1.0, 2.0], [0.5, 1.0]]]])
    mask = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]])
    root = 2**0.5
    assert laplace(difference, None, mask).item() == pytest.approx(2.0)
    expected = (root * 1 + (root + np.log(2)) + (6 * root + np.log(0.5))) / 3
    assert laplace(difference, sigma, mask).item() == pytest.approx(expected, rel=1e-5)
    assert gauss(difference, None, mask).item() == pytest.approx(14 / 3, rel=1e-5)
    expected = (0.5 + (0.5 + np.log(2)) + (18 + np.log(0.5))) / 3
    assert gauss(difference, sigma, mask).item() == pytest.approx(expected, rel=1e-5)
    assert laplace(difference, sigma, torch.zeros_like(mask)).item() == 0
    step = torch.tensor([[[1.0, 1.0], [1.1, 1.1]]])
    assert total_variation(step).item() == pytest.approx(0.1 / 0.2)


def test_missing_vgg_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"looked for at .*vgg.pth.*perceptual_weight=0"):
        PDRLearner(
            method().module, PDRConfig(**{**SMALL, "perceptual_weight": 1.0, "vgg16": str(tmp_path / "vgg.pth")})
        )
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "vgg.pth")
    with pytest.raises(BenchError, match=r"features\.0\.weight must be a tensor of \(64, 3, 3, 3\)"):
        VGGFeatures.load(str(tmp_path / "vgg.pth"))
    torch.save({"features": Path("object")}, tmp_path / "vgg.pth")
    with pytest.raises(BenchError, match="tensors alone"):
        VGGFeatures.load(str(tmp_path / "vgg.pth"))


def test_perceptual_term(tmp_path: Path, images: np.ndarray) -> None:
    """With any weights of VGG-16's shape: features of the right size, a term in the loss, nothing in the state."""
    torch.manual_seed(0)
    state = {}
    for number, cin, cout, _ in LAYERS:
        state[f"features.{number}.weight"] = torch.randn(cout, cin, 3, 3) / (3 * cin**0.5)
        state[f"features.{number}.bias"] = torch.zeros(cout)
    torch.save(state, tmp_path / "vgg.pth")
    assert VGGFeatures.load(str(tmp_path / "vgg.pth"))(torch.zeros(1, 3, 64, 64)).shape == (1, 256, 16, 16)
    chosen = method(perceptual_weight=1.0, vgg16=str(tmp_path / "vgg.pth"))
    learner = PDRLearner(chosen.module, chosen.config)
    losses = learner(to_float(images[:2]), phase="autoencoder", step=0, generator=torch.Generator())
    parts = losses["l1"] + 0.5 * losses["l1_flip"] + losses["perceptual"] + 0.5 * losses["perceptual_flip"]
    torch.testing.assert_close(losses["loss"].detach(), parts)
    losses["loss"].backward()
    assert chosen.module.netC.out_net2[0].weight.grad.abs().max() > 0
    assert not any("vgg" in name for name in [*learner.state_dict(), *dict(learner.named_parameters())])


def test_notes_and_the_untrained_row() -> None:
    assert "trained without the perceptual (VGG-16) term" in method().notes()
    assert "trained without the perceptual (VGG-16) term" not in method(perceptual_weight=1.0).notes()
    assert not RandomInit.trains
    assert not any("perceptual" in note for note in RandomInit(PDRConfig(**SMALL)).notes())


def test_decomposition(images: np.ndarray) -> None:
    chosen = method()
    pictures = decompose(chosen.module, chosen.config, to_float(images[:2]))
    assert all(0 <= picture.min() <= picture.max() <= 1 for picture in pictures.values())
    assert all(picture.shape == (2, 3, 64, 64) for picture in pictures.values())
    torch.testing.assert_close(pictures["input"], to_float(images[:2]))
