"""What a source may give."""

from typing import Any

import numpy as np
import pytest

from datasets.base import Content
from datasets.content import check_content
from datasets.errors import BenchError
from tests.unchecked import unchecked

WHOLE = Content(
    images=np.zeros((3, 8, 8, 3), np.uint8),
    labels={"identity": np.array([0, 1, -1])},
    classes={"identity": ("a", "b")},
    tracks=np.array([0, 0, 1]),
    track_names=("t0", "t1"),
    truth={"depth": np.zeros((3, 8, 8), np.float32)},
    skipped={"unreadable": 1},
)


def test_a_whole_content_passes() -> None:
    check_content(WHOLE, 8, "own")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((3, 8, 8, 3))}, r"images are float64 \(3, 8, 8, 3\): expected uint8 \(n, 8, 8, 3\)"),
        ({"images": np.zeros((3, 8, 9, 3), np.uint8)}, r"\(3, 8, 9, 3\)"),
        ({"images": [1]}, "images are a list"),
        ({"images": np.zeros((0, 8, 8, 3), np.uint8)}, "no image to read"),
        ({"labels": {"identity": [0, 1, 0]}}, "labels 'identity' are a list: expected an array of whole numbers"),
        ({"labels": {"identity": np.zeros(3)}}, "labels 'identity' are float64"),
        ({"labels": {"identity": np.zeros(2, int)}}, r"int64 \(2,\): expected .* 3 rows"),
        ({"labels": {"identity": np.array([0, 1, 2])}}, "go from 0 to 2: expected -1 .* to 1"),
        ({"classes": {"identity": (1, 2)}}, "names of 'identity' are not all text"),
        ({"tracks": np.array([0, 0, 2])}, "go from 0 to 2: expected one of the 2 tracks"),
        ({"tracks": np.array([0, 0, 0])}, "an image for each track"),
        ({"truth": {"depth": np.array([None] * 3)}}, "truth 'depth' are object"),
        ({"skipped": {"unreadable": "many"}}, "skipped 'unreadable' is 'many'"),
    ],
)
def test_anything_else_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=f"^own: .*{message}"):
        check_content(unchecked(WHOLE, **changes), 8, "own")
    with pytest.raises(BenchError, match=r"^own: read gave a list: expected datasets\.base\.Content"):
        check_content([], 8, "own")
