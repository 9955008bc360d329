"""shapenet_cars through the whole harness: trained and tested on drawn cars, and read from the official layout."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from bench.pipeline.records import Record
from datasets.shapenet_cars import CLASSES, CROP
from datasets.synthetic.cars.render import render
from datasets.synthetic.cars.sources import ShapeNetCarsStandIn

Grid = Callable[..., tuple[int, list[Record]]]


def test_car_models_are_trained_and_tested_on_cars(grid: Grid) -> None:
    code, [pdr, pixels] = grid("pdr,raw_pixels", tasks="shapenet_cars", settings=["pdr.schedule.max_steps=4"])
    assert code == 0, [record.error for record in (pdr, pixels)]
    assert pdr.training_dataset is not None
    assert pdr.training_dataset.label == "shapenet_cars_train[synthetic]"
    assert pixels.training_dataset is None
    for record in (pdr, pixels):
        assert record.dataset is not None
        assert record.dataset.label == "shapenet_cars[synthetic]"
        assert record.details["class_counts"] == [8] * 5
        assert record.details["unknown"] == 0
    config = pdr.method_config
    assert (config["confidence"], config["flip_weight"], config["min_diffuse"]) == (False, 1.0, 0.5)
    assert "trained without the perceptual (VGG-16) term" in pdr.notes


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Drawn cars and one without a class in the official layout, test split only."""
    shots = list(islice(ShapeNetCarsStandIn.open("smoke").shots(), 10))
    folder = tmp_path / "real" / "shapenet_cars"
    names = ["fullId,name"]
    left, upper, right, lower = CROP
    for number, (shot, image) in enumerate(zip(shots, render(shots, right - left), strict=True)):
        path = folder / "syncar" / "test" / f"m{number}" / "000.png"
        path.parent.mkdir(parents=True)
        page = Image.new("RGB", (128, 128), "black")
        page.paste(Image.fromarray(image), (left, upper, right, lower))
        page.save(path)
        names.append(f"3dw.m{number},{CLASSES[shot.car.kind].title() if number else 'sedan'}")
    (folder / "metadata.csv").write_text("\n".join(names) + "\n")
    return tmp_path / "real"


def test_the_official_layout_is_read(grid: Grid, official: Path) -> None:
    code, [record] = grid("raw_pixels", tasks="shapenet_cars", data_root=official)
    assert code == 0, record.error
    assert record.dataset is not None
    assert (record.dataset.label, record.synthetic) == ("shapenet_cars", False)
    assert record.details["class_counts"] == [1, 2, 2, 2, 2]
    assert any("9 test images in place of the paper's 1,000" in caption.text for caption in record.captions)
    assert record.details["unknown"] == 1


def test_training_without_the_training_split_is_refused(grid: Grid, official: Path) -> None:
    code, [record] = grid("pdr", tasks="shapenet_cars", data_root=official)
    assert code != 0
    assert record.status == "missing"
    assert "shapenet_cars: no train in" in str(record.error)
