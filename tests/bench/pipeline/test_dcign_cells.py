"""DC-IGN on every task that it applies to, from request to page."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.execution.invocations import invocations
from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.report.page import render

Grid = Callable[..., tuple[int, list[Record]]]
NOT_APPLICABLE = {
    "celeba_mask": "dcign has no feature pyramid to segment with",
    "truth": "dcign takes no image apart into depth, albedo, light and view",
    "truth_unmatched": "dcign takes no image apart into depth, albedo, light and view",
    **dict.fromkeys(
        ("few_shot_parts", "few_shot_car_parts", "keypoints", "car_keypoints"),
        "dcign has no maps of features to tell the part of a pixel from",
    ),
}


@pytest.mark.timeout(900)
def test_every_task_that_it_applies_to(grid: Grid) -> None:
    code, records = grid("dcign", tasks="all")
    assert code == 0, [(record.task, record.error) for record in records if record.status == "failed"]
    lacking = {record.task: record.error for record in records if record.status == "not_applicable"}
    assert lacking == NOT_APPLICABLE
    done = [record for record in records if record.status == "ok"]
    scored = {record.task for record in done}
    assert scored >= {"bbt", "yaleb", "celeba_linear", "shapenet_cars", "factor_codes", "factor_codes_cars"}
    for record in done:
        assert record.training_dataset is not None
        kind = "cars" if "cars" in record.task else "faces"
        assert record.training_dataset.name == f"{kind}_factors"
        assert f"trained on drawn {kind} ({kind}_factors)" in record.notes
        assert record.citations.method == ["kulkarni2015dcign"]
    assert len({record.weights_sha256 for record in done}) == 2, "one model of faces, one of cars"
    assert {record.feature_size for record in done if record.feature_size} == {9}


def test_the_groups_of_its_code_and_the_entangled_network(grid: Grid, tmp_path: Path) -> None:
    methods = "dcign,dcign[features=extrinsic],dcign[features=all],dcign_entangled,random_init"
    code, records = grid(methods, tasks="bbt,factor_codes")
    assert code == 0, [record.error for record in records]
    by_name = {record.name: record for record in records}
    sizes = {
        name: record.feature_size for name, record in by_name.items() if name.startswith("dcign") and "bbt" in name
    }
    assert sizes == {
        "dcign/bbt/0": 9,
        "dcign[features=extrinsic]/bbt/0": 3,
        "dcign[features=all]/bbt/0": 12,
        "dcign_entangled/bbt/0": 9,
    }
    clamped, entangled = (by_name[f"{name}/factor_codes/0"] for name in ("dcign", "dcign_entangled"))
    assert by_name["dcign[features=all]/bbt/0"].weights_sha256 == clamped.weights_sha256 != entangled.weights_sha256
    assert any("without clamps" in note for note in entangled.notes)
    assert not any("without clamps" in note for note in clamped.notes)
    untrained = by_name["random_init/factor_codes/0"].details
    assert (untrained["declared"], untrained["code"]) == (["azimuth", "elevation", "light"], 5)
    assert clamped.details["code"] == 12

    store = Store(tmp_path / "store")
    kept = predictions_of(clamped, store)
    assert kept["declared"].shape == kept["angles"].shape == (160, 3)
    [folder] = [path.parent for path in store.root.glob("checkpoints/*/dcign-seed0.png")]
    assert (folder / "weights.safetensors").exists()
    [section] = [found for found in tables.build(records).sections if found.task == "factor_codes"]
    rows = {row.method: row.scores for row in section.rows}
    assert [metric.name for metric in section.metrics][:2] == ["azimuth_spearman", "azimuth_abs_spearman"]
    assert rows["dcign"][0].value == pytest.approx(clamped.metrics["azimuth_spearman"])
    [run] = invocations(store.root)
    page = render(run, records, store)
    assert "what is declared for azimuth, by the true angle" in page
