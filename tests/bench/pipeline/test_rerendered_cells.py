"""Scenes rendered anew, from request to page: reference rows of these tasks, and who renders none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.execution.invocations import invocations
from bench.pipeline.predictions import pictures_of, predictions_of, strips_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.report.page import render

Grid = Callable[..., tuple[int, list[Record]]]


def test_a_copy_beside_what_is_looked_up_and_one_that_renders_nothing(grid: Grid, tmp_path: Path) -> None:
    code, records = grid("unchanged,retrieval,raw_pixels", tasks="novel_view_cars")
    assert code == 0, [record.error for record in records]
    copy, looked_up, pixels = records
    assert (pixels.status, pixels.error) == ("not_applicable", "raw_pixels renders no new view")
    assert "derive" in looked_up.stages
    assert "derive" not in copy.stages
    assert copy.metrics["psnr@0"] > copy.metrics["psnr@15"] > copy.metrics["psnr@60"]
    assert looked_up.metrics["psnr@0"] < copy.metrics["psnr@0"]

    store = Store(tmp_path / "store")
    kept = predictions_of(copy, store)
    assert kept["psnr_by_angle"].shape == (8, 9)
    assert np.mean(kept["psnr"]) == pytest.approx(copy.metrics["psnr"])
    assert [path.name for path, _ in pictures_of(copy, store)] == ["unchanged-novel_view_cars-0-sweeps.png"]
    assert {len(picture.rows) for _, picture in strips_of(copy, store)} == {4}

    table = tables.build(records)
    [section] = table.sections
    assert [row.method for row in section.rows if row.reference][-3:] == ["unchanged", "training_mean", "retrieval"]
    assert any("told among 8 by a ridge classifier" in text for text in (*section.captions, *table.captions))
    [run] = invocations(store.root)
    page = render(run, records, store)
    assert page.count("<h3>psnr by yaw</h3>") == page.count("<h3>identity by yaw</h3>") == 1
    assert page.count(">scene 1: unchanged</th>") == page.count(">scene 1: retrieval</th>") == 2, "by yaw and by pitch"
    assert page.count(">scene 1, truth</th>") == 2


def test_a_new_light_says_so(grid: Grid) -> None:
    code, records = grid("raw_pixels,random_init", tasks="relight")
    assert code == 0
    assert [record.error for record in records] == [
        f"{name} renders under no other light" for name in ("raw_pixels", "random_init")
    ]
