"""Intersection over union by hand and by another library, its intervals, and the contact sheet."""

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.streams import generator
from tasks.base import Interval
from tasks.celeba_mask.pictures import COLOURS, LEGEND, coloured, mask_pictures
from tasks.contact_sheet import LINE, SCALE
from tasks.metrics.segmentation import (
    best_classes,
    confusions,
    intersection_over_union,
    segmentation_intervals,
    segmentation_metrics,
    usual_mask,
)

# Two images of 2 x 2 pixels and 4 classes: class 2 is only predicted, class 3 occurs nowhere.
TRUTH = np.array([[[0, 0], [1, 1]], [[0, 1], [1, 1]]], dtype=np.uint8)
PREDICTED = np.array([[[0, 1], [1, 2]], [[0, 1], [1, 0]]], dtype=np.uint8)


def test_by_hand() -> None:
    counts = confusions(TRUTH, PREDICTED, 4)
    assert counts[0].tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert counts[1].tolist() == [[1, 0, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    whole = counts.sum(axis=0)
    # class 0: 2 right, 1 missed, 1 wrongly; class 1: 3 right, 2 missed, 1 wrongly; class 2: 1 wrongly.
    assert intersection_over_union(whole)[:3].tolist() == [2 / 4, 3 / 6, 0]
    assert np.isnan(intersection_over_union(whole)[3])
    found = segmentation_metrics(whole)
    assert found["miou"] == pytest.approx((2 / 4 + 3 / 6 + 0) / 3)
    assert found["miou_top10"] == found["miou"]
    assert found["pixel_accuracy"] == 5 / 8


def test_the_ten_best_of_twelve() -> None:
    counts = np.diag(np.full(12, 10))
    counts[11, 0] = 10  # class 11: 10 of 20; class 0: 10 of 20
    counts[10, 1] = 30  # class 10: 10 of 40; class 1: 10 of 40
    found = segmentation_metrics(counts)
    assert found["miou"] == pytest.approx((8 + 2 * 0.5 + 2 * 0.25) / 12)
    assert found["miou_top10"] == pytest.approx((8 + 2 * 0.5) / 10)
    assert set(best_classes(counts)) == set(range(12)) - {1, 10}
    other = np.diag(np.arange(12)) + 1.0
    assert segmentation_metrics(counts, other)["miou_top10"] == pytest.approx((8 + 0.5 + 0.25) / 10)


def test_fewer_than_ten_classes() -> None:
    assert best_classes(confusions(TRUTH, PREDICTED, 4).sum(axis=0)).tolist() == [0, 1, 2]


def test_batches_are_scored_one_by_one() -> None:
    counts = generator(0, "counts").integers(0, 9, (5, 12, 12))
    counts[2, 3] = counts[2, :, 3] = 0
    found = segmentation_metrics(counts, counts[2])
    for index, own in enumerate(counts):
        expected = segmentation_metrics(own, counts[2])
        assert {name: values[index] for name, values in found.items()} == expected


def test_another_library_agrees() -> None:
    from methods.torchvision_compat import declare_missing_operators

    declare_missing_operators()
    from torchmetrics.functional.classification import multiclass_accuracy, multiclass_jaccard_index

    rng = generator(0, "maps")
    truth = rng.integers(0, 19, (6, 16, 16)).astype(np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 19, truth.shape)).astype(np.uint8)
    counts = confusions(truth, predicted, 19).sum(axis=0)
    given = torch.from_numpy(predicted), torch.from_numpy(truth).long(), 19
    expected = multiclass_jaccard_index(*given, average="none").numpy()
    np.testing.assert_allclose(intersection_over_union(counts), expected, rtol=1e-6)
    found = segmentation_metrics(counts)
    assert found["miou"] == pytest.approx(multiclass_jaccard_index(*given).item(), rel=1e-6)
    assert found["pixel_accuracy"] == pytest.approx(multiclass_accuracy(*given, average="micro").item(), rel=1e-6)


def test_intervals_are_those_of_resampled_images() -> None:
    counts = generator(0, "counts").integers(0, 50, (30, 5, 5))
    counts[:, range(5), range(5)] += generator(0, "right").integers(0, 200, (30, 1))
    counts[1:, 4] = counts[1:, :, 4] = 0  # a class that resamples may lack
    found = segmentation_intervals(counts, generator(0, "bootstrap"), 250)
    rng = generator(0, "bootstrap")
    drawn = np.concatenate([rng.integers(0, 30, (rows, 30)) for rows in (100, 100, 50)])
    whole = counts.sum(axis=0)
    every = [segmentation_metrics(counts[rows].sum(axis=0), whole) for rows in drawn]
    for name, interval in found.items():
        low, high = np.percentile([scores[name] for scores in every], [2.5, 97.5])
        assert interval == Interval(float(low), float(high), "items")
    assert segmentation_intervals(counts, generator(0, "bootstrap"), 250) == found


def test_equal_images_leave_no_doubt() -> None:
    counts = np.broadcast_to(np.array([[3, 1], [0, 4]]), (7, 2, 2))
    for name, interval in segmentation_intervals(counts, generator(0, "bootstrap"), 20).items():
        assert interval.low == interval.high == segmentation_metrics(counts.sum(axis=0))[name]


def test_the_usual_mask() -> None:
    parts = np.array([[[0, 2], [1, 1]], [[0, 2], [2, 0]], [[1, 1], [1, 0]]], dtype=np.uint8)
    assert usual_mask(parts, 3).tolist() == [[0, 2], [1, 0]]


def test_the_contact_sheet_shows_input_truth_and_prediction(tmp_path: Path) -> None:
    images = generator(0, "images").integers(0, 255, (3, 8, 8, 3)).astype(np.uint8)
    truth, predicted = np.zeros((3, 8, 8), np.uint8), np.full((3, 8, 8), 18, np.uint8)
    truth[1, 2, 3] = 7
    page = mask_pictures(images, truth, predicted, [f"class {number}" for number in range(19)])
    assert page.dtype == np.uint8
    assert page.shape == (LINE + 3 * 8 * SCALE, 3 * 8 * SCALE + LEGEND, 3)
    body = page[LINE::SCALE, : 3 * 8 * SCALE : SCALE]
    assert (body[:24, :8] == images.reshape(24, 8, 3)).all()
    assert (body[:24, 8:16] == coloured(truth).reshape(24, 8, 3)).all()
    assert (body[8 + 2, 8 + 3] == COLOURS[7]).all()
    assert (body[:24, 16:24] == COLOURS[18]).all()
    legend = page[LINE:, -LEGEND:].reshape(-1, 3)
    for number, there in ((0, True), (7, True), (18, True), (5, False)):
        assert (legend == COLOURS[number]).all(axis=1).any() == there
    assert len(np.unique(COLOURS, axis=0)) == 19
