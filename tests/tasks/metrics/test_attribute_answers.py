"""Balanced accuracy and average precision by attribute."""

import numpy as np
import pytest

from datasets.streams import generator
from tasks.metrics.attributes import average_precision, balanced_accuracy


def test_the_majoritys_answer_is_worth_one_half() -> None:
    truth = (np.arange(100) < 10).astype(np.int8)[:, None]
    assert balanced_accuracy(np.zeros((100, 1), np.uint8), truth).tolist() == [0.5]
    assert balanced_accuracy(truth.astype(np.uint8), truth).tolist() == [1]


def test_scores_that_tell_nothing_have_the_precision_of_the_present() -> None:
    rng = generator(0, "test")
    truth = (rng.random((4000, 1)) < 0.2).astype(np.int8)
    assert average_precision(rng.random((4000, 1)), truth)[0] == pytest.approx(truth.mean(), abs=0.02)
    assert average_precision(truth.astype(float), truth)[0] == 1


def test_unknown_ones_do_not_count_and_constant_ones_have_no_score() -> None:
    truth = np.array([[1, 1, -1], [0, 1, -1], [-1, 1, -1]])
    predicted = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]], np.uint8)
    np.testing.assert_array_equal(balanced_accuracy(predicted, truth), [1, np.nan, np.nan])
    np.testing.assert_array_equal(average_precision(predicted.astype(float), truth), [1, np.nan, np.nan])
