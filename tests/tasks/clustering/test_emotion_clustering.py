"""RAF-DB: the test split's emotions."""

import numpy as np
import pytest

from datasets.base import Dataset
from datasets.errors import BenchError
from datasets.rafdb import EMOTIONS
from datasets.streams import generator
from tasks.base import EvaluationInputs
from tasks.clustering.labelled import RAFDB


def emotion_dataset(emotions: np.ndarray, split: np.ndarray) -> Dataset:
    return Dataset(
        images=np.zeros((len(emotions), 4, 4, 3), dtype=np.uint8),
        labels={"emotion": emotions, "split": split},
        classes={"emotion": EMOTIONS, "split": ("train", "val", "test")},
        name="rafdb",
    )


def test_only_test_images_are_clustered() -> None:
    emotions = np.arange(70) % 7
    split = np.where(np.arange(70) < 28, 0, 2)
    dataset = emotion_dataset(emotions, split)
    task = RAFDB()
    frames = task.frames(dataset, seed=0)
    assert frames.tolist() == list(range(28, 70))
    features = np.eye(7, dtype=np.float32)[emotions[frames]]
    scores = task.evaluate(EvaluationInputs(dataset, frames, seed=0, features=features))
    names = ("accuracy", "hungarian", "f1", "nmi", "ami", "ari", "knn")
    assert scores.metrics == pytest.approx(dict.fromkeys(names, 1))
    assert scores.details["number_of_clusters"] == 7
    assert scores.details["classes"] == list(EMOTIONS)
    assert scores.details["class_counts"] == [6] * 7


def test_shuffled_emotions_score_at_chance() -> None:
    rng = generator(0, "test")
    emotions = np.arange(700) % 7
    features = np.eye(7)[emotions] + 0.05 * rng.standard_normal((700, 7))
    dataset = emotion_dataset(rng.permutation(emotions), np.full(700, 2))
    task = RAFDB()
    scores = task.evaluate(EvaluationInputs(dataset, task.frames(dataset, seed=0), seed=0, features=features))
    assert scores.metrics["accuracy"] == pytest.approx(1 / 7, abs=0.07)
    assert scores.metrics["nmi"] < 0.05
    assert max(abs(scores.metrics[name]) for name in ("ami", "ari")) < 0.02
    assert scores.metrics["knn"] == pytest.approx(1 / 7, abs=0.06)


def test_needs_the_split_and_a_test_image() -> None:
    dataset = emotion_dataset(np.arange(7), np.zeros(7, dtype=int))
    with pytest.raises(BenchError, match="rafdb: none of its 7 images is of the test split"):
        RAFDB().frames(dataset, seed=0)
    del dataset.labels["split"]
    with pytest.raises(BenchError, match="rafdb has no labels named split"):
        RAFDB().frames(dataset, seed=0)
