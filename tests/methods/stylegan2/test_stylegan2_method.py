"""The method: which weights it takes, its features, and training in their place."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from datasets.blocks import to_float
from datasets.errors import BenchError, WeightsMissing
from datasets.streams import generator
from methods.base import Learner, Schedule
from methods.ris.method import RIS
from methods.stylegan2.config import PROFILES, StyleGAN2E4EConfig
from methods.stylegan2.method import StyleGAN2E4E

GENERATOR, ENCODER = "stylegan2-ffhq-config-f.pt", "e4e_ffhq_encode.pt"
Settings = Callable[..., StyleGAN2E4EConfig]


@pytest.fixture(autouse=True)
def nothing_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights of the user's own decide a test."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "nowhere"))


class OneStep:
    """A trainer that takes one step of each phase, and notes what it was given."""

    def __init__(self) -> None:
        self.stages: dict[str, tuple[Learner, Schedule]] = {}

    def train(self, learner: Learner, images: np.ndarray, schedule: Schedule, *, name: str = "train") -> dict[str, Any]:
        self.stages[name] = learner, schedule
        batch = to_float(images)
        for phase, optimizer in learner.optimizers().items():
            optimizer.zero_grad()
            learner(batch, phase=phase, step=0, generator=torch.Generator().manual_seed(0))["loss"].backward()
            optimizer.step()
        learner.after_step()
        learner.eval()
        return {"seconds": 1.0, "curve": []}

    def train_supervised(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise NotImplementedError


def images(count: int = 4, side: int = 64) -> np.ndarray:
    return generator(0, "test").integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_the_papers_size() -> None:
    networks = StyleGAN2E4E().module
    assert sum(parameter.numel() for parameter in networks.parameters()) == 297_506_764
    assert networks.latent_avg.numel() == 9216


def test_without_the_official_files_the_default_says_what_is_missing(tmp_path: Path) -> None:
    config = StyleGAN2E4E.resolve(StyleGAN2E4EConfig(**PROFILES["paper"]))
    assert StyleGAN2E4E.trains_with(config)
    for attempt in (
        lambda: StyleGAN2E4E.check_resources(config),
        lambda: StyleGAN2E4E(config).fit(images(), OneStep()),
    ):
        with pytest.raises(WeightsMissing) as error:
            attempt()
        for part in (GENERATOR, ENCODER, str(tmp_path / "nowhere"), "--set stylegan2_e4e.train=true", "$BENCH_WEIGHTS"):
            assert part in str(error.value)


def test_no_memory_is_taken_for_weights_that_are_loaded() -> None:
    method = StyleGAN2E4E()
    assert all(value.is_meta for value in method.module.state_dict().values())


def test_files_are_found_and_named_ones_win(
    settings: Settings, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(files))
    found = StyleGAN2E4E.resolve(settings())
    assert (found.encoder, found.generator) == (str(files / ENCODER), str(files / GENERATOR))
    assert not StyleGAN2E4E.trains_with(found)
    StyleGAN2E4E.check_resources(found)

    mine = tmp_path / "mine.pt"
    mine.write_bytes((files / ENCODER).read_bytes())
    assert StyleGAN2E4E.resolve(settings(encoder=str(mine))).encoder == str(mine)

    monkeypatch.delenv("BENCH_WEIGHTS")
    monkeypatch.chdir(files.parent)
    (files.parent / "weights").symlink_to(files)
    assert StyleGAN2E4E.resolve(settings()).encoder == str(Path("weights") / ENCODER)

    trained = settings(train=True, resolution=None)
    assert StyleGAN2E4E.resolve(trained) == trained
    assert StyleGAN2E4E.trains_with(trained)


def test_files_of_another_kind_are_refused_before_anything_runs(settings: Settings, files: Path) -> None:
    with pytest.raises(BenchError, match="'state_dict'"):
        StyleGAN2E4E.resolve(settings(encoder=str(files / GENERATOR)))


def test_what_counts_in_a_key() -> None:
    assert StyleGAN2E4EConfig.file_fields() == {"encoder", "generator"}


def test_features_of_loaded_weights(settings: Settings, files: Path) -> None:
    """The image at the encoder's size in [-1, 1], its offsets, the average latent, flattened style after style."""
    config = settings(encoder=str(files / ENCODER))
    method = StyleGAN2E4E(config)
    method.load_published()
    method.module.eval()
    batch = to_float(images(3))
    with torch.inference_mode():
        features = method.encode(batch)
        small = torch.nn.functional.interpolate(batch, (32, 32), mode="bilinear", antialias=True)
        expected = method.module.encoder(small * 2 - 1) + method.module.latent_avg
        torch.testing.assert_close(features, expected.flatten(1), rtol=0, atol=1e-6)
        assert features.shape == (3, 8 * 16)
        assert not torch.allclose(features, (expected - method.module.latent_avg).flatten(1))
        pictures = method.pictures(batch)
    assert list(pictures) == ["input", "inversion", "sample", "another sample"]
    assert all(picture.shape == batch.shape for picture in pictures.values())
    assert not torch.equal(pictures["sample"], pictures["another sample"])
    assert method.notes() == [f"generator and encoder from {ENCODER}"]


