"""The rows beside those that render a scene anew: a copy, a mean, and what is looked up among training images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.grid.catalogue import METHODS, TASKS, TRAINING_DATASET
from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.store import Store
from datasets.base import Dataset, Silent
from datasets.blocks import to_float
from datasets.errors import BenchError, NotApplicable
from datasets.synthetic.cars.sources import ShapeNetCarsTrainStandIn
from datasets.synthetic.drawn import Drawn
from datasets.synthetic.sources import UTKFaceStandIn
from methods import rerendered
from methods.base import Domain
from methods.rerendered import TRAINING, Retrieval, TrainingMean, Unchanged

SIZE = 32
SOURCES: dict[Domain, type[Drawn]] = {"faces": UTKFaceStandIn, "cars": ShapeNetCarsTrainStandIn}


@pytest.fixture(scope="module")
def trained() -> dict[Domain, Dataset]:
    found: dict[Domain, Dataset] = {}
    for domain, source in SOURCES.items():
        content = source.open("smoke").read(SIZE, Silent())
        found[domain] = Dataset(content.images, truth=content.truth, name=source.name, synthetic=True)
    return found


def derived(method: TrainingMean, dataset: Dataset) -> TrainingMean:
    method.use(method.derive(dataset, seed=0, progress=Silent()))
    return method


def test_a_copy_is_the_image() -> None:
    images = torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(Unchanged().rerender(images, yaw=30.0, light=-10.0), images)


def test_the_mean_is_that_of_all_training_images(
    trained: dict[Domain, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerendered, "BLOCK", 50)
    method = derived(TrainingMean(), trained["faces"])
    expected = trained["faces"].images.astype(float).mean(axis=0) / 255
    made = method.rerender(torch.rand(3, 3, SIZE, SIZE), yaw=45.0)
    assert made.shape == (3, 3, SIZE, SIZE)
    for image in made:
        np.testing.assert_allclose(image.permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_the_training_images_are_those_that_models_of_the_object_are_trained_on() -> None:
    assert dict(TRAINING) == TRAINING_DATASET
    for domain, name in TRAINING.items():
        assert Retrieval.derived_from(domain) == TrainingMean.derived_from(domain) == name
    assert Unchanged.derived_from("cars") is None


@pytest.mark.parametrize("domain", ["faces", "cars"])
def test_what_is_looked_up_is_turned_and_lit_as_wanted(domain: Domain, trained: dict[Domain, Dataset]) -> None:
    """In the signs of the truth: a rotation about an axis that points down, an azimuth of the camera, a light that
    travels from the image's right to its left."""
    dataset = trained[domain]
    method = derived(Retrieval(domain=domain), dataset)
    images = to_float(dataset.images[:40])
    places = {image.tobytes(): row for row, image in enumerate(dataset.images)}

    def found(**asked: float) -> np.ndarray:
        made = (method.rerender(images, **asked) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        return np.array([places[image.tobytes()] for image in made])

    view, light = (np.asarray(dataset.truth[name], dtype=float) for name in ("view", "light"))
    if domain == "faces":
        yaw, azimuth = -np.degrees(view[:, 1]), -np.degrees(np.arctan2(light[:, 2], light[:, 4]))
        pitch = np.degrees(view[:, 0])
    else:
        yaw, pitch, azimuth = -view[:, 0], view[:, 1], light[:, 2]
    assert yaw[found(yaw=40.0)].mean() > yaw[found()].mean() + 15 > yaw[found(yaw=-40.0)].mean() + 30
    assert azimuth[found(light=40.0)].mean() > azimuth[found()].mean() + 10 > azimuth[found(light=-40.0)].mean() + 20
    assert pitch[found(pitch=30.0)].mean() > pitch[found(pitch=-30.0)].mean() + 3


def test_of_those_the_most_alike_is_looked_up(trained: dict[Domain, Dataset]) -> None:
    """Where all are turned and lit alike, a training image finds itself."""
    dataset = trained["faces"]
    alike = {name: np.repeat(values[:1], len(values), axis=0) for name, values in dataset.truth.items()}
    method = derived(
        Retrieval(), replace(dataset, images=dataset.images[:20], truth={n: v[:20] for n, v in alike.items()})
    )
    images = to_float(dataset.images[:20])
    assert torch.equal(method.rerender(images, yaw=15.0), images)


def test_only_some_of_very_many_are_looked_through(
    trained: dict[Domain, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerendered, "MOST", 30)
    kept = Retrieval().derive(trained["faces"], seed=0, progress=Silent())
    assert len(kept["images"]) == len(kept["compared"]) == len(kept["angles"]) == 30
    assert torch.equal(kept["images"][-1], torch.from_numpy(trained["faces"].images[-1])), "spread over the whole"


def test_photographs_do_not_say_how_they_are_turned(trained: dict[Domain, Dataset]) -> None:
    real = replace(trained["faces"], truth={}, synthetic=False)
    with pytest.raises(NotApplicable, match="utkface does not say how its objects are turned and lit"):
        Retrieval().derive(real, seed=0, progress=Silent())
    assert derived(TrainingMean(), real).rerender(torch.rand(1, 3, SIZE, SIZE)).shape == (1, 3, SIZE, SIZE)


def test_without_training_images_there_is_nothing_to_show() -> None:
    for cls in (TrainingMean, Retrieval):
        with pytest.raises(BenchError, match=f"{cls.__name__} knows no training images"):
            cls().rerender(torch.rand(1, 3, SIZE, SIZE))


def test_they_are_rows_of_what_is_rendered_anew_alone(tmp_path: object) -> None:
    asked = Options(methods="pdr", tasks="bbt,novel_view,relight_cars", profile="smoke").request()
    assert [entry.name for entry in asked.methods][-3:] == ["unchanged", "training_mean", "retrieval"]
    found = {(cell.method.name, cell.task.name) for cell in cells(asked, Store(tmp_path))}  # type: ignore[arg-type]
    own = {task for method, task in found if method == "retrieval"}
    assert own == {"novel_view", "relight_cars"}
    [cell] = [one for one in cells(asked, Store(tmp_path)) if one.name.startswith("retrieval/relight_cars")]  # type: ignore[arg-type]
    assert cell.derived_dataset is not None
    assert cell.derived_dataset.name == "shapenet_cars_train"
    assert cell.training_dataset is None
    renders = {name for name, entry in TASKS.entries().items() if entry.target.startswith("tasks.rerendered.")}
    assert len(renders) == 8
    assert set(METHODS.get("retrieval").tasks) == renders
    without = Options(methods="pdr", tasks="bbt", profile="smoke").request()
    assert "retrieval" not in [entry.name for entry in without.methods]
