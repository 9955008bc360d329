"""The ceiling of a clustering: whose labels train it, and that others' features are left as they are."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from bench.training.loop import FabricTrainer
from datasets.base import Dataset
from datasets.errors import BenchError, NotApplicable
from datasets.layout import SPLITS
from datasets.streams import generator
from methods.base import Method
from tasks.base import EvaluationInputs
from tasks.clustering.attributes import CelebA, CelebAConfig
from tasks.clustering.labelled import RAFDB
from tasks.clustering.taught import TaughtConfig

TRAIN, TEST = 60, 40
# Trained for long enough to tell colours apart.
LONG = {"taught_steps": 200, "taught_batch": 10, "taught_rate": 0.01}


class Colours(nn.Module):
    """The mean colour, through a layer that starts as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.layer(images.mean(dim=(2, 3)))
        return features


class Nothing(Method):
    """A method with neither features nor an encoder."""

    provides: ClassVar[frozenset[str]] = frozenset()

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        raise AssertionError("nothing is encoded before labels train it")


class Untaught(Nothing):
    """A method that has an encoder, and nothing before labels train it."""

    provides: ClassVar[frozenset[str]] = frozenset({"encoder"})

    def encoder(self) -> nn.Module:
        torch.manual_seed(0)
        return Colours()


@pytest.fixture
def colours() -> np.ndarray:
    """Which of two colours each image has; not in the training split's first ten labels, which are unknown."""
    return generator(0, "test", "taught").integers(0, 2, TRAIN + TEST)


def dataset(
    name: str, labels: dict[str, np.ndarray], classes: dict[str, tuple[str, ...]], colours: np.ndarray
) -> Dataset:
    """Noise, in which one colour is a little brighter."""
    noise = generator(0, "test", "noise").integers(0, 200, (TRAIN + TEST, 8, 8, 3))
    noise[..., 0] += 25 * colours[:, None, None]
    split = np.array([SPLITS.index("train")] * TRAIN + [SPLITS.index("test")] * TEST)
    return Dataset(
        noise.astype(np.uint8), {**labels, "split": split}, {**classes, "split": SPLITS}, name=name, digest="d"
    )


def emotions(colours: np.ndarray, unknown: int = 0) -> Dataset:
    values = colours.astype(np.int64)
    values[:unknown] = -1
    return dataset("rafdb", {"emotion": values}, {"emotion": ("dark", "bright")}, colours)


def inputs(task: Any, data: Dataset, folder: Path, model: Any = Untaught, **given: Any) -> EvaluationInputs:
    return EvaluationInputs(
        data,
        task.frames(data, seed=0),
        seed=0,
        model=model,
        trainer=FabricTrainer(folder, seed=0, device="cpu"),
        **given,
    )


def test_labels_of_the_training_split_teach(colours: np.ndarray, tmp_path: Path) -> None:
    task = RAFDB(TaughtConfig(**LONG))
    scores = task.evaluate(inputs(task, emotions(colours, unknown=10), tmp_path))
    assert scores.metrics["accuracy"] > 0.9
    assert scores.details["taught"]["images"] == TRAIN - 10, "of those whose label is known"
    assert scores.details["taught"]["steps"] == 200
    assert scores.notes == ["a ceiling: trained with the labels of the training split's 50 images"]
    same = task.evaluate(inputs(task, emotions(colours, unknown=10), tmp_path / "again"))
    assert same.metrics == scores.metrics


def test_labels_of_the_test_split_do_not(colours: np.ndarray, tmp_path: Path) -> None:
    task, data = RAFDB(TaughtConfig(**LONG)), emotions(colours)
    other = emotions(colours)
    other.labels["emotion"][TRAIN:] = 1 - other.labels["emotion"][TRAIN:]
    first, second = (task.encoded(inputs(task, each, tmp_path / str(n))) for n, each in enumerate((data, other)))
    assert np.array_equal(first.features, second.features)


def test_several_labels_of_which_some_are_unknown(colours: np.ndarray, tmp_path: Path) -> None:
    values = np.stack([colours, 1 - colours, np.full_like(colours, -1)], axis=1)
    values[:5] = -1
    data = dataset("celeba", {"attributes": values}, {"attributes": ("bright", "dark", "unknown")}, colours)
    task = CelebA(CelebAConfig(**LONG))
    scores = task.evaluate(inputs(task, data, tmp_path))
    assert scores.metrics["accuracy"] > 0.9
    assert scores.details["taught"]["images"] == TRAIN - 5


def test_features_are_taken_where_there_are_some(colours: np.ndarray, tmp_path: Path) -> None:
    task = RAFDB()
    features = generator(0, "test", "features").standard_normal((TEST, 3)).astype(np.float32)
    given = task.encoded(inputs(task, emotions(colours), tmp_path, model=Nothing, features=features))
    assert given.features is features
    assert (given.notes, given.details) == ((), None)
    assert not list(tmp_path.iterdir()), "nothing is trained"


def test_nothing_to_train_or_to_train_with(colours: np.ndarray, tmp_path: Path) -> None:
    task = RAFDB()
    with pytest.raises(NotApplicable, match="no trainable encoder"):
        task.evaluate(inputs(task, emotions(colours), tmp_path, model=Nothing))
    with pytest.raises(BenchError, match="no image of its training split is labelled"):
        task.evaluate(inputs(task, emotions(colours, unknown=TRAIN), tmp_path))
