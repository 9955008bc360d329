"""The five rows of celeba_mask, from request to record, table and page."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.execution.invocations import invocations
from bench.pipeline.predictions import pictures_of, predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.report.page import render

Grid = Callable[..., tuple[int, list[Record]]]

ROWS = ("unet_random_init", "pdr_unet_geometry", "pdr_unet_albedo", "pdr_unet_joint", "pdr_unet_joint_frozen")
QUICK = ["pdr_unet.schedule.max_steps=2", "celeba_mask.train_images=8", "celeba_mask.test_images=6"]


@pytest.fixture
def rows(grid: Grid, tmp_path: Path) -> tuple[list[Record], Store]:
    code, records = grid("unet_*,pdr_unet_*,raw_pixels", tasks="celeba_mask", settings=QUICK)
    assert code == 0, [record.error for record in records]
    return records, Store(tmp_path / "store")


def test_five_rows_share_one_training(rows: tuple[list[Record], Store], grid: Grid) -> None:
    records, store = rows
    by_name = {record.method: record for record in records}
    assert by_name["raw_pixels"].status == "not_applicable"
    untrained, *trained = (by_name[name] for name in ROWS)
    assert len({record.stages["fit"].key for record in trained}) == 1
    assert len({record.weights_sha256 for record in trained}) == 1
    assert untrained.weights_sha256 != trained[0].weights_sha256
    assert not untrained.training
    assert trained[0].training["steps"] == 2
    assert len({record.key for record in records}) == 6
    sizes = {name: by_name[name].details["parameters"] for name in ROWS}
    assert sizes["unet_random_init"] == sizes["pdr_unet_geometry"] == sizes["pdr_unet_albedo"]
    assert sizes["pdr_unet_joint"]["trained"] == sizes["pdr_unet_joint"]["total"]
    assert sizes["pdr_unet_joint_frozen"]["total"] == sizes["pdr_unet_joint"]["total"]
    assert sizes["pdr_unet_joint_frozen"]["trained"] < sizes["unet_random_init"]["trained"], "as the paper says"
    again = grid("unet_*,pdr_unet_*,raw_pixels", tasks="celeba_mask", settings=QUICK)[1]
    assert again[:5] == records[:5], "nothing is computed twice"

    [last, first] = sorted(invocations(store.root), key=lambda run: run.started, reverse=True)
    for record in (by_name[name] for name in ROWS):
        assert record.predictions is not None
        [(picture, caption)] = pictures_of(record, store)
        assert picture.name == f"{record.method}-celeba_mask-0-masks.png"
        assert any(Path(name).name == picture.name for name in first.figures)
        assert (np.asarray(Image.open(picture))[:14, :100] != 255).any(), "names of columns"
        assert sorted(predictions_of(record, store)) == ["confusion", "frame", "mask"]
    assert first.figures[:-1] == last.figures[:-1], "the page apart, which is each run's own"

    [section] = tables.build(records).sections
    assert section.names == ("miou", "miou_top10", "pixel_accuracy")
    assert [row.method for row in section.rows if not row.reference] == list(ROWS)
    assert [row.scores[0].published for row in section.rows[:5]] == [0.3862, 0.4066, 0.3987, 0.439, 0.3962]
    assert all(row.scores[0].difference is None for row in section.rows), "drawn images are not the paper's"
    page = render(first, records, store)
    assert page.count(f"<figcaption>{caption}</figcaption>") == 5, "the truth beside each method's own"
