"""What a row says of the precision of its trainings beside published figures."""

from typing import Any

import pytest
from record_factory import record

from bench.results import table as tables
from bench.results.table.build import precisions

NOTE = "trained in bf16-mixed; published figures are of float32 trainings"
BFLOAT16, FLOAT32 = {"steps": 4, "precision": "bf16-mixed"}, {"steps": 4, "precision": "32-true"}


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ({}, set()),
        (FLOAT32, {"32-true"}),
        ({"gan": FLOAT32, "e4e": BFLOAT16, "seconds": 2.0}, {"32-true", "bf16-mixed"}),
        ({"trainings": {"frozen_16": FLOAT32}, "labels": ["bf16-mixed"]}, {"32-true"}),
    ],
)
def test_every_training_counts_wherever_it_stands(summary: Any, found: set[str]) -> None:
    assert precisions(summary) == found


@pytest.mark.parametrize(
    ("method", "training", "noted"),
    [("pdr", BFLOAT16, True), ("pdr", FLOAT32, False), ("mine.py:Mine", BFLOAT16, False)],
)
def test_bfloat16_is_noted_where_a_published_figure_stands_beside(
    method: str, training: dict[str, Any], noted: bool
) -> None:
    [section] = tables.build([record(method, "bbt", training=training)]).sections
    assert (NOTE in section.notes) is noted
