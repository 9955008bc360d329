"""DatasetGAN: inversion, images of streams of their own, going on after a kill, and what is refused."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from datasets.base import Silent
from datasets.errors import BenchError
from datasets.labelled import LabelledImages
from datasets.palette import palette
from methods.datasetgan import drawing
from methods.datasetgan.config import DatasetGANConfig
from methods.datasetgan.drawing import draw, generated, latents
from methods.datasetgan.inversion import invert
from methods.datasetgan.method import DatasetGAN
from methods.datasetgan.pictures import overlaid
from methods.stylegan2.method import StyleGAN2E4E
from methods.stylegan2.taps import bounded_taps, channels
from tasks.interpreter.teaching import PixelTeaching
from tasks.interpreter.training import Pace

SIDE = 64


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


class Thirds:
    """Labels the upper third 1; unsure of nothing but by the mean of the last map."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, maps: Sequence[torch.Tensor], side: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls += 1
        count = len(maps[0])
        parts = torch.zeros(count, side, side, dtype=torch.uint8)
        parts[:, : side // 3] = 1
        unsure = maps[-1].mean(dim=(1, 2, 3)).abs()
        return parts, unsure[:, None, None].expand(-1, side, side)


@pytest.fixture
def method() -> DatasetGAN:
    torch.manual_seed(0)
    settings = {**DatasetGAN.for_profile("smoke", "faces"), "images": 12}
    method = DatasetGAN(DatasetGANConfig(**settings))
    method.module.average_latent()
    for conv in (method.module.generator.conv1, *method.module.generator.convs):
        torch.nn.init.constant_(conv.get_submodule("noise").weight, 0.3)
    method.module.eval()
    return method


def labelled(count: int = 3) -> LabelledImages:
    rng = np.random.default_rng(0)
    images = rng.integers(60, 200, (count, 1, 1, 3)).astype(np.uint8)
    parts = np.zeros((count, SIDE, SIDE), np.uint8)
    parts[:, : SIDE // 3] = 1
    return LabelledImages(np.broadcast_to(images, (count, SIDE, SIDE, 3)).copy(), parts)


def no_labels() -> LabelledImages:
    raise AssertionError("the others' labels are not looked at")


def test_optimisation_brings_images_nearer_and_leaves_the_networks(method: DatasetGAN) -> None:
    before = {name: value.clone() for name, value in method.module.state_dict().items()}
    few = labelled()
    runs = {
        noise: invert(method.module, few.images, steps=30, rate=0.1, noise=noise, progress=Silent())
        for noise in (False, True)
    }
    for noise, found in runs.items():
        assert (found.error < found.encoder_error).all()
        stored = method.module.generator.noises.get_buffer("noise_3")
        assert torch.equal(found.noise[3], stored.expand(3, -1, -1, -1)) != noise
        for one in found.noise:
            assert not noise or one.mean(dim=(1, 2, 3)).abs().max() < 1e-5
    for name, value in method.module.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.requires_grad for parameter in method.module.generator.parameters())
    none = invert(method.module, few.images, steps=0, rate=0.1, noise=True, progress=Silent())
    assert (none.error == none.encoder_error).all()
    assert len(none.only(np.array([True, False, True])).noise[0]) == 2


@torch.inference_mode()
def test_an_image_and_its_features_are_the_same_whatever_is_drawn_with_it(method: DatasetGAN) -> None:
    networks = method.module
    together = latents(networks, np.arange(4), seed=1, truncation=0.7)
    alone = latents(networks, np.array([2]), seed=1, truncation=0.7)
    torch.testing.assert_close(together.w_plus[2:3], alone.w_plus, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(many[2:3], one) for many, one in zip(together.noise, alone.noise, strict=True))
    images, one = generated(networks, together, SIDE), generated(networks, alone, SIDE)
    assert np.abs(images[2].astype(int) - one[0]).max() <= 1
    assert (images[0] != images[1]).any()
    other = latents(networks, np.array([2]), seed=2, truncation=0.7)
    assert not torch.allclose(other.w_plus, alone.w_plus)
    maps = bounded_taps(networks.generator, together.w_plus, SIDE, together.noise)
    own = bounded_taps(networks.generator, alone.w_plus, SIDE, alone.noise)
    for many, single in zip(maps, own, strict=True):
        torch.testing.assert_close(many[2:3], single, rtol=1e-4, atol=1e-4)
    stored = bounded_taps(networks.generator, together.w_plus, SIDE)
    assert not torch.allclose(stored[1], maps[1]), "each image has noise of its own"
    assert sum(channels(networks.generator)) == sum(one.shape[1] for one in maps)


def test_truncation_pulls_all_styles_to_the_average(method: DatasetGAN) -> None:
    whole = latents(method.module, np.arange(2), seed=0, truncation=1.0).w_plus
    half = latents(method.module, np.arange(2), seed=0, truncation=0.5).w_plus
    torch.testing.assert_close(half, (whole + method.module.latent_avg) / 2)


def test_blocks_that_are_there_are_not_drawn_again(
    method: DatasetGAN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "BLOCK", 5)
    said, first, second = Said(), Thirds(), Thirds()
    settings: dict[str, Any] = {"seed": 3, "truncation": 0.7, "scoring": "mean", "progress": said, "folder": tmp_path}
    whole = draw(method.module, first, 12, SIDE, **settings)
    assert whole.images.shape == (12, SIDE, SIDE, 3)
    assert first.calls == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000.npz", "000005.npz", "000010.npz"]
    (tmp_path / "000005.npz").unlink()
    (tmp_path / "000010.npz").write_bytes(b"PK half a file")
    again = draw(method.module, second, 12, SIDE, **settings)
    assert second.calls == 2
    assert said.lines == ["000010.npz of the generated images is damaged: drawn again"]
    for name in ("images", "labels", "score"):
        assert (getattr(again, name) == getattr(whole, name)).all()


def test_the_least_certain_are_left_out(method: DatasetGAN, tmp_path: Path) -> None:
    taught: list[tuple[int, int]] = []

    def teach(maps: Iterable[Sequence[torch.Tensor]], parts: np.ndarray) -> Thirds:
        found = list(maps)
        taught.append((sum(len(some[0]) for some in found), len(parts)))
        return Thirds()

    found = method.training_pairs(labelled(), no_labels, teach, seed=0, progress=Silent(), folder=tmp_path / "work")
    assert taught == [(3, 3)]
    assert len(found.pairs) == 11, "a tenth of twelve, rounded down, is one"
    assert found.details["generated"] == 12
    assert (found.pairs.labels[:, : SIDE // 3] == 1).all()
    assert set(found.pictures) == {"inversions", "generated"}
    assert "network trained on 11 of 12 generated images" in found.notes


def test_images_that_do_not_invert_are_left_out_and_counted(method: DatasetGAN, tmp_path: Path) -> None:
    few = labelled()
    errors = invert(method.module, few.images, steps=2, rate=0.05, noise=True, progress=Silent()).error
    between = float(np.sort(errors)[1])
    method.config = method.config.model_copy(update={"most_error": between})
    counted: list[int] = []

    def teach(maps: Iterable[Sequence[torch.Tensor]], parts: np.ndarray) -> Thirds:
        counted.append(sum(len(some[0]) for some in maps))
        assert counted == [len(parts)]
        return Thirds()

    found = method.training_pairs(few, no_labels, teach, seed=0, progress=Silent(), folder=tmp_path)
    assert counted == [2]
    assert found.details["inversion"]["left_out"] == 1
    assert "1 of 3 labelled images left out: they do not invert" in found.notes
    method.config = method.config.model_copy(update={"most_error": 1e-9})
    with pytest.raises(BenchError, match=r"none of 3 labelled images can be inverted .* datasetgan\.most_error"):
        method.training_pairs(few, no_labels, teach, seed=0, progress=Silent(), folder=tmp_path)


def test_with_the_tasks_own_teaching(method: DatasetGAN, tmp_path: Path) -> None:
    teaching = PixelTeaching(3, Pace(epochs=1), 0, Silent(), "test")
    found = method.training_pairs(labelled(2), no_labels, teaching, seed=0, progress=Silent(), folder=tmp_path)
    assert found.pairs.labels.dtype == np.uint8
    assert found.pairs.labels.max() < 3
    assert found.details["uncertainty"] > 0


def test_it_takes_the_checkpoint_of_stylegan2(method: DatasetGAN) -> None:
    assert DatasetGAN.shares is StyleGAN2E4E
    own = StyleGAN2E4E(StyleGAN2E4E.Config(**StyleGAN2E4E.for_profile("smoke", "faces")))
    assert own.module.state_dict().keys() == method.module.state_dict().keys()
    added = DatasetGANConfig.model_fields.keys() - StyleGAN2E4E.Config.model_fields.keys()
    assert added <= DatasetGANConfig.encode_fields()
    pyramid = method.pyramid()
    assert [one.shape[-1] for one in pyramid(torch.rand(1, 3, SIDE, SIDE))] == [64, 32, 16, 8, 4]


def test_the_released_slice_that_keeps_nothing_is_refused() -> None:
    assert DatasetGAN.for_protocol("released", "faces")["dropped"] == 0.0
    DatasetGANConfig(dropping="released", dropped=0.1, images=310)
    with pytest.raises(ValidationError, match=r"keeps nothing of 300 images at dropped=0\.1"):
        DatasetGANConfig(dropping="released", dropped=0.1, images=300)


def test_colours_of_neighbouring_classes_differ() -> None:
    colours = palette(19).astype(int)
    assert len({tuple(colour) for colour in colours}) == 19
    assert (np.abs(np.diff(colours, axis=0)).sum(axis=1) > 100).all()
    image = np.full((1, 2, 2, 3), 100, np.uint8)
    parts = np.array([[[0, 1], [1, 0]]], np.uint8)
    shown = overlaid(image, parts)
    assert (shown[0, 0, 0] == 100).all()
    assert (shown[0, 0, 1] != 100).any()
