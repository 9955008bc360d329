"""The harness from Python: what it gives is what the commands give."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bench import api
from datasets.errors import BenchError

SMOKE: dict[str, Any] = {"profile": "smoke", "device": "cpu", "quiet": True}


@pytest.fixture
def store(new_store: Callable[[str], Path]) -> Path:
    return new_store("store")


def test_a_run_gives_its_results_tidily(store: Path, own_tracks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = api.run("raw_pixels", f"tracks:{own_tracks}", store=store, mlflow=False, baselines=False, **SMOKE)
    accuracy = found[found.metric == "accuracy"].iloc[0]
    assert (accuracy.method, accuracy.status, accuracy.seed) == ("raw_pixels", "ok", "0")
    assert accuracy.low <= accuracy.value <= accuracy.high
    assert set(found[found.secondary].metric) >= {"finch_nmi"}
    assert len(api.results(store)) == len(api.results(store, "latest")) == len(api.results(store, accuracy.run))
    monkeypatch.setenv("BENCH_STORE", str(store))
    assert len(api.results()) == len(api.results(store))
    text = api.table(store, metrics="accuracy,nmi")
    assert f"{accuracy.value:.3f}" in text
    assert "f1" not in text.splitlines()[4]
    with pytest.raises(BenchError, match="unknown format"):
        api.table(store, format="pdf")


def test_a_cell_that_fails_is_a_row_with_its_reason(store: Path, own_methods: Path, own_tracks: Path) -> None:
    found = api.run(
        f"{own_methods}:Diverges,{own_methods}:Tiny",
        f"tracks:{own_tracks}",
        store=store,
        mlflow=False,
        baselines=False,
        **SMOKE,
    )
    failed = found[found.status == "failed"]
    assert len(failed) == 1
    assert failed.iloc[0].error
    assert pd.isna(failed.iloc[0].metric)
    assert len(found[found.status == "ok"]) > 1


def test_features_come_with_the_labels_of_what_they_are_of(store: Path, own_tracks: Path) -> None:
    name = f"tracks:{own_tracks}"
    images = api.features("raw_pixels", name, store=store, **SMOKE)
    tracks = api.features("raw_pixels", name, by="track", store=store, **SMOKE)
    assert images.values.dtype == np.float32
    for one in (images, tracks):
        assert {len(values) for values in one.labels.values()} == {len(one.values)}
        assert all(values.max() < len(one.classes[kind]) for kind, values in one.labels.items())
    assert len(tracks.values) < len(images.values)
    again = api.features("raw_pixels", name, store=store, **SMOKE)
    np.testing.assert_array_equal(images.values, again.values)


def test_a_loaded_method_encodes_as_the_run_did(store: Path, own_tracks: Path) -> None:
    encoder = api.load("random_init", store=store, **SMOKE)
    kept = api.features("random_init", f"images:{own_tracks}", store=store, **SMOKE)
    size = encoder.image_size
    with torch.inference_mode():
        found = encoder(torch.rand(3, 3, size, size))
    assert found.shape == (3, kept.values.shape[1])
    assert sum(value.numel() for value in encoder.parameters()) > 0


def test_what_cannot_be_loaded_is_said(store: Path) -> None:
    for method, options, message in [
        ("pdr,vqvae", {}, "expected one method and one seed"),
        ("pdr", {"seeds": "0,1"}, "expected one method and one seed"),
        ("stylegan2_e4e", {"domain": "cars"}, "has no model for cars"),
    ]:
        with pytest.raises(BenchError, match=message):
            api.load(method, store=store, **options, **SMOKE)
    with pytest.raises(BenchError, match="unknown dataset"):
        api.features("raw_pixels", "nowhere", store=store, **SMOKE)
    with pytest.raises(BenchError, match="no runs"):
        api.results(store, "latest")