def test_weights_can_be_imported(architecture: Any, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("methods.stylegan2.method.FFHQ", architecture)
    state = StyleGAN2E4E.import_weights(files / ENCODER)
    assert {key.partition(".")[0] for key in state} == {"encoder", "generator", "latent_avg"}


@pytest.mark.parametrize("side", [64, 256])
def test_source_images(side: int) -> None:
    config = StyleGAN2E4EConfig(input_size=side)
    assert StyleGAN2E4E.size_for(config) == side
    with torch.device("meta"):
        method = StyleGAN2E4E(config)
    assert method.image_size == side
    # Whatever the source's size, the official encoder takes 256 px; one trained here takes what it was trained on.
    assert method.module.architecture.encoder_input == 256
    trained = StyleGAN2E4EConfig(input_size=side, train=True)
    assert trained.architecture.resolution == trained.architecture.encoder_input == side


def remember(seen: list[torch.Tensor], image: torch.Tensor, stage: int | None) -> torch.Tensor:
    """What an encoder of the full size is called with, in place of calling it."""
    seen.append(image)
    return torch.zeros(len(image), 18, 512, device="meta")


def test_released_encoder_is_fed_the_source_images_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 px, where the official encoder's own size is 256; images of 256 px are brought to 64."""
    given = StyleGAN2E4E.for_protocol("released", "faces")
    assert given == RIS.for_protocol("released", "faces") == {"encoder_input": 64}
    assert StyleGAN2E4E.for_protocol("default", "faces") == {}
    for side in (64, 256):
        with torch.device("meta"):
            method = StyleGAN2E4E(StyleGAN2E4EConfig(**given, input_size=side))
        seen: list[torch.Tensor] = []
        monkeypatch.setattr(method.module.encoder, "forward", partial(remember, seen))
        method.encode(torch.full((2, 3, side, side), 0.75))
        assert [image.shape for image in seen] == [(2, 3, 64, 64)]
        torch.testing.assert_close(seen[0], torch.full((2, 3, 64, 64), 0.5), rtol=0, atol=1e-6)
    # One that was made for less takes its own size: 64 px for one that is trained on such images.
    assert StyleGAN2E4E(StyleGAN2E4EConfig(**given, **PROFILES["smoke"])).module.encoder_side == 64


def test_a_smaller_image_goes_unscaled_through_the_encoder(settings: Settings, files: Path) -> None:
    config = settings(encoder=str(files / ENCODER), encoder_input=16)
    method = StyleGAN2E4E(config)
    method.load_published()
    method.module.eval()
    batch = to_float(images(3))
    with torch.inference_mode():
        small = torch.nn.functional.interpolate(batch, (16, 16), mode="bilinear", antialias=True)
        expected = method.module.encoder(small * 2 - 1) + method.module.latent_avg
        torch.testing.assert_close(method.encode(batch), expected.flatten(1), rtol=0, atol=1e-6)
        torch.testing.assert_close(method.encoder()(batch), expected.flatten(1), rtol=0, atol=1e-6)


def test_training_in_two_stages(settings: Settings) -> None:
    torch.manual_seed(0)
    config = settings(train=True, resolution=None)
    method = StyleGAN2E4E(config)
    before = {key: value.clone() for key, value in method.module.state_dict().items()}
    trainer = OneStep()
    summary = method.fit(images(), trainer)

    assert list(trainer.stages) == ["gan", "e4e"]
    assert summary["seconds"] == 2.0
    assert set(summary) == {"gan", "e4e", "seconds"}
    assert not trainer.stages["gan"][1].holdout
    assert trainer.stages["e4e"][1].holdout
    for part in ("generator.input", "generator.style.1", "encoder.body.0", "latent_avg"):
        assert any(
            not torch.equal(value, before[key])
            for key, value in method.module.state_dict().items()
            if key.startswith(part)
        ), part
    z = torch.randn(50_000, 16, generator=torch.Generator().manual_seed(3))
    mean = method.module.generator.style(z).mean(dim=0).expand(10, -1)
    torch.testing.assert_close(method.module.latent_avg, mean, rtol=0, atol=0.05)
    assert all(parameter.requires_grad for parameter in method.module.parameters())
    assert method.encode(to_float(images())).shape == (4, 10 * 16)
    (made, left_out) = method.notes()
    assert made.startswith("small StyleGAN2 (64 px, ")
    assert "not the official FFHQ weights" in made
    assert "LPIPS" in left_out


def test_state_holds_all_that_training_changes(settings: Settings) -> None:
    method = StyleGAN2E4E(settings(train=True, resolution=None))
    trainer = OneStep()
    method.fit(images(), trainer)
    gan, e4e = (trainer.stages[name][0] for name in ("gan", "e4e"))
    assert {key.partition(".")[0] for key in gan.state_dict()} == {"average", "generator", "discriminator"}
    assert len(e4e.state_dict()) == len(method.module.state_dict())


def test_the_same_seed_gives_the_same_bits(settings: Settings) -> None:
    states = []
    for disturbance in (1, 2):
        torch.manual_seed(0)
        method = StyleGAN2E4E(settings(train=True, resolution=None))
        torch.manual_seed(disturbance)
        method.fit(images(), OneStep())
        states.append(method.module.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_groups_are_the_scales_of_the_styles(settings: Settings) -> None:
    method = StyleGAN2E4E(settings(train=True, resolution=None))
    method.module.eval()
    batch = to_float(images())
    with torch.inference_mode():
        groups, features = method.feature_groups(batch), method.encode(batch)
    assert {name: group.shape[1] for name, group in groups.items()} == {"coarse": 64, "middle": 64, "fine": 32}
    assert torch.equal(torch.cat(list(groups.values()), dim=1), features)


def test_encoder_can_be_fine_tuned(settings: Settings) -> None:
    method = StyleGAN2E4E(settings(train=True, resolution=None))
    method.encoder()(torch.rand(2, 3, 64, 64)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in method.module.encoder.parameters())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"train": True, "encoder": "e.pt"}, "one or the other"),
        ({"generator": "g.pt"}, "encoder too"),
        ({"resolution": 48}, "power of two"),
        ({"train": True, "resolution": 32}, "images of 64 px"),
        ({"input_size": 128}, "64 or 256"),
        ({"gan": {"holdout": True}}, "False"),
    ],
)
def test_settings_that_contradict_each_other(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        StyleGAN2E4EConfig(**wrong)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_profiles(profile: str) -> None:
    config = StyleGAN2E4EConfig(**PROFILES[profile])
    assert not config.gan.holdout
    assert config.train == (profile != "paper")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train": False}, r"channel_base 512 leaves layers of 1024 px without a channel.*--profile paper"),
        ({"channel_base": 1}, r"channel_base 1 leaves layers of 64 px without a channel: expected at least as many"),
        ({"encoder_units": (1, -1, 1, 1)}, "expected numbers of residual units, 0 or more"),
    ],
)
def test_sizes_of_no_network_are_refused(settings: dict[str, Any], said: str) -> None:
    """Before any weights are looked for: an encoder beside the sizes of a small profile was a division by zero."""
    with pytest.raises(ValidationError, match=said):
        StyleGAN2E4EConfig(**{**PROFILES["smoke"], **settings})
