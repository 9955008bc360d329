"""Keypoints: where part maps have them, that they are learned, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets.base import Dataset
from datasets.celebamask import PARTS
from datasets.errors import BenchError
from datasets.streams import generator
from tasks import base
from tasks.base import EvaluationInputs, Scores
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


def score(data: Dataset, model: Any, **changes: Any) -> Scores:
    task = Keypoints(KeypointConfig(**{"labelled_images": 6, "epochs": 6, **changes}))
    return task.evaluate(EvaluationInputs(data, task.frames(data, seed=5), seed=0, model=lambda: model))


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
    assert set(scores.intervals) == {"pck_loose", "pck_middle", "l2_loss"}
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
