"""A method that is trained on another dataset than the usual one: the cell, its key, its record and its note."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.grid.catalogue import TRAINING_DATASET
from bench.pipeline.records import Record
from bench.results import table as tables
from datasets.errors import BenchError

Grid = Callable[..., tuple[int, list[Record]]]
ELSEWHERE = '''


class OnTruth(Tiny):
    """Trained on drawn faces that bear labels, of which it reads the number."""

    trains_on = {"faces": "faces_truth"}

    def fit_dataset(self, dataset, trainer):
        found = self.fit(dataset.images, trainer)
        return {**found, "emotions": len(dataset.classes["emotion"])}


class Word(Tiny):
    trains_on = "faces_truth"


class Beasts(Tiny):
    trains_on = {"beasts": "faces_truth"}


class Unknown(Tiny):
    trains_on = {"faces": "faces_trut"}
'''


ON_FOLDER = """


class OnFolder(Tiny):
    trains_on = {"faces": "images:FOLDER"}
"""


@pytest.fixture
def elsewhere(own_methods: Path) -> Path:
    path = own_methods.with_name("own_elsewhere.py")
    path.write_text(own_methods.read_text() + ELSEWHERE)
    return path


def test_its_own_training_data_are_read_recorded_and_noted(grid: Grid, elsewhere: Path) -> None:
    code, records = grid(f"{elsewhere}:Tiny,{elsewhere}:OnTruth")
    assert code == 0, [record.error for record in records]
    usual, other = records
    assert usual.training_dataset is not None
    assert other.training_dataset is not None
    assert usual.training_dataset.name == TRAINING_DATASET["faces"]
    assert (other.training_dataset.name, other.training_dataset.images) == ("faces_truth", 32)
    assert other.training["emotions"] == 7
    assert "emotions" not in usual.training
    assert other.stages["fit"].key != usual.stages["fit"].key
    note = "trained on drawn faces (faces_truth)"
    assert note in other.notes
    assert not [text for text in usual.notes if text.startswith("trained on")]
    [section] = tables.build(records).sections
    assert note in section.notes


def test_a_folder_of_ones_own_is_named_by_itself(grid: Grid, own_methods: Path, tmp_path: Path) -> None:
    from PIL import Image

    shade = np.random.default_rng(0)
    for index in range(20):
        path = tmp_path / "photographs" / "all" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(shade.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    path = own_methods.with_name("own_on_folder.py")
    path.write_text(own_methods.read_text() + ON_FOLDER.replace("FOLDER", str(tmp_path / "photographs")))
    code, [record] = grid(f"{path}:OnFolder")
    assert code == 0, record.error
    assert record.training_dataset is not None
    assert not record.training_dataset.synthetic
    assert f"trained on {record.training_dataset.name}" in record.notes
    assert str(tmp_path) not in record.model_dump_json()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Word", "trains_on is 'faces_truth': expected names of datasets"),
        ("Beasts", "trains_on has 'beasts': expected kinds of object, faces or cars"),
        ("Unknown", "trains_on: unknown dataset 'faces_trut': did you mean faces_truth"),
    ],
)
def test_what_names_no_dataset_is_said_in_one_line(grid: Grid, elsewhere: Path, name: str, told: str) -> None:
    with pytest.raises(BenchError, match=told) as caught:
        grid(f"{elsewhere}:{name}")
    assert "\n" not in str(caught.value)
