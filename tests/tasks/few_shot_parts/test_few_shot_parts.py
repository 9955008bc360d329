"""Parts from few labels: which images, classes, both ways of learning, and what is refused."""

from collections.abc import Callable
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
from datasets.labelled import LabelledImages, TrainingPairs
from datasets.streams import generator
from datasets.synthetic.cars.parts import PARTS as PARTS_OF_CARS
from datasets.synthetic.cars.sources import ShapeNetCarsStandIn
from tasks import base
from tasks.base import EvaluationInputs, Scores
from tasks.few_shot_parts import deeplab
from tasks.few_shot_parts.cars import FewShotCarParts
from tasks.few_shot_parts.classes import EIGHT, TWELVE, classes_of
from tasks.few_shot_parts.config import FROM_CHANCE, FewShotConfig
from tasks.few_shot_parts.labels import Labels
from tasks.few_shot_parts.outcome import gains
from tasks.few_shot_parts.task import FewShotParts
from tasks.results import Curve

CLASSES = ("background", "red", "blue", "never")
SIZE = 16


def drawn(train: int = 12, test: int = 6) -> Dataset:
    """A red and a blue rectangle on grey noise, and the part of every pixel."""
    rng = generator(0, "rectangles")
    split = rng.permutation(np.repeat([0, 2], [train, test]))
    images = rng.integers(90, 120, (len(split), SIZE, SIZE, 3)).astype(np.uint8)
    parts = np.zeros(images.shape[:3], dtype=np.uint8)
    for image, part in zip(images, parts, strict=True):
        for number, channel in ((1, 0), (2, 2)):
            top, left = rng.integers(0, SIZE // 2, 2)
            image[top : top + SIZE // 2, left : left + SIZE // 3] = 0
            image[top : top + SIZE // 2, left : left + SIZE // 3, channel] = 220
            part[top : top + SIZE // 2, left : left + SIZE // 3] = number
    return Dataset(
        images=images,
        labels={"split": split},
        classes={"parts": CLASSES, "split": ("train", "val", "test")},
        truth={"parts": parts},
        name="celebamask",
        synthetic=True,
    )


class Pixels(base.Model):
    """The image itself as the only map."""

    def pixel_features(self, images: torch.Tensor) -> Any:
        return [images, images[:, :, ::2, ::2]]

    def training_pairs(self, *given: Any, **named: Any) -> TrainingPairs:
        raise NotApplicable("none")


class Pyramid(nn.Module):
    channels = (6, 8)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fine = nn.Conv2d(3, 6, 3, padding=1)
        self.coarse = nn.Conv2d(6, 8, 3, padding=1)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        fine = self.fine(images).relu()
        return [fine, self.coarse(nn.functional.max_pool2d(fine, 2))]


class Labelled(Pixels):
    """Trains a network on what it is told to."""

    def __init__(self, chosen: Callable[[LabelledImages, LabelledImages], LabelledImages]) -> None:
        self.chosen = chosen
        self.given: list[tuple[int, int]] = []

    def pyramid(self) -> nn.Module:
        return Pyramid()

    def training_pairs(self, few: LabelledImages, every: Any, teach: Any, **named: Any) -> TrainingPairs:
        assert teach.classes == len(CLASSES)
        self.given.append((len(few), len(every())))
        picture = (np.zeros((2, 2, 3), np.uint8), "nothing")
        return TrainingPairs(self.chosen(few, every()), ("drawn",), {"count": len(few)}, {"pairs": picture})


def score(folder: Path, model: Any, dataset: Dataset | None = None, seed: int = 0, **changes: Any) -> Scores:
    settings = {"labelled_images": 4, "curve": (1,), "classes": "all", "steps": 60, "batch_size": 4, "width": 4}
    task = FewShotParts(FewShotConfig(**{**settings, "epochs": 8, **changes}))
    data = drawn() if dataset is None else dataset
    return task.evaluate(
        EvaluationInputs(
            data,
            task.frames(data, seed=5),
            seed=seed,
            model=lambda: model,
            trainer=FabricTrainer(folder / "training", seed=3, device="cpu"),
            folder=folder / "work",
        )
    )


def test_pixel_classifiers_learn_colours(tmp_path: Path) -> None:
    scores = score(tmp_path, Pixels())
    # A class that neither occurs nor is predicted counts as 0 in DatasetGAN's mean of four.
    assert scores.metrics["miou_present"] > 0.9
    assert scores.metrics["miou"] == pytest.approx(scores.metrics["miou_present"] * 3 / 4, abs=1e-6)
    assert scores.details["absent"] == ["never"]
    assert scores.details["iou"]["never"] is None
    assert scores.notes == ("6 features of a pixel",)
    (curve,) = [chart for chart in scores.charts if isinstance(chart, Curve)]
    assert curve.x == ("1", "4")
    assert curve.y[1] == scores.metrics["miou"]
    assert scores.intervals["miou"].low <= scores.metrics["miou"] <= scores.intervals["miou"].high
    assert scores.details["curve"]["4"] == scores.metrics
    assert len(scores.predictions["frame"]) == 6
    again = score(tmp_path / "again", Pixels())
    assert (again.predictions["mask"] == scores.predictions["mask"]).all()


def test_seeds_draw_other_labels_and_more_labels_hold_the_fewer(tmp_path: Path) -> None:
    first, other = (score(tmp_path / str(seed), Pixels(), seed=seed, epochs=1).details["labelled"] for seed in (0, 1))
    assert len(first) == 4
    assert first != other
    data = drawn()
    train, test = (np.flatnonzero(data.labels["split"] == part) for part in (0, 2))
    labels = Labels.of(data, train, test, "all", seed=0)
    assert (labels.first(6).images[:4] == labels.first(4).images).all()
    assert set(labels.order) == set(train)
    task = FewShotParts(FewShotConfig(curve=(1,), train_images=5, test_images=3, classes="all"))
    inputs = EvaluationInputs(data, task.frames(data, seed=5), seed=0)
    own = task.labels(inputs)
    assert len(own.order) == 5
    assert len(own.test) == 3
    assert set(own.order) < set(train)
    assert set(own.test) < set(test)


def test_a_network_on_the_labelled_images(tmp_path: Path) -> None:
    model = Labelled(lambda few, every: few)
    scores = score(tmp_path, model, steps=150, learning_rate=1e-2)
    assert model.given == [(1, 12), (4, 12)]
    assert scores.metrics["miou_present"] > 0.6
    assert scores.notes == ("drawn",)
    assert scores.details["learning"]["4"]["network"]["pairs"] == 4
    assert scores.details["learning"]["4"]["network"]["steps"] == 150
    assert scores.details["learning"]["1"]["count"] == 1
    assert scores.pictures["pairs"].caption == "nothing"
    assert (tmp_path / "training" / "network-1").exists()


def test_all_labels_are_trained_on_once(tmp_path: Path) -> None:
    scores = score(tmp_path, Labelled(lambda few, every: every), steps=10)
    assert list(scores.details["learning"]) == ["1"]
    assert scores.details["learning"]["1"]["network"]["pairs"] == 12
    assert scores.details["curve"]["1"] == scores.details["curve"]["4"]


def test_released_chooses_checkpoints_on_test_images(tmp_path: Path) -> None:
    def run(folder: Path, **changes: Any) -> Scores:
        return score(folder, Labelled(lambda few, every: few), steps=100, learning_rate=1e-2, **changes)

    plain, released = run(tmp_path / "plain"), run(tmp_path / "released", protocol="released")
    assert "miou_folds" not in plain.metrics
    folds = released.details["folds"]
    assert len(folds["checkpoint"]) == len(folds["miou"]) == 5
    assert all(1 <= number <= 20 for number in folds["checkpoint"])
    assert released.metrics["miou_folds"] == pytest.approx(np.mean(folds["miou"]))
    assert folds["sd"] == pytest.approx(np.std(folds["miou"]))
    # Looking at test images on the way changes no training.
    assert {name: value for name, value in released.metrics.items() if name != "miou_folds"} == plain.metrics
    assert (released.predictions["mask"] == plain.predictions["mask"]).all()
    # The last checkpoint is the network that is scored.
    again = run(tmp_path / "released", protocol="released")
    assert again.details["folds"] == folds, "a finished training has kept what it found"
    assert score(tmp_path / "pixels", Pixels(), protocol="released", epochs=1).metrics.keys() == plain.metrics.keys()


def test_eight_classes_of_nineteen() -> None:
    names, numbers = classes_of(PARTS, 8, "celebamask")
    assert names == EIGHT
    assert [EIGHT[number] for number in numbers] == [
        *("background", "skin", "nose", "background", "eye", "eye", "brow", "brow", "ear", "ear"),
        *("mouth", "mouth", "mouth", "hair", "background", "background", "background", "background", "background"),
    ]
    with pytest.raises(BenchError, match=r"has no parts .*: 8 classes are made of CelebAMask-HQ's"):
        classes_of(CLASSES, 8, "celebamask")


def test_twelve_classes_of_the_drawn_cars_parts() -> None:
    names, numbers = classes_of(PARTS_OF_CARS, 12, "cars")
    assert names == TWELVE
    assert [TWELVE[number] for number in numbers] == [
        *("background", "car", "car", "head_light", "door", "car", "car", "wheel", "wheelhub", "window", "windshield")
    ]
    with pytest.raises(BenchError, match="cars has parts wing: 12 classes are made of DatasetGAN's parts of cars"):
        classes_of((*PARTS_OF_CARS, "wing"), 12, "cars")


def test_too_few_images_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="20 labelled images were asked for, and 12 training images are there"):
        score(tmp_path, Pixels(), curve=(20,))


def test_a_number_that_is_no_class(tmp_path: Path) -> None:
    data = drawn()
    parts = data.truth["parts"].copy()
    parts[:, 0, 0] = 9
    with pytest.raises(BenchError, match="a part map holds 9, expected 0 to 3"):
        score(tmp_path, Pixels(), replace(data, truth={"parts": parts}))
    with pytest.raises(BenchError, match="has no part maps"):
        score(tmp_path, Pixels(), replace(data, truth={}))
    with pytest.raises(BenchError, match=r"part maps are int64 .*, expected uint8"):
        score(tmp_path, Pixels(), replace(data, truth={"parts": parts.astype(np.int64)}))


@pytest.mark.parametrize(
    ("maps", "text"),
    [
        (lambda images: [], "gave list: expected maps"),
        (lambda images: images, "gave Tensor: expected maps"),
        (lambda images: [images.flatten(1)], r"gave \[\(4, 768\)\]: expected maps"),
        (lambda images: [images[:1]], r"gave \[\(1, 3, 16, 16\)\]: expected maps"),
        (lambda images: [images * 1e6], "not finite, or beyond 65,504"),
    ],
)
def test_maps_that_are_none(tmp_path: Path, maps: Callable[[Any], Any], text: str) -> None:
    class Odd(Pixels):
        def pixel_features(self, images: torch.Tensor) -> Any:
            return maps(images)

    with pytest.raises(BenchError, match=f"Odd.pixel_features gave {text.removeprefix('gave ')}|{text}"):
        score(tmp_path, Odd())


def test_numbers_of_labelled_images_are_positive() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        FewShotConfig(curve=(0,))
    assert FewShotConfig(labelled_images=5, curve=(50, 5, 1)).counts == (1, 5, 50)


def test_of_cars_every_second_image_may_be_labelled() -> None:
    data = ShapeNetCarsStandIn.open("smoke").read(32, Silent())
    cars = Dataset(**vars(data), name="shapenet_cars", synthetic=True)
    task = FewShotCarParts(FewShotCarParts.Config(curve=(1,), labelled_images=3))
    labels = task.labels(EvaluationInputs(cars, task.frames(cars, seed=0), seed=0))
    assert set(labels.order) == set(range(0, 40, 2))
    assert list(labels.test) == list(range(1, 40, 2))
    assert labels.classes == PARTS_OF_CARS
    assert set(np.unique(labels.first(20).labels)) == set(range(11)), "every part is seen"


def test_deeplab_in_place_of_the_unet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deeplab, "SIDE", 32)
    model = Labelled(lambda few, every: few)
    scores = score(tmp_path, model, network="deeplab_v3", labelled_images=1, curve=(), steps=2)
    assert scores.details["learning"]["1"]["network"]["pairs"] == 2, "one image alone is taken twice"
    assert any(FROM_CHANCE in caption.text for caption in scores.captions)
    network = deeplab.DeepLab(5)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == 58_630_997 - 16 * 257, "torchvision's, of 21 classes and without its second head"
    assert network.eval()(torch.rand(1, 3, 16, 16)).shape == (1, 5, 16, 16)
    assert FewShotParts.profiles["paper"]["network"] == "deeplab_v3"


def test_where_more_labels_stop_gaining() -> None:
    rng = generator(0, "counts")
    right = {1: 0.5, 5: 0.8, 16: 0.9, 50: 0.9}
    counts = {}
    for count, share in right.items():
        hits = rng.binomial(400, share, (40, 2))
        counts[count] = np.zeros((40, 2, 2), dtype=np.int64)
        for number in range(2):
            counts[count][:, number, number] = hits[:, number]
            counts[count][:, number, 1 - number] = 400 - hits[:, number]
    found = gains(counts, generator(0, "bootstrap"))
    assert found.enough == 16
    assert found.table.title == "what more labels gain: nothing beyond 16"
    assert [row for row, _ in found.table.rows] == ["1", "5", "16", "50"]
    assert found.table.rows[0][1][1] == ""
    for _, (score, gain) in found.table.rows[1:]:
        value, low, high = (float(part.strip("[],")) for part in gain.split())
        assert low <= value <= high
        assert 0 < float(score) < 1
    assert float(found.table.rows[2][1][1].split("[")[1].split(",")[0]) > 0, "16 are better than 5"
    assert gains({16: counts[16]}, generator(0, "bootstrap")).enough == 16
