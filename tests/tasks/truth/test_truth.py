"""Scenes against the truth of drawn faces: perfect ones, trivial ones, and those that are none."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from datasets.base import Dataset
from datasets.derendered import Derendered
from datasets.errors import BenchError
from datasets.synthetic.faces.render import render
from datasets.synthetic.faces.rendered import Rendered
from datasets.synthetic.sources import FacesTruth, FacesTruthUnmatched
from tasks.base import EvaluationInputs, Model, Scores, Task
from tasks.contact_sheet import LINE
from tasks.metrics.scenes import angles, inner
from tasks.results import PerItem
from tasks.truth import task as module
from tasks.truth.scenes import true_scenes, truth_of
from tasks.truth.task import METRICS, Truth, TruthUnmatched

COUNT = 5


@pytest.fixture(scope="module")
def drawn() -> Rendered:
    return render(list(islice(FacesTruth.open("smoke").faces(), COUNT)))


@pytest.fixture(scope="module")
def dataset(drawn: Rendered) -> Dataset:
    source = FacesTruth.open("smoke")
    columns = source.columns(list(islice(source.faces(), COUNT)), drawn)
    content = source.content(columns.pop("images"), columns)
    return Dataset(content.images, truth=content.truth, name="faces_truth", synthetic=True)


@pytest.fixture
def perfect(dataset: Dataset) -> Derendered:
    truth = dataset.truth
    view = torch.from_numpy(Rotation.from_euler("xyz", truth["view"][:, :3]).as_matrix())
    return Derendered(
        depth=torch.from_numpy(truth["depth"]),
        albedo=torch.from_numpy(truth["albedo"].astype(np.float32)).permute(0, 3, 1, 2),
        covered=torch.from_numpy(truth["coverage"] > 0),
        light=torch.from_numpy(truth["light"][:, 2:]),
        rotation=view.float(),
    )


class Saying(Model):
    """A method that says the same whatever it is shown, rows in turn."""

    def __init__(self, scenes: Derendered) -> None:
        self.scenes, self.said = scenes, 0

    def derender(self, images: Tensor) -> Derendered:
        assert images.shape[1:] == (3, 64, 64)
        part = slice(self.said, self.said + len(images))
        self.said += len(images)
        names = ("depth", "albedo", "covered", "light", "rotation")
        return Derendered(**{name: getattr(self.scenes, name)[part] for name in names})


def scored(dataset: Dataset, method: Any, frames: np.ndarray | None = None) -> Scores:
    frames = np.arange(len(dataset)) if frames is None else frames
    return Truth().evaluate(EvaluationInputs(dataset, frames, seed=0, model=lambda: method))


def test_the_truth_has_no_error(dataset: Dataset, perfect: Derendered) -> None:
    scores = scored(dataset, Saying(perfect))
    assert tuple(scores.metrics) == METRICS
    assert scores.metrics == pytest.approx(dict.fromkeys(METRICS, 0), abs=1e-4)
    assert scores.details["scenes"] == {"covered": 1, "missed": 0}
    assert torch.is_grad_enabled()


def test_what_nobody_can_know_costs_nothing(dataset: Dataset, perfect: Derendered) -> None:
    """Scales of depth and albedo, the length of light, and the canonical pose but in `view_deg`."""
    pose = torch.from_numpy(Rotation.from_euler("x", 15, degrees=True).as_matrix()).float()
    free = replace(
        perfect,
        depth=perfect.depth * 3,
        albedo=perfect.albedo / 2,
        light=perfect.light * 7,
        rotation=perfect.rotation @ pose,
    )
    found = scored(dataset, Saying(free)).metrics
    assert found.pop("view_deg") == pytest.approx(15, abs=1e-3)
    assert found == pytest.approx(dict.fromkeys(found, 0), abs=1e-2)


def test_nothing_known_scores_what_stands_beside_every_score(dataset: Dataset, perfect: Derendered) -> None:
    light = torch.from_numpy(dataset.truth["light"][:, 2:].mean(axis=0))
    nothing = Derendered(
        depth=torch.full_like(perfect.depth, 1.3),
        albedo=torch.full_like(perfect.albedo, 0.2),
        covered=torch.ones_like(perfect.covered),
        light=light.expand(COUNT, -1),
        rotation=torch.eye(3).expand(COUNT, -1, -1),
    )
    scores = scored(dataset, Saying(nothing))
    trivial = scores.details["trivial"]
    names = ("plane", "plane", "mean light", "frontal", "mean view", "grey")
    for name, what in zip(METRICS, names, strict=True):
        assert scores.metrics[name] == pytest.approx(trivial[name][what], rel=1e-3), name


def test_trivial_scores_by_hand(dataset: Dataset, perfect: Derendered) -> None:
    truth, trivial = dataset.truth, scored(dataset, Saying(perfect)).details["trivial"]
    masks = inner(truth["coverage"] == 1)
    spread = [100 * np.log(truth["depth"][k][mask].astype(float)).std() for k, mask in enumerate(masks)]
    assert trivial["side_percent"]["plane"] == pytest.approx(np.mean(spread), rel=1e-6)
    albedo = [truth["albedo"][k][mask].astype(float) for k, mask in enumerate(masks)]
    assert trivial["albedo_rmse"]["grey"] == pytest.approx(np.mean([values.std() for values in albedo]), rel=1e-6)
    residuals = []
    for values, image, mask in zip(albedo, dataset.images, masks, strict=True):
        gain = np.linalg.lstsq(image[mask].reshape(-1, 1).astype(float), values.ravel(), rcond=None)[0]
        residuals.append(np.sqrt(np.mean((image[mask] * gain - values) ** 2)))
    assert trivial["albedo_rmse"]["input"] == pytest.approx(np.mean(residuals), rel=1e-6)
    mean = truth["light"][:, 2:].mean(axis=0)
    cosine = truth["light"][:, 2:] @ mean / np.linalg.norm(mean)
    assert trivial["light_deg"]["mean light"] == pytest.approx(np.degrees(np.arccos(cosine)).mean(), rel=1e-4)
    turn = Rotation.from_euler("xyz", truth["view"][:, :3])
    assert trivial["view_deg"]["frontal"] == pytest.approx(np.degrees(turn.magnitude()).mean(), rel=1e-5)
    around = np.degrees((turn * turn.mean().inv()).magnitude()).mean()
    assert trivial["view_aligned_deg"]["mean view"] == pytest.approx(around, rel=1e-5)


def test_the_truths_conventions(dataset: Dataset, drawn: Rendered) -> None:
    """Normals of its depth maps are those it was shaded with, and its light shades them as the image says."""
    true = true_scenes(truth_of(dataset))
    mask = inner(true.covered)
    assert np.median(angles(true.normal, drawn.normal)[mask]) < 5
    for k in range(COUNT):
        ambient, diffuse = dataset.truth["light"][k, :2]
        shading = ambient + diffuse * (true.normal[k] @ true.light[k]).clip(0)
        shaded = (true.albedo[k] * shading[..., None]).clip(0, 1)
        assert np.median(np.abs(shaded * 255 - dataset.images[k])[mask[k]]) < 6


def test_scores_are_the_means_of_what_is_kept(dataset: Dataset, perfect: Derendered) -> None:
    wrong = replace(perfect, light=perfect.light + torch.linspace(0, 1, COUNT)[:, None], depth=perfect.depth**2)
    scores = scored(dataset, Saying(wrong))
    for name in METRICS:
        assert scores.metrics[name] == pytest.approx(np.mean(scores.predictions[name])), name
        interval = scores.intervals[name]
        assert interval.low <= scores.metrics[name] + 1e-12, name
        assert interval.high >= scores.metrics[name] - 1e-12, name
    assert scores.metrics["light_deg"] > 1
    assert scores.predictions["light"].shape == (COUNT, 3)
    assert scores.predictions["rotation"].shape == (COUNT, 3, 3)
    assert list(scores.predictions["frame"]) == list(range(COUNT))


def test_blocks_change_nothing(dataset: Dataset, perfect: Derendered, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(perfect, depth=perfect.depth**2)
    whole = scored(dataset, Saying(wrong))
    monkeypatch.setattr(module, "BATCH", 2)
    parts = scored(dataset, Saying(wrong))
    assert (parts.metrics, parts.intervals, parts.details) == (whole.metrics, whole.intervals, whole.details)


def test_some_of_the_images(dataset: Dataset, perfect: Derendered) -> None:
    frames = np.array([1, 3])
    some = Derendered(**{name: value[frames] for name, value in vars(perfect).items()})
    scores = scored(dataset, Saying(some), frames)
    assert scores.metrics["side_percent"] == pytest.approx(0, abs=1e-6)
    assert list(scores.predictions["frame"]) == [1, 3]


def test_a_scene_beside_its_object_is_left_out_and_counted(dataset: Dataset, perfect: Derendered) -> None:
    covered = perfect.covered.clone()
    covered[2] = False
    scores = scored(dataset, Saying(replace(perfect, covered=covered)))
    assert scores.details["scenes"] == {"covered": pytest.approx(0.8), "missed": 1}
    assert np.flatnonzero(np.isnan(scores.predictions["side_percent"])).tolist() == [2]
    assert np.isfinite(scores.predictions["view_deg"]).all()
    assert scores.metrics["side_percent"] == pytest.approx(0, abs=1e-6)
    with pytest.raises(BenchError, match="no predicted scene covers its object"):
        scored(dataset, Saying(replace(perfect, covered=torch.zeros_like(covered))))


def test_only_pixels_that_the_prediction_covers_are_scored(dataset: Dataset, perfect: Derendered) -> None:
    covered = perfect.covered.clone()
    covered[:, :, :32] = False
    depth = torch.where(covered, perfect.depth, torch.nan)
    scores = scored(dataset, Saying(replace(perfect, covered=covered, depth=depth)))
    assert scores.metrics["side_percent"] == pytest.approx(0, abs=1e-6)
    assert scores.metrics["normal_deg"] == pytest.approx(0, abs=1e-4)
    assert 0.2 < scores.details["scenes"]["covered"] < 0.8


BAD: dict[str, Callable[[Derendered], Derendered]] = {
    "depth must be finite and positive": lambda s: replace(s, depth=-s.depth),
    "albedo must be finite": lambda s: replace(s, albedo=s.albedo * torch.nan),
    "light must have a direction": lambda s: replace(s, light=s.light * 0),
    "rotation must be a rotation matrix": lambda s: replace(s, rotation=s.rotation * 2),
    "rotation must be": lambda s: replace(s, rotation=-s.rotation),
    "rotation must": lambda s: replace(s, rotation=s.rotation * torch.nan),
    r"depth is \(4, 64, 64\), expected \(5, 64, 64\)": lambda s: Derendered(*(v[:4] for v in vars(s).values())),
}


@pytest.mark.parametrize("text", BAD)
def test_scenes_that_are_none_say_why(dataset: Dataset, perfect: Derendered, text: str) -> None:
    with pytest.raises(BenchError, match=f"derender: {text}"):
        scored(dataset, Saying(BAD[text](perfect)))


def test_shapes_are_enforced(perfect: Derendered) -> None:
    with pytest.raises(Exception, match="Type-check"):
        replace(perfect, light=perfect.light[:, :2])


def test_a_dataset_without_the_truth_says_so(dataset: Dataset, perfect: Derendered) -> None:
    bare = {name: values for name, values in dataset.truth.items() if name != "albedo"}
    with pytest.raises(BenchError, match="needs the true albedo of each image; its truth is: coverage, depth, "):
        scored(replace(dataset, truth=bare), Saying(perfect))
    short = {**dataset.truth, "light": dataset.truth["light"][:, :2]}
    with pytest.raises(BenchError, match=r"its true light is \(5, 2\), expected \(5, 5\)"):
        scored(replace(dataset, truth=short), Saying(perfect))


def test_the_picture(dataset: Dataset, perfect: Derendered) -> None:
    scenes = scored(dataset, Saying(perfect)).pictures["scenes"].pixels
    assert scenes.dtype == np.uint8
    assert scenes.shape == (LINE + 2 * 64 * COUNT, 7 * 128, 3)
    body = scenes[LINE:].reshape(128 * COUNT, 7, 128, 3)
    whole = dataset.truth["coverage"] == 1
    outside, inside = (mask.repeat(2, 1).repeat(2, 2).reshape(-1, 128) for mask in (~whole, inner(whole)))
    for true, found in ((1, 2), (3, 4), (5, 6)):
        assert np.abs(body[:, true].astype(int) - body[:, found])[inside].max() <= 1
        assert np.ptp(body[:, true][inside]) > 200
        assert (body[:, true][outside] == 128).all(), "empty around the object"


def test_scores_are_declared_and_explained(
    dataset: Dataset, perfect: Derendered, checked: Callable[[Task, Scores], list[str]]
) -> None:
    covered = perfect.covered.clone()
    covered[2] = False
    scores = scored(dataset, Saying(replace(perfect, covered=covered)))
    trivial = scores.details["trivial"]
    (without,) = checked(Truth(), scores)
    assert without.startswith(
        f"Without a model: albedo_rmse {trivial['albedo_rmse']['grey']:.3f} (grey), "
        f"{trivial['albedo_rmse']['input']:.3f} (input); "
        f"light_deg {trivial['light_deg']['mean light']:.3f} (mean light);"
    )
    assert scores.notes == [
        "its scenes cover 80 % of the objects, where alone their maps are scored",
        "maps of 1 images cover nothing of the object and are left out",
    ]
    assert len(scored(dataset, Saying(perfect)).notes) == 1
    assert scores.per_item == PerItem()
    assert scores.metrics.keys() <= scores.predictions.keys()
    assert "Near is bright." in scores.pictures["scenes"].caption


def test_the_truth_of_the_other_world_has_no_error_either() -> None:
    """But for normals: the truth's are those of its 30 degree camera, predicted ones those of Unsup3D's."""
    source = FacesTruthUnmatched.open("smoke")
    faces = list(islice(source.faces(), COUNT))
    columns = source.columns(faces, drawn := render(faces))
    content = source.content(columns.pop("images"), columns)
    dataset = Dataset(content.images, truth=content.truth, name=source.name, synthetic=True)
    truth = dataset.truth
    true = true_scenes(truth_of(dataset))
    mask = inner(true.covered)
    assert np.median(angles(true.normal, drawn.normal)[mask]) < 5
    same = Derendered(
        depth=torch.from_numpy(truth["depth"]),
        albedo=torch.from_numpy(truth["albedo"].astype(np.float32)).permute(0, 3, 1, 2),
        covered=torch.from_numpy(truth["coverage"] > 0),
        light=torch.from_numpy(truth["light"][:, 2:]),
        rotation=torch.from_numpy(Rotation.from_euler("xyz", truth["view"][:, :3]).as_matrix()).float(),
    )
    inputs = EvaluationInputs(dataset, np.arange(COUNT), seed=0, model=lambda: Saying(same))
    scores = TruthUnmatched().evaluate(inputs)
    assert scores.metrics.pop("normal_deg") > 1
    assert scores.metrics == pytest.approx(dict.fromkeys(scores.metrics, 0), abs=1e-4)
    assert scores.captions[0].text.startswith("True normals are those of the dataset's camera")
    wrong = {**truth, "field_of_view": np.linspace(10, 30, COUNT, dtype=np.float32)}
    with pytest.raises(BenchError, match=r"field_of_view must be one number per image, the same for all"):
        truth_of(Dataset(content.images, truth=wrong, name=source.name, synthetic=True))
