"""What a record notes of how its numbers came about."""

from typing import Any

import pytest

from bench.pipeline.record_builder import precision_notes
from tasks.results import Scores

NOTE = ["trained in bf16-mixed; published figures are of float32 trainings"]
BFLOAT16, FLOAT32 = {"steps": 4, "precision": "bf16-mixed"}, {"steps": 4, "precision": "32-true"}


@pytest.mark.parametrize(
    ("training", "details", "notes"),
    [
        ({}, {}, []),
        (FLOAT32, {}, []),
        (BFLOAT16, {}, NOTE),
        ({"gan": FLOAT32, "e4e": BFLOAT16, "seconds": 2.0}, {}, NOTE),
        (FLOAT32, {"trainings": {"frozen_16": FLOAT32, "finetuned_16": BFLOAT16}}, NOTE),
        (FLOAT32, {"trainings": {"frozen_16": FLOAT32}, "labels": ["bf16-mixed"]}, []),
    ],
)
def test_a_training_in_bfloat16_is_noted(training: Any, details: Any, notes: list[str]) -> None:
    """The method's, in one stage or in several, or one of the task's own."""
    assert precision_notes({"training": training, "notes": []}, Scores({"accuracy": 0.5}, details=details)) == notes
    if not training:
        assert precision_notes({"notes": []}, Scores({"accuracy": 0.5})) == [], "a method without weights"
