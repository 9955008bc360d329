"""Scenes rendered anew against the truth: perfect ones, copies, scenes turned the wrong way, and what is no image."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.base import Content, Dataset, Silent
from datasets.errors import BenchError
from datasets.synthetic.novel import MOVES, TURNS, FacesNovel, Move
from methods.rerendered import Unchanged
from tasks.base import EvaluationInputs, Model, Scores, Task
from tasks.contact_sheet import LINE
from tasks.metrics.likeness import BEST_PSNR, likeness
from tasks.rerendered.identity import recognised
from tasks.rerendered.targets import starts_of, targets
from tasks.rerendered.task import CURVES, NovelView, Relight, Rerendered

SIZE, PEOPLE = 32, 8
Check = Callable[[Task, Scores], list[str]]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    content: Content = FacesNovel.open("smoke").read(SIZE, Silent())
    return Dataset(
        content.images, content.labels, content.classes, truth=content.truth, name="faces_novel", synthetic=True
    )


class Knowing(Model):
    """Looks the truth up, by the image to start from; `moved` changes what is asked for beforehand."""

    def __init__(self, dataset: Dataset, moved: Callable[..., dict[str, float]] = lambda **asked: asked) -> None:
        self.dataset, self.moved, self.asked = dataset, moved, list[dict[str, float]]()

    def rerender(self, images: Tensor, *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0) -> Tensor:
        self.asked.append({"yaw": yaw, "pitch": pitch, "light": light})
        move = self.moved(yaw=yaw, pitch=pitch, light=light)
        place = MOVES.index(tuple(move[axis] for axis in ("yaw", "pitch", "light")))  # type: ignore[arg-type]
        starts = {self.dataset.images[row].tobytes(): row for row in starts_of(self.dataset)}
        given = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
        rows = [starts[image.tobytes()] + place for image in given]
        return torch.from_numpy(self.dataset.images[rows]).permute(0, 3, 1, 2).float() / 255


def scored(task: type[Rerendered], dataset: Dataset, method: Any) -> Scores:
    chosen = task()
    frames = chosen.frames(dataset, seed=0)
    return chosen.evaluate(EvaluationInputs(dataset, frames, seed=0, model=lambda: method))


@pytest.mark.parametrize("task", [NovelView, Relight])
def test_the_truth_is_as_like_as_can_be(task: type[Rerendered], dataset: Dataset, checked: Check) -> None:
    method = Knowing(dataset)
    scores = scored(task, dataset, method)
    captions = checked(task(), scores)
    assert any("psnr is at most 58.9 dB" in text for text in captions)
    assert any(f"of true images it tells {scores.metrics['identity']:.3f}" in text for text in captions)
    assert tuple(scores.metrics) == tuple(metric.name for metric in task().metrics)
    assert {asked[task.axis] for asked in method.asked} == {0.0, *TURNS, *([] if task is Relight else [0])}
    perfect = {name: value for name, value in scores.metrics.items() if name.startswith(("psnr", "ssim", "l1"))}
    best = {"psnr": BEST_PSNR, "ssim": 1.0, "l1": 0.0}
    assert perfect == pytest.approx({name: best[name.partition("_")[0].partition("@")[0]] for name in perfect})
    assert scores.metrics["identity"] == scores.details["probe"]["true"] > 0.5
    assert torch.is_grad_enabled()


def test_a_copy_scores_what_the_images_differ_by(dataset: Dataset) -> None:
    """By hand at one angle, and worse the further the view is."""
    scores = scored(NovelView, dataset, Unchanged())
    starts = np.arange(0, len(dataset), len(MOVES))
    place = 1 + TURNS.index(45.0)
    pictures = [torch.from_numpy(dataset.images[rows]).permute(0, 3, 1, 2) / 255 for rows in (starts, starts + place)]
    found = likeness(pictures[0], pictures[1], dataset.truth["silhouette"][starts + place])
    points = scores.details["sweep"]["by_metric"]
    at = points["psnr"]["angles"].index(45.0)
    for name in ("psnr", "ssim", "l1", "psnr_whole"):
        assert points[name]["mean"][at] == pytest.approx(found[name].mean(), rel=1e-6)
        assert scores.predictions[f"{name}_by_angle"][:, at] == pytest.approx(found[name], rel=1e-6)
    columns = [scores.metrics[f"psnr@{size}"] for size in (0, 15, 30, 45, 60)]
    assert columns == sorted(columns, reverse=True)
    assert columns[0] == pytest.approx(BEST_PSNR)
    assert columns[3] == pytest.approx((points["psnr"]["mean"][at] + points["psnr"]["mean"][1]) / 2)
    assert scores.metrics["psnr"] == pytest.approx(np.mean(columns[1:]))


def test_the_wrong_way_is_worse_than_a_copy_far_out(dataset: Dataset) -> None:
    wrong = scored(NovelView, dataset, Knowing(dataset, lambda **asked: {**asked, "yaw": -asked["yaw"]})).metrics
    copy = scored(NovelView, dataset, Unchanged()).metrics
    assert wrong["psnr@60"] < copy["psnr@60"]
    assert wrong["psnr"] < copy["psnr"]


def test_one_that_is_behind_a_copy_near_and_ahead_far_out_shows_just_that(dataset: Dataset) -> None:
    """A method that always turns by 45 degrees."""
    far = scored(
        NovelView, dataset, Knowing(dataset, lambda **asked: {**asked, "yaw": 45.0 * np.sign(asked["yaw"])})
    ).metrics
    copy = scored(NovelView, dataset, Unchanged()).metrics
    assert far["psnr@15"] < copy["psnr@15"]
    assert far["psnr@45"] > copy["psnr@45"] + 5
    assert far["psnr@60"] > copy["psnr@60"]


def test_every_score_is_the_mean_of_what_is_kept_of_each_scene(dataset: Dataset) -> None:
    scores = scored(Relight, dataset, Unchanged())
    assert np.array_equal(scores.predictions["frame"], np.arange(0, len(dataset), len(MOVES)))
    assert (scores.per_item.statistic, scores.per_item.identity, scores.per_item.groups) == ("mean", "frame", "")
    for name, value in scores.metrics.items():
        kept = scores.predictions[name]
        assert kept.shape == (PEOPLE,)
        assert kept.mean() == pytest.approx(value)
        interval = scores.intervals[name]
        assert interval.low <= value + 1e-9
        assert interval.high >= value - 1e-9
        assert interval.over == "scenes"
    curves = {chart.title: chart for chart in scores.charts if chart.kind == "curve"}
    assert set(curves) == {f"{name} by light" for name in CURVES}
    for curve in curves.values():
        assert curve.x == TURNS
        assert all(low <= y <= high for low, y, high in zip(curve.low, curve.y, curve.high, strict=True))
    assert scores.metrics["psnr_whole"] > scores.metrics["psnr"], "a copy has the background that a new light leaves"
    assert np.mean(curves["psnr by light"].y) == pytest.approx(scores.metrics["psnr"])
    assert np.mean(curves["identity by light"].y) == pytest.approx(scores.metrics["identity"])


def test_the_picture_has_the_truth_above_what_is_rendered(dataset: Dataset) -> None:
    pixels = scored(NovelView, dataset, Unchanged()).pictures["sweeps"].pixels
    one = dataset.images[5].repeat(2, axis=0).repeat(2, axis=1)
    side, top = 2 * SIZE, 2 * LINE
    # The start stands in the middle of the angles, after four of them.
    assert np.array_equal(pixels[top : top + side, 5 * side : 6 * side], one), "yaw 15 of the first person"
    copy = dataset.images[0].repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(pixels[top + side : top + 2 * side, 5 * side : 6 * side], copy)
    assert pixels.shape[1] == 9 * side


def test_strips_have_the_truth_and_what_is_rendered_in_turns(dataset: Dataset) -> None:
    pictures = scored(NovelView, dataset, Unchanged()).pictures
    assert set(pictures) == {"sweeps", "film-yaw", "film-pitch"}
    assert set(scored(Relight, dataset, Unchanged()).pictures) == {"sweeps", "film-light"}
    strip = pictures["film-yaw"]
    assert strip.rows == ("scene 1, truth", "scene 1", "scene 2, truth", "scene 2")
    assert strip.columns == ("-60", "-45", "-30", "-15", "0", "+15", "+30", "+45", "+60")
    parts = strip.pixels.reshape(4, SIZE, 9, SIZE, 3).transpose(0, 2, 1, 3, 4)
    second = len(MOVES)
    assert np.array_equal(parts[2, 5], dataset.images[second + MOVES.index(Move(yaw=15.0))])
    assert all(np.array_equal(picture, dataset.images[second]) for picture in parts[3])


def test_identity_is_told_from_what_the_probe_has_not_seen() -> None:
    """Two scenes of one colour each; the colours of the last angle are changed round."""
    true = np.zeros((2, 3, 8, 8, 3), dtype=np.uint8)
    true[0, ..., 0], true[1, ..., 1] = 200, 200
    rendered = true.copy()
    rendered[:, 2] = true[::-1, 2]
    found, known = recognised(rendered, true)
    assert known.all()
    assert found.tolist() == [[True, True, False]] * 2
    framed = true.copy()
    framed[:, :, :2] = framed[:, :, -2:] = framed[:, :, :, :2] = framed[:, :, :, -2:] = true[::-1, :, :2, :2].max()
    assert recognised(framed, true)[0].all(), "a background does not matter"


def test_another_order_of_images_changes_nothing(dataset: Dataset) -> None:
    order = np.random.default_rng(0).permutation(len(dataset))
    mixed = replace(
        dataset,
        images=dataset.images[order],
        labels={"identity": dataset.labels["identity"][order]},
        truth={name: values[order] for name, values in dataset.truth.items()},
    )
    starts = starts_of(mixed)
    for axis in ("yaw", "pitch", "light"):
        for angle, rows in targets(mixed, starts, axis).items():  # type: ignore[arg-type]
            assert np.array_equal(mixed.labels["identity"][rows], mixed.labels["identity"][starts])
            assert (mixed.truth["moved"][rows].sum(axis=1) == angle).all()
    one, other = (scored(NovelView, data, Unchanged()).metrics for data in (dataset, mixed))
    assert other == pytest.approx(one)


class Giving(Model):
    """Gives the same whatever it is asked for."""

    def __init__(self, change: Callable[[Tensor], object]) -> None:
        self.change = change

    def rerender(self, images: Tensor, **asked: float) -> object:
        return self.change(images)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda images: images[:, :1], r"gave \(8, 1, 32, 32\): expected a tensor \(8, 3, 32, 32\)"),
        (lambda images: images[1:], r"gave \(7, 3, 32, 32\)"),
        (lambda images: images.numpy(), "gave ndarray"),
        (lambda images: None, "gave NoneType"),
        (lambda images: images * 2 - 1, "no numbers in"),
        (lambda images: images * torch.nan, "no numbers in"),
    ],
)
def test_what_is_no_image_of_each_is_said(change: Callable[[Tensor], object], text: str, dataset: Dataset) -> None:
    with pytest.raises(BenchError, match=f"rerender .*{text}"):
        scored(NovelView, dataset, Giving(change))


def without(dataset: Dataset, **truth: np.ndarray | None) -> Dataset:
    kept = {**dataset.truth, **truth}
    return replace(dataset, truth={name: values for name, values in kept.items() if values is not None})


def test_a_dataset_that_lacks_something_is_said(dataset: Dataset) -> None:
    moved = dataset.truth["moved"]
    hole = dataset.truth["silhouette"].copy()
    hole[3] = False
    twice = moved.copy()
    twice[1] = moved[2]
    nodding = (moved[:, :1] != 0) * np.float32([0, 5, 0])
    for wrong, text in [
        (without(dataset, moved=None), "needs the true moved of each image; its truth is: light, silhouette, view"),
        (without(dataset, silhouette=None), "needs the true silhouette"),
        (without(dataset, silhouette=hole[:, 1:]), r"its true silhouette is \(168, 31, 32\), expected \(168, 32, 32\)"),
        (without(dataset, silhouette=hole), "a silhouette with yaw moved by -30 is empty"),
        (without(dataset, moved=moved + 1), "no image to start from"),
        (without(dataset, moved=twice), "expected one image of every scene with yaw moved by -60"),
        (without(dataset, moved=moved * np.float32([0, 1, 1])), "several images of a scene to start from"),
        (without(dataset, moved=np.where(moved == 45, np.float32(np.nan), moved)), "moved holds what is no number"),
        (without(dataset, moved=moved + nodding), "no image has its yaw moved alone"),
        (replace(dataset, labels={}), "needs the label identity"),
    ]:
        with pytest.raises(BenchError, match=text) as caught:
            scored(NovelView, wrong, Unchanged())
        assert "\n" not in str(caught.value)


def test_one_scene_alone_is_none_to_tell_from_another(dataset: Dataset) -> None:
    alone = replace(
        dataset,
        images=dataset.images[: len(MOVES)],
        labels={"identity": dataset.labels["identity"][: len(MOVES)]},
        truth={name: values[: len(MOVES)] for name, values in dataset.truth.items()},
    )
    with pytest.raises(BenchError, match="one scene alone: expected at least two"):
        scored(NovelView, alone, Unchanged())
