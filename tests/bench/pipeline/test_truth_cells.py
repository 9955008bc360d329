"""Scenes against the truth from request to page; and tables of metrics of which less is better."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from record_factory import record

from bench.execution.invocations import invocations
from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Interval, Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.report.page import render
from tasks.results import Metric, PerItem

Grid = Callable[..., tuple[int, list[Record]]]


def test_the_untrained_networks_row_and_one_without_scenes(grid: Grid, tmp_path: Path) -> None:
    code, records = grid("random_init,raw_pixels", tasks="truth")
    assert code == 0, [record.error for record in records]
    untrained, pixels = records
    assert (pixels.status, pixels.error) == (
        "not_applicable",
        "raw_pixels takes no image apart into depth, albedo, light and view",
    )
    assert not any(metric.higher_is_better for metric in untrained.declared)
    assert untrained.metrics["side_percent"] > untrained.details["trivial"]["side_percent"]["plane"] > 1
    store = Store(tmp_path / "store")
    kept = predictions_of(untrained, store)
    assert np.mean(kept["normal_deg"]) == pytest.approx(untrained.metrics["normal_deg"])
    assert kept["frame"].shape == (32,)

    table = tables.build(records)
    [section] = table.sections
    assert {metric.higher_is_better for metric in section.metrics} == {False}
    assert "Less is better: every metric." in table.captions
    [without] = [text for text in table.captions if text.startswith("Without a model: ")]
    trivial = untrained.details["trivial"]
    albedo = trivial["albedo_rmse"]
    assert f"albedo_rmse {albedo['grey']:.3f} (grey), {albedo['input']:.3f} (input); light_deg" in without
    assert f"; side_percent {trivial['side_percent']['plane']:.3f} (plane)" in without
    share = 100 * untrained.details["scenes"]["covered"]
    assert 50 < share < 100
    assert any(f"its scenes cover {share:.0f} % of the objects" in note for note in section.notes)

    [run] = invocations(store.root)
    page = render(run, records, store)
    assert page.count("true and predicted depth, normals and albedo") == 1
    assert "side_percent (less is better)" in page


def erring(store: Store, name: str, errors: np.ndarray, seed: int = 0) -> Record:
    """A record of one error per image, in degrees, with wide intervals."""
    folder = store.predictions(f"{name}{seed}")
    folder.mkdir(parents=True)
    np.save(folder / "light_deg.npy", errors)
    np.save(folder / "frame.npy", np.arange(len(errors)))
    mean = float(errors.mean())
    return record(
        name,
        "truth",
        seed,
        predictions=f"predictions/{name}{seed}",
        metrics={"light_deg": mean},
        intervals={"light_deg": Interval(low=mean - 5, high=mean + 5, over="items")},
        declared=[Metric("light_deg", higher_is_better=False, unit="degrees", high=180.0)],
        per_item=PerItem(),
    )


def test_the_least_error_is_best_and_pairs_tell_it_apart(tmp_path: Path) -> None:
    """On the same images; by intervals side by side, three could not be told apart."""
    store = Store(tmp_path / "store")
    errors = np.random.default_rng(0).uniform(0, 60, 200)
    noise = np.random.default_rng(1).normal(0, 1, 200)
    rows = {
        "pdr": errors + 1 + noise,
        "pdr_loocc_l": errors,
        "pdr_loocc_lv": errors + noise - noise.mean() + 1e-3,
        "vqvae": errors + 30,
    }
    records = [erring(store, name, values + 0.01 * seed, seed) for name, values in rows.items() for seed in (-1, 0, 1)]
    [section] = tables.build(records, store).sections
    assert [row.method for row in section.rows if row.scores[0].best] == ["pdr_loocc_l", "pdr_loocc_lv"]
    [section] = tables.build(records).sections
    assert [row.method for row in section.rows if row.scores[0].best] == ["pdr", "pdr_loocc_l", "pdr_loocc_lv"]


def test_degrees_over_seeds_are_not_cut_at_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    means = [20.0, 22.0, 27.0]
    records = [erring(store, "pdr", np.full(9, mean), seed) for seed, mean in enumerate(means)]
    score = tables.build(records, store).sections[0].rows[0].scores[0]
    assert score.value == pytest.approx(23)
    assert score.low is not None
    assert score.high is not None
    assert score.low < 20 < 27 < score.high
