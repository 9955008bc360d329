"""ShapeNet cars: cars of no class stay out, and pixels alone tell drawn classes apart better than chance."""

from itertools import islice

import numpy as np
import pytest

from datasets.base import Dataset
from datasets.shapenet_cars import CLASSES
from datasets.streams import generator
from datasets.synthetic.cars.render import render
from datasets.synthetic.cars.sources import ShapeNetCarsStandIn
from tasks.base import EvaluationInputs, Scores
from tasks.clustering.labelled import ShapeNetCars


def car_dataset(images: np.ndarray, cars: np.ndarray) -> Dataset:
    return Dataset(
        images=images,
        labels={"car": cars, "split": np.full(len(cars), 2)},
        classes={"car": CLASSES, "split": ("train", "val", "test")},
        name="shapenet_cars",
        synthetic=True,
    )


def score(features: np.ndarray, dataset: Dataset) -> Scores:
    task = ShapeNetCars()
    return task.evaluate(EvaluationInputs(dataset, task.frames(dataset, seed=0), seed=0, features=features))


def test_cars_of_no_class_are_left_out() -> None:
    cars = np.arange(60) % 6 - 1
    dataset = car_dataset(np.zeros((60, 4, 4, 3), np.uint8), cars)
    scores = score(np.eye(6)[cars], dataset)
    assert list(scores.metrics.values()) == pytest.approx([1] * 7)
    assert scores.details["number_of_clusters"] == 5
    assert scores.details["classes"] == list(CLASSES)
    assert scores.details["unknown"] == 10
    assert ((scores.predictions["cluster"] == -1) == (cars == -1)).all()


def test_pixels_tell_drawn_cars_apart_better_than_chance() -> None:
    shots = list(islice(ShapeNetCarsStandIn.open("mini").shots(), 100))
    images = render(shots, 32)
    cars = np.array([shot.car.kind for shot in shots])
    pixels = images.reshape(len(images), -1) / 255
    found = score(pixels, car_dataset(images, cars)).metrics
    rng = generator(0, "test", "shuffled cars")
    shuffled = [score(pixels, car_dataset(images, rng.permutation(cars))).metrics for _ in range(10)]
    for name in ("accuracy", "hungarian", "nmi", "ami", "ari", "knn"):
        chance = [metrics[name] for metrics in shuffled]
        assert found[name] > max(chance) + 0.05, (name, found[name], chance)
    assert found["accuracy"] < 0.9, "or the task would tell no method from another"
