"""Other people's code in a grid: what it hands over wrongly costs its own cell and nothing else, whoever runs it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.pipeline.records import Record
from datasets.errors import BenchError

CARELESS = '''


import os, random, sys
import numpy as np


class Noise(Flat):
    """Draws from the global generators, in the default type."""

    def encode(self, images):
        chance = np.random.rand() + random.random()
        return torch.rand(len(images), 4) + chance + torch.ones(1) / 3


class Careless(Flat):
    def encode(self, images):
        print("a line of the method's own")
        os.chdir("/")
        torch.set_default_dtype(torch.float64)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        np.seterr(all="raise")
        return images.flatten(1)[:, :8].numpy()


class Exits(Flat):
    def encode(self, images):
        sys.exit(3)


class Leaves(Flat):
    def encode(self, images):
        raise GeneratorExit


class Deep(Flat):
    def encode(self, images):
        return self.encode(images)


class OneRow(Flat):
    def encode(self, images):
        return images.flatten(1)[:1]


class Changes(Flat):
    encode_batch = 16

    def encode(self, images):
        return images.flatten(1)[:, : len(images)]


class Untold(Tiny):
    def fit(self, images, trainer):
        super().fit(images, trainer)


class Weightless(Tiny):
    stateless = True
'''

WRONG = {
    "Exits": "SystemExit: 3",
    "Leaves": "GeneratorExit",
    "Deep": "RecursionError: maximum recursion depth exceeded",
    "OneRow": "OneRow.encode gave the shape (1, 12288) for 24 images; expected one row of numbers per image, (24, d)",
    "Changes": "Changes.encode gave 8 features per image after 16 of the first batch: expected as many of every batch",
    "Untold": "Untold.fit gave a NoneType: expected a dictionary, such as what trainer.train returns",
    "Weightless": "Weightless declares stateless = True, but has a module: leave out one of the two",
}


@pytest.fixture
def careless(own_methods: Path, tmp_path: Path) -> Path:
    path = tmp_path / "own_careless.py"
    path.write_text(own_methods.read_text() + CARELESS)
    return path


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cell_fails_alone_with_what_came_and_what_was_due(
    grid: Callable[..., tuple[int, list[Record]]], careless: Path, jobs: int, tmp_path: Path
) -> None:
    names = [*WRONG, "Tiny"]
    code, records = grid(",".join(f"{careless}:{name}" for name in names), jobs=jobs)
    assert code == 1
    assert [(record.method.rpartition(":")[2], record.error) for record in records] == [*WRONG.items(), ("Tiny", None)]
    assert len(list((tmp_path / "tables").iterdir())) == 2
    assert len(list((tmp_path / "reports").iterdir())) == 1


def test_what_a_method_changes_around_it_changes_no_numbers_of_others(
    grid: Callable[..., tuple[int, list[Record]]], careless: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, (alone, trained) = grid(f"{careless}:Noise,{careless}:Tiny", store="alone")
    assert code == 0, (alone.error, trained.error)
    code, (_, after, too) = grid(f"{careless}:Careless,{careless}:Noise,{careless}:Tiny", store="after")
    assert code == 0
    assert (after.metrics, too.metrics, too.weights_sha256) == (alone.metrics, trained.metrics, trained.weights_sha256)
    read = [(tmp_path / store / "features").glob("*/features.npy") for store in ("alone", "after")]
    assert {path.read_bytes() for path in read[0]} < {path.read_bytes() for path in read[1]}


TASKS = """
from tasks.base import Metric, Scores, Task


class Good(Task):
    dataset = "bbt"
    metrics = (Metric("accuracy"),)

    def evaluate(self, inputs):
        return Scores({"accuracy": 0.5})


class Empty(Good):
    def evaluate(self, inputs):
        return None


class Masked(Good):
    def frames(self, dataset, *, seed):
        return [True] * len(dataset)


class Backwards(Good):
    def frames(self, dataset, *, seed):
        return super().frames(dataset, seed=seed)[::-1]


class Undeclared(Good):
    metrics = ("accuracy",)


class Nowhere(Good):
    dataset = "bbtt"
"""


@pytest.fixture
def own_tasks(tmp_path: Path) -> Path:
    path = tmp_path / "own_tasks.py"
    path.write_text(TASKS)
    return path


def test_a_task_that_gives_no_scores_or_no_images_fails_alone(
    grid: Callable[..., tuple[int, list[Record]]], own_tasks: Path
) -> None:
    tasks = ",".join(f"{own_tasks}:{name}" for name in ("Empty", "Masked", "Backwards", "Good"))
    code, (empty, masked, backwards, good) = grid("raw_pixels", tasks=tasks)
    assert code == 1
    assert empty.error == "Empty.evaluate gave a NoneType: expected tasks.base.Scores"
    assert str(masked.error).startswith("Masked.frames: expected an array of ascending indices of ")
    assert str(masked.error).endswith("; got list")
    assert str(backwards.error).startswith("Backwards.frames: expected an array of ascending indices of ")
    assert good.metrics == {"accuracy": 0.5}


def test_a_task_that_does_not_declare_itself_is_refused_before_anything_runs(
    grid: Callable[..., tuple[int, list[Record]]], own_tasks: Path
) -> None:
    with pytest.raises(BenchError, match=r"own_tasks\.py:Undeclared declares no metrics: expected metrics = \(Metric"):
        grid("raw_pixels", tasks=f"{own_tasks}:Undeclared")
    with pytest.raises(BenchError, match="unknown dataset 'bbtt': did you mean bbt"):
        grid("raw_pixels", tasks=f"{own_tasks}:Nowhere")
