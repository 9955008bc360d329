"""Segmentation on a pyramid: which images, learning, what stays fixed, resuming, and what is refused."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.training.loop import FabricTrainer
from datasets.base import Dataset, Silent
from datasets.celebamask import PARTS
from datasets.errors import BenchError, NotApplicable
from datasets.streams import generator
from tasks import base
from tasks.base import EvaluationInputs, Scores, Task
from tasks.celeba_mask import task as segmentation
from tasks.celeba_mask.segmenter import Segmenter, new_decoder
from tasks.celeba_mask.task import CelebAMask, MaskConfig
from tasks.celeba_mask.unet import UNetDecoder
from tasks.contact_sheet import LINE
from tasks.metrics.segmentation import confusions, segmentation_metrics
from tasks.results import DetailTable, PerItem

CLASSES = ("background", "red", "blue", "never")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(train: int = 24, val: int = 4, test: int = 12, size: int = 16) -> Dataset:
    """A red and a blue rectangle on grey noise, and the part of every pixel."""
    rng = generator(0, "rectangles")
    split = rng.permutation(np.repeat([0, 1, 2], [train, val, test]))
    images = rng.integers(90, 120, (len(split), size, size, 3)).astype(np.uint8)
    parts = np.zeros(images.shape[:3], dtype=np.uint8)
    for image, part in zip(images, parts, strict=True):
        for number, channel in ((1, 0), (2, 2)):
            top, left = rng.integers(0, size // 2, 2)
            image[top : top + size // 2, left : left + size // 3] = 0
            image[top : top + size // 2, left : left + size // 3, channel] = 220
            part[top : top + size // 2, left : left + size // 3] = number
    return Dataset(
        images=images,
        labels={"split": split},
        classes={"parts": CLASSES, "split": ("train", "val", "test")},
        truth={"parts": parts},
        name="celebamask",
        synthetic=True,
    )


class Pyramid(nn.Module):
    """Three maps of a small network with batch norm."""

    def __init__(self, channels: tuple[int, ...] = (6, 8, 10)) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.channels = channels
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU())
            for cin, cout in zip((3, *channels), channels, strict=False)
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps: list[torch.Tensor] = []
        for level in self.levels:
            maps.append(level(nn.functional.max_pool2d(maps[-1], 2) if maps else images))
        return maps


class Model(base.Model):
    """Gives out copies of a pyramid, and remembers them, and what they were."""

    def __init__(self, make: Callable[[], nn.Module] = Pyramid) -> None:
        self.make = make
        self.given: list[nn.Module] = []
        self.before: list[dict[str, torch.Tensor]] = []

    def __call__(self) -> "Model":
        return self

    def encoder(self) -> nn.Module:
        raise NotApplicable("no encoder")

    def pyramid(self) -> nn.Module:
        pyramid = self.make()
        self.given.append(pyramid)
        self.before.append({name: value.clone() for name, value in pyramid.state_dict().items()})
        return pyramid


def task(**changes: Any) -> CelebAMask:
    return CelebAMask(MaskConfig(**{"epochs": 12, "batch_size": 4, "learning_rate": 1e-2, "width": 4, **changes}))


def score(
    folder: Path,
    protocol: CelebAMask,
    dataset: Dataset,
    model: Any = None,
    *,
    seed: int = 0,
    progress: Any = None,
) -> Scores:
    inputs = EvaluationInputs(
        dataset,
        protocol.frames(dataset, seed=5),
        seed=seed,
        model=model if model is not None else Model(),
        trainer=FabricTrainer(folder, seed=3, device="cpu", progress=progress),
        progress=progress,
    )
    return protocol.evaluate(inputs)


def same(one: Scores, other: Scores) -> bool:
    return (one.metrics, one.intervals) == (other.metrics, other.intervals) and all(
        (one.predictions[name] == other.predictions[name]).all() for name in one.predictions
    )


def test_the_decoder_of_the_paper() -> None:
    channels = (16, 32, 64, 128, 256)
    decoder = UNetDecoder(channels, 19, 16)
    maps = [torch.randn(2, count, 64 // 2**level, 64 // 2**level) for level, count in enumerate(channels)]
    assert decoder(maps).shape == (2, 19, 64, 64)
    weights = 16 * 19 + 19
    for own in (16, 32, 64, 128):
        weights += 4 * 2 * own * own + own + 9 * (2 * own * own + own * own) + 4 * own
    assert sum(p.numel() for p in decoder.parameters()) == weights == 763_123
    wide = UNetDecoder([2 * count for count in channels], 19, 16)
    assert [step.out_channels for step in wide.enlarge] == [128, 64, 32, 16]


@pytest.mark.parametrize("level", range(3))
def test_every_map_reaches_the_logits(level: int) -> None:
    decoder = new_decoder((3, 5, 7), 4, 2, seed=0)
    maps = [torch.randn(2, count, side, side) for count, side in ((3, 8), (5, 4), (7, 2))]
    before = decoder(maps)
    maps[level] = maps[level] + 1
    assert not torch.allclose(decoder(maps), before)


def test_frames_are_training_and_test_images() -> None:
    dataset = drawn(100, 20, 50, size=6)
    split = dataset.labels["split"]
    everything = task().frames(dataset, seed=1)
    assert (everything == np.flatnonzero(split != 1)).all()
    few = task(train_images=30, test_images=10).frames(dataset, seed=1)
    assert (np.diff(few) > 0).all()
    assert np.bincount(split[few], minlength=3).tolist() == [30, 0, 10]
    assert (task(train_images=30, test_images=10).frames(dataset, seed=1) == few).all()
    assert (task(train_images=30, test_images=10).frames(dataset, seed=2) != few).any()
    more = task(train_images=60, test_images=10).frames(dataset, seed=1)
    assert np.isin(few, more).all(), "fewer images are some of more"


def test_parts_are_learned(tmp_path: Path) -> None:
    scores = score(tmp_path, task(), drawn())
    assert (
        list(scores.metrics) == ["miou", "miou_top10", "pixel_accuracy"] == [metric.name for metric in task().metrics]
    )
    assert scores.metrics["miou"] > 0.9
    details = scores.details
    assert details["iou"]["never"] is None
    assert details["absent"] == ["never"]
    assert set(details["top10"]) == {"background", "red", "blue"}
    assert scores.metrics["miou"] == pytest.approx(np.mean([details["iou"][name] for name in CLASSES[:3]]))
    assert details["usual_mask"]["miou"] < 0.5 < details["usual_mask"]["pixel_accuracy"]
    assert (details["train_images"], details["test_images"]) == (24, 12)
    assert (details["segmentation"]["steps"], len(details["segmentation"]["losses"])) == (12 * 6, 12)
    assert details["parameters"]["total"] == details["parameters"]["trained"]


def test_scores_follow_from_the_predictions(tmp_path: Path) -> None:
    dataset = drawn()
    scores = score(tmp_path, task(epochs=2), dataset)
    frame, mask, counts = (scores.predictions[name] for name in ("frame", "mask", "confusion"))
    assert (dataset.labels["split"][frame] == 2).all()
    assert (mask.shape, mask.dtype) == ((12, 16, 16), np.uint8)
    assert (confusions(dataset.truth["parts"][frame], mask, 4) == counts).all()
    assert {name: float(value) for name, value in segmentation_metrics(counts.sum(axis=0)).items()} == scores.metrics
    for name, interval in scores.intervals.items():
        assert interval.low <= scores.metrics[name] <= interval.high
        assert interval.over == "items"


def test_pictures_are_of_the_test_images(tmp_path: Path) -> None:
    dataset = drawn()
    scores = score(tmp_path, task(epochs=1), dataset)
    [(name, picture)] = scores.pictures.items()
    pixels = picture.pixels
    assert (name, pixels.dtype, pixels.ndim) == ("masks", np.uint8, 3)
    frame = scores.predictions["frame"]
    assert (pixels[LINE : LINE + 32 : 2, :32:2] == dataset.images[frame[0]]).all()
    assert (pixels[LINE + 7 * 32 : LINE + 8 * 32 : 2, :32:2] == dataset.images[frame[-1]]).all()


def test_masks_are_kept_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(tmp_path / "whole", task(epochs=1), drawn())
    monkeypatch.setattr(segmentation, "MASK_BYTES", 5 * 16 * 16)
    monkeypatch.setattr(segmentation, "BLOCK", 5)
    few = score(tmp_path / "few", task(epochs=1), drawn())
    assert len(few.predictions["mask"]) == 5
    assert (few.predictions["mask"] == whole.predictions["mask"][:5]).all()
    assert (few.predictions["confusion"] == whole.predictions["confusion"]).all()


def test_a_pyramid_is_trained_along(tmp_path: Path) -> None:
    model = Model()
    score(tmp_path, task(epochs=1), drawn(), model)
    ([pyramid], [before]) = model.given, model.before
    assert all(not torch.equal(value, before[name]) for name, value in pyramid.state_dict().items())
    assert not pyramid.training


class Frozen(Pyramid):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "Frozen":
        return super().train(False)


def test_a_pyramid_that_is_held_fixed_keeps_its_bits(tmp_path: Path) -> None:
    model = Model(Frozen)
    scores = score(tmp_path, task(), drawn(), model)
    ([pyramid], [before]) = model.given, model.before
    assert all(torch.equal(value, before[name]) for name, value in pyramid.state_dict().items())
    counts = scores.details["parameters"]
    assert counts["total"] - counts["trained"] == sum(p.numel() for p in pyramid.parameters()) > 0
    assert scores.metrics["miou"] > 0.5, "the decoder learns"


def test_adam_is_the_released_codes() -> None:
    segmenter = Segmenter(Frozen(), new_decoder((6, 8, 10), 4, 4, seed=0), MaskConfig().learning_rate)
    [adam] = segmenter.optimizers().values()
    [group] = adam.param_groups
    assert (group["lr"], group["betas"], group["weight_decay"]) == (2e-4, (0.5, 0.999), 0)
    assert {id(parameter) for parameter in group["params"]} == {id(p) for p in segmenter.decoder.parameters()}


def test_the_loss_is_the_pixels_mean_cross_entropy() -> None:
    segmenter = Segmenter(Pyramid(), new_decoder((6, 8, 10), 4, 4, seed=0), 1e-3)
    images, targets = torch.rand(3, 3, 16, 16), torch.randint(0, 4, (3, 16, 16), dtype=torch.uint8)
    found = segmenter(images, targets, phase="segmenter", step=0)["loss"]
    likelihood = segmenter.logits(images).log_softmax(dim=1).gather(1, targets[:, None].long())
    torch.testing.assert_close(found, -likelihood.mean())


def test_same_seed_same_bits_and_another_seed_another_decoder(tmp_path: Path) -> None:
    first, again = (score(tmp_path / name, task(epochs=1), drawn()) for name in ("first", "again"))
    assert same(first, again)
    other = score(tmp_path / "other", task(epochs=1), drawn(), seed=1)
    assert (other.predictions["frame"] == first.predictions["frame"]).all()
    assert not same(first, other)


def test_test_labels_train_nothing(tmp_path: Path) -> None:
    dataset = drawn()
    parts = dataset.truth["parts"].copy()
    parts[dataset.labels["split"] != 0] = 0
    other = replace(dataset, truth={"parts": parts})
    one, two = (score(tmp_path / str(i), task(epochs=2), data) for i, data in enumerate((dataset, other)))
    assert (one.predictions["mask"] == two.predictions["mask"]).all()
    assert one.metrics != two.metrics


class Stops(Silent):
    """Raises what Ctrl-C raises where `stop` is."""

    def __init__(self, stop: str = "") -> None:
        self.stop = stop
        self.tracked: list[str] = []

    def track(self, items: Iterable[Any], *, total: int, what: str) -> Iterator[Any]:
        self.tracked.append(what)
        if what == self.stop:
            raise KeyboardInterrupt
        return iter(items)


def test_an_interrupted_cell_does_not_train_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path / "cut", task(epochs=2), drawn(), progress=Stops("test"))
    rest = Stops()
    resumed = score(tmp_path / "cut", task(epochs=2), drawn(), progress=rest)
    assert rest.tracked == ["test"]
    assert same(resumed, score(tmp_path / "whole", task(epochs=2), drawn()))


def test_reductions_are_named() -> None:
    assert CelebAMask().reduced(24_183, 2_824) == []
    assert task(epochs=12).reduced(500, 150) == [
        "500 training images in place of the paper's 24,127",
        "12 epochs in place of the paper's 20",
        "learning rate 0.01 in place of 0.0002",
        "150 test images in place of the paper's 2,885",
    ]


@pytest.mark.parametrize("profile", ["smoke", "mini", "paper"])
def test_profiles_are_configurations(profile: str) -> None:
    config = MaskConfig(**CelebAMask.profiles[profile])
    assert config.batch_size == 8
    if profile == "paper":
        assert (config.train_images, config.test_images, config.epochs, config.width) == (None, None, 20, 16)
        assert config.learning_rate == 2e-4


def test_the_papers_classes_have_a_colour_each() -> None:
    assert len(PARTS) == 19


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda dataset: replace(dataset, truth={}), "has no part maps"),
        (lambda dataset: replace(dataset, classes={"split": ("train",)}), "has no part maps"),
        (
            lambda dataset: replace(dataset, truth={"parts": dataset.truth["parts"][:, ::2]}),
            r"uint8 \(40, 8, 16\), expected uint8 \(40, 16, 16\)",
        ),
        (
            lambda dataset: replace(dataset, truth={"parts": dataset.truth["parts"] + np.uint8(2)}),
            "a part map holds 4, expected 0 to 3",
        ),
        (lambda dataset: replace(dataset, labels={}), "no labels named split"),
    ],
)
def test_datasets_without_what_is_needed(tmp_path: Path, change: Any, message: str) -> None:
    protocol, dataset = task(), drawn()
    frames = protocol.frames(dataset, seed=0)
    with pytest.raises(BenchError, match=message):
        protocol.evaluate(
            EvaluationInputs(
                change(dataset), frames, seed=0, model=Model(), trainer=FabricTrainer(tmp_path, seed=0, device="cpu")
            )
        )


class Unpooled(Pyramid):
    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [nn.functional.interpolate(one, size=16) for one in super().forward(images)]


class Undeclared(Pyramid):
    def __init__(self) -> None:
        super().__init__()
        del self.channels


class NotFinite(Frozen):
    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = super().forward(images)
        return maps if self.trained() else [one * float("nan") for one in maps]

    def trained(self) -> bool:
        return torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (Unpooled, BenchError, r"Unpooled is no pyramid .* maps are \[\(6, 16, 16\), \(8, 16, 16\)"),
        (Undeclared, BenchError, r"expected those of its attribute `channels`, \[\]"),
        (lambda: Pyramid((6,)), BenchError, "two at least"),
        (NotFinite, BenchError, "12 of 12 test images get a prediction that is not a finite number"),
    ],
)
def test_pyramids_that_are_none(tmp_path: Path, make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        score(tmp_path, task(epochs=1), drawn(), Model(make))


def test_a_method_without_a_pyramid(tmp_path: Path) -> None:
    def none() -> nn.Module:
        raise NotApplicable("Pixels has no feature pyramid")

    with pytest.raises(NotApplicable, match="no feature pyramid"):
        score(tmp_path, task(), drawn(), Model(none))


def test_scores_are_declared_and_explained(tmp_path: Path, checked: Callable[[Task, Scores], list[str]]) -> None:
    scores = score(tmp_path, task(epochs=2), drawn())
    usual_mask, reduced = checked(task(), scores)
    usual = scores.details["usual_mask"]
    assert usual_mask == (
        "Giving each pixel its most frequent class in the training images scores "
        f"{usual['miou']:.3f} (miou), {usual['miou_top10']:.3f} (miou_top10), "
        f"{usual['pixel_accuracy']:.3f} (pixel_accuracy)."
    )
    assert reduced == f"Less than the paper's protocol: {'; '.join(scores.details['reduced'])}."
    assert scores.per_item == PerItem("segmentation")
    [table] = scores.charts
    assert isinstance(table, DetailTable)
    assert dict(table.rows)["never"] == ("absent",)
    assert dict(table.rows)["red"] == (f"{scores.details['iou']['red']:.2f}",)
