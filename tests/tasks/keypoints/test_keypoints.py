"""Keypoints: where part maps have them, that they are learned, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench.training.loop import FabricTrainer
from datasets.base import Dataset
from datasets.celebamask import PARTS
from datasets.errors import BenchError, NotApplicable
from datasets.labelled import LabelledImages, TrainingPairs
from datasets.streams import generator
from tasks import base
from tasks.base import EvaluationInputs, Scores
from tasks.interpreter.teaching import HeatInterpreter
from tasks.keypoints.cars import CarKeypoints
from tasks.keypoints.labels import KeypointLabels
from tasks.keypoints.places import POINTS, keypoints_of
from tasks.keypoints.task import KeypointConfig, Keypoints

SIZE = 64
NUMBER = {name: PARTS.index(name) for name in PARTS}


def drawn(train: int = 10, test: int = 5) -> Dataset:
    """Faces of rectangles, each part in a grey of its own, moved about."""
    rng = generator(0, "faces")
    count = train + test
    parts = np.zeros((count, SIZE, SIZE), np.uint8)
    for one in parts:
        down, across = rng.integers(-6, 7, 2)
        for name, top, left, height, width in (
            ("skin", 14, 16, 36, 32),
            ("r_eye", 22, 22, 3, 5),
            ("l_eye", 22, 37, 3, 5),
            ("nose", 28, 30, 7, 4),
            ("u_lip", 40, 25, 2, 14),
            ("l_lip", 42, 27, 2, 10),
        ):
            one[top + down : top + down + height, left + across : left + across + width] = NUMBER[name]
    grey = (parts * 13).astype(np.uint8)
    return Dataset(
        images=np.repeat(grey[..., None], 3, axis=-1),
        labels={"split": np.repeat([0, 2], [train, test])},
        classes={"parts": PARTS, "split": ("train", "val", "test")},
        truth={"parts": parts},
        name="celebamask",
        synthetic=True,
    )


class Around(base.Model):
    """Each pixel, and how much of every part lies on its left and above it: all that is needed to place a keypoint."""

    def pixel_features(self, images: torch.Tensor) -> Any:
        grey = (images[:, :1] * 255 / 13).round()
        found = [grey]
        for name in ("r_eye", "l_eye", "nose", "u_lip", "skin"):
            part = (grey == NUMBER[name]).float()
            found += [part, *(part.sum(5 - axis, keepdim=True).cumsum(axis).expand_as(part) for axis in (2, 3))]
        return [torch.cat(found, dim=1) / 4]

    def training_pairs(self, *given: Any, **named: Any) -> TrainingPairs:
        raise NotApplicable("none")


class Pyramid(nn.Module):
    channels = (8, 16, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        sides = zip((3, *self.channels), self.channels, strict=False)
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU()) for cin, cout in sides
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps: list[torch.Tensor] = []
        for level in self.levels:
            maps.append(level(nn.functional.max_pool2d(maps[-1], 2) if maps else images))
        return maps


class Labelled(Around):
    """Trains a network on what it is told to."""

    def __init__(self, chosen: Callable[[LabelledImages, LabelledImages], LabelledImages]) -> None:
        self.chosen = chosen

    def pyramid(self) -> nn.Module:
        return Pyramid()

    def training_pairs(self, few: LabelledImages, every: Any, teach: Any, **named: Any) -> TrainingPairs:
        picture = (np.zeros((2, 2, 3), np.uint8), "nothing")
        return TrainingPairs(self.chosen(few, every()), ("drawn",), {"count": len(few)}, {"pairs": picture})


def score(data: Dataset, model: Any, folder: Path = Path("unused"), kind: Any = Keypoints, **changes: Any) -> Scores:
    task = kind(KeypointConfig(**{"labelled_images": 6, "epochs": 6, **changes}))
    return task.evaluate(
        EvaluationInputs(
            data,
            task.frames(data, seed=5),
            seed=0,
            model=lambda: model,
            trainer=FabricTrainer(folder / "training", seed=3, device="cpu"),
            folder=folder / "work",
        )
    )


def marked(train: int = 10, test: int = 5) -> Dataset:
    """The same faces with two keypoints that a drawing knows; the second is hidden in every third."""
    data = drawn(train, test)
    parts = data.truth["parts"]
    points = np.zeros((len(parts), 2, 3), np.float32)
    for index, part in enumerate(parts):
        for number, name in enumerate(("nose", "l_eye")):
            rows, columns = np.nonzero(part == NUMBER[name])
            points[index, number] = columns.mean(), rows.mean(), 1
    points[::3, 1] = 0
    return replace(data, classes={**data.classes, "keypoints": ("tip", "eye")}, truth={"keypoints": points})


def test_places_of_a_part_map() -> None:
    parts = np.zeros((2, 8, 8), np.uint8)
    parts[0, :7] = NUMBER["skin"]
    parts[0, 1, 1:4] = NUMBER["r_eye"]
    parts[0, 4, 2:7] = NUMBER["u_lip"]
    parts[0, 5, 3:6] = NUMBER["l_lip"]
    parts[0, 2:4, 6] = NUMBER["nose"]
    places, visible = keypoints_of(parts, PARTS, "faces")
    found = dict(zip(POINTS, places[0].tolist(), strict=True))
    assert found["right_eye"] == [2.0, 1.0]
    assert found["left_mouth"] == [6.0, 4.0], "the person's left is on the image's right"
    assert found["right_mouth"] == [2.0, 4.0]
    assert found["chin"] == [3.5, 6.0]
    assert visible[0].tolist() == [False, True, False, True, True, True], "two pixels of a nose are too few"
    assert not visible[1].any()


def test_keypoints_are_learned_better_than_their_mean_place() -> None:
    scores = score(drawn(), Around())
    usual = scores.details["mean_place"]
    assert scores.metrics["distance"] < 0.5 * usual["distance"]
    assert scores.metrics["pck_loose"] > usual["pck_loose"]
    # A blank map has the mean of the Gaussian's square, pi / 64^2.
    assert scores.metrics["l2_loss"] < 0.8 * np.pi / 64**2
    assert set(scores.intervals) == {"pck_loose", "pck_middle", "pck_tight", "l2_loss"}
    assert scores.metrics["pck_loose"] >= scores.metrics["pck_middle"] >= scores.metrics["pck_tight"]
    assert all(own.low <= scores.metrics[name] <= own.high for name, own in scores.intervals.items())
    assert scores.predictions["pck_loose"].tolist() == [15 / 8]
    assert scores.predictions["found"].shape == (5, 6, 2)
    again = score(drawn(), Around())
    assert (again.predictions["found"] == scores.predictions["found"]).all()


def test_parts_that_are_no_faces_are_one_line(tmp_path: Path) -> None:
    data = drawn()
    cars = replace(data, classes={**data.classes, "parts": tuple(f"part {n}" for n in range(19))})
    with pytest.raises(BenchError, match="has no parts l_eye, l_lip, mouth, nose, r_eye, skin, u_lip"):
        score(cars, Around())
    nobody = replace(data, truth={"parts": np.zeros_like(data.truth["parts"])})
    with pytest.raises(BenchError, match="no keypoint is visible"):
        score(nobody, Around())
    with pytest.raises(BenchError, match="has neither keypoints nor part maps by which they are placed"):
        score(replace(data, truth={}), Around())


def test_keypoints_of_the_drawing_are_taken_as_they_are() -> None:
    data = marked()
    scores = score(data, Around(), labelled_images=4, epochs=3)
    assert scores.details["visible"] == {"tip": 5, "eye": 4}
    assert np.isnan(scores.predictions["distance"]).tolist() == [[False, index == 2] for index in range(5)]
    assert scores.metrics["distance"] < 0.5 * scores.details["mean_place"]["distance"]
    assert "keypoints are where the drawing has them" in scores.captions[0].text
    order = np.arange(len(data))
    heat = KeypointLabels.of(data, order, order, 1.0, 0).labels(np.array([0, 1]))
    assert heat.shape == (2, SIZE, SIZE, 2)
    assert heat[0, ..., 1].max() == 0, "a hidden keypoint has no heat"
    column, row = data.truth["keypoints"][1, 1, :2]
    assert heat[1, int(row), int(column), 1] == heat[1, ..., 1].max() > 220
    wrong = replace(data, truth={"keypoints": data.truth["keypoints"][..., :2]})
    with pytest.raises(BenchError, match=r"keypoints are \(15, 2, 2\), expected \(15, 2, 3\)"):
        score(wrong, Around())


def test_a_network_on_the_labelled_images(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"steps": 400, "learning_rate": 2e-2, "width": 8, "sigma": 2.0}
    scores = score(marked(30), Labelled(lambda few, every: every), tmp_path, **settings)
    assert scores.notes == ("drawn",)
    assert scores.details["count"] == 6
    assert scores.details["network"]["pairs"] == 30
    assert scores.details["network"]["steps"] == 400
    assert scores.pictures["pairs"].caption == "nothing"
    assert scores.metrics["distance"] < 0.5 * scores.details["mean_place"]["distance"]
    few = score(marked(30), Labelled(lambda few, every: few), tmp_path / "few", **{**settings, "steps": 1})
    assert few.details["network"]["pairs"] == 6


def test_what_was_taught_labels_images_in_bytes(tmp_path: Path) -> None:
    given: list[HeatInterpreter] = []

    class Teacher(Labelled):
        def training_pairs(self, few: LabelledImages, every: Any, teach: Any, **named: Any) -> TrainingPairs:
            images = torch.from_numpy(few.images).permute(0, 3, 1, 2) / 255
            interpreter = teach([self.pixel_features(images)], few.labels)
            given.append(interpreter)
            heat, unsure = interpreter(self.pixel_features(images), SIZE)
            assert heat.shape == few.labels.shape
            assert heat.dtype == torch.uint8
            assert unsure.shape == heat.shape[:3]
            assert (unsure >= 0).all()
            assert heat[few.labels > 127].float().mean() > 4 * heat[few.labels == 0].float().mean()
            return TrainingPairs(LabelledImages(few.images, heat.numpy()))

    score(marked(), Teacher(lambda few, every: few), tmp_path, steps=1, width=4, labelled_images=3, epochs=3, sigma=4.0)
    assert len(given) == 1


def test_of_cars_every_second_image_may_be_labelled() -> None:
    data = marked()
    assert CarKeypoints.dataset == "shapenet_cars"
    scores = score(data, Around(), kind=CarKeypoints, labelled_images=2, epochs=1)
    assert set(scores.details["labelled"]) < set(range(0, 15, 2))
    assert list(scores.predictions["frame"]) == list(range(1, 15, 2))
