"""Accuracy over attributes, its bootstrap, the majority's answer."""

import numpy as np
import pytest

from datasets.streams import generator
from tasks.celeba_linear.scores import (
    accuracy_intervals,
    accuracy_per_attribute,
    majority,
    majority_accuracy,
    mean_accuracy,
)

# Attributes: all known, partly known, never known.
TRUTH = np.array([[1, 0, -1], [1, -1, -1], [0, 1, -1], [0, -1, -1]], dtype=np.int8)
PREDICTED = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=np.uint8)


def test_unknown_attributes_are_left_out() -> None:
    np.testing.assert_array_equal(accuracy_per_attribute(PREDICTED, TRUTH), [0.75, 0.5, np.nan])
    assert mean_accuracy(PREDICTED, TRUTH) == pytest.approx((0.75 + 0.5) / 2)


def test_each_attribute_counts_the_same() -> None:
    """However many images it is known of."""
    truth = np.array([[1, 1], [1, -1], [1, -1], [1, -1]], dtype=np.int8)
    predicted = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], dtype=np.uint8)
    assert mean_accuracy(predicted, truth) == 0.5


def test_the_majority_is_of_the_known_and_a_tie_is_no() -> None:
    labelled = np.array([[1, 1, 1, -1], [1, -1, 0, -1], [0, -1, -1, -1]], dtype=np.int8)
    assert majority(labelled).tolist() == [1, 1, 0, 0]


def test_majority_accuracy_is_of_the_labelled_images_majority_on_the_tested_ones() -> None:
    labelled = np.array([[1, 0], [1, 0], [0, 0]], dtype=np.int8)
    tested = np.array([[1, 0], [0, 0], [0, 1], [0, 1]], dtype=np.int8)
    assert majority_accuracy(labelled, tested) == pytest.approx((0.25 + 0.5) / 2)


def random_answers(count: int, right: float, name: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Attributes (count, 40), a tenth unknown, and predictions of which `right` are right."""
    rng = generator(0, name)
    truth = rng.integers(0, 2, (count, 40)).astype(np.int8)
    predicted = np.where(rng.random(truth.shape) < right, truth, 1 - truth).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = -1
    return truth, predicted


def test_intervals_are_a_bootstrap_over_images() -> None:
    truth, predicted = random_answers(200, 0.8)
    found = accuracy_intervals({"a": predicted}, truth, generator(0, "bootstrap"), resamples=150)["a"]
    rng = generator(0, "bootstrap")
    drawn = np.concatenate([rng.integers(0, 200, (100, 200)), rng.integers(0, 200, (50, 200))])
    expected = np.percentile([mean_accuracy(predicted[rows], truth[rows]) for rows in drawn], [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert found.over == "items"
    assert found.low < mean_accuracy(predicted, truth) < found.high


def test_images_whose_attributes_go_together_widen_the_interval() -> None:
    """An image is drawn with all its attributes."""
    rng = generator(0, "test")
    truth = np.ones((200, 40), dtype=np.int8)
    apart = (rng.random(truth.shape) < 0.8).astype(np.uint8)
    together = np.repeat((rng.random((200, 1)) < 0.8).astype(np.uint8), 40, axis=1)
    found = accuracy_intervals({"apart": apart, "together": together}, truth, generator(0, "bootstrap"))
    assert found["together"].high - found["together"].low > 4 * (found["apart"].high - found["apart"].low)


def test_resamples_are_shared_and_repeatable() -> None:
    truth, predicted = random_answers(50, 0.8)
    _, worse = random_answers(50, 0.5, "other")
    both = accuracy_intervals({"a": predicted, "b": worse}, truth, generator(0, "bootstrap"))
    alone = accuracy_intervals({"b": worse}, truth, generator(0, "bootstrap"))
    assert both["b"] == alone["b"] != both["a"]


def test_an_attribute_that_a_resample_does_not_know_is_left_out_of_it() -> None:
    truth = np.array([[1, 1]] + [[1, -1]] * 20, dtype=np.int8)
    right = np.ones((21, 2), dtype=np.uint8)
    found = accuracy_intervals({"a": right}, truth, generator(0, "bootstrap"))["a"]
    assert (found.low, found.high) == (1, 1)
