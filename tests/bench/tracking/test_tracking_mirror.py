"""Mirroring into one sqlite store; the tests share it, each with an invocation of its own."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from mlflow.entities import Run
from PIL import Image
from record_factory import record as record_of

from bench.execution.invocations import Invocation
from bench.pipeline.predictions import CURVES
from bench.pipeline.records import PictureFile, Record, StageCost
from bench.pipeline.store import ABOUT, PROGRESS, Store
from bench.tracking import SyncSummary, TrackingError, sync, sync_all
from bench.tracking.backend import locate, opened
from bench.tracking.entities import CELL_TAG, INVOCATION_TAG, TRAINING_TAG, cell_metrics, cell_params, valid_name
from bench.tracking.mirror import _Mirror
from datasets.sealed import digests, write_sealed


@pytest.fixture(autouse=True)
def _no_server_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def invoke(store: Path, request: pytest.FixtureRequest) -> Callable[..., Invocation]:
    """Writes records and the manifest of an invocation named after the test."""

    def invocation(records: list[Record] | None = None, **changes: object) -> Invocation:
        chosen = [record_of("pdr"), record_of("vqvae")] if records is None else records
        for record in chosen:
            record.write(store / "records" / f"{record.key}.json")
        fields = {
            "id": re.sub(r"\W", "-", request.node.name),
            "started": chosen[0].started - timedelta(seconds=1),
            "ended": chosen[0].ended + timedelta(seconds=1),
            "argv": ["run", "--methods", "pdr,vqvae"],
            "profile": "mini",
            "protocol": "default",
            "cells": [f"records/{record.key}.json" for record in chosen],
            "counts": {"ok": len(chosen)},
            "exit_code": 0,
            "suite": "pdr-bench",
        }
        run = Invocation(**{**fields, **changes})
        run.write(store)
        return run

    return invocation


def runs_of(store: Path, run: Invocation) -> tuple[object, dict[str, object]]:
    """The parent's run and the children's by cell key, read back through MLflow."""
    with opened(locate(store)) as client:
        experiment = client.get_experiment_by_name(run.suite)
        found = client.search_runs([experiment.experiment_id], f"tags.`{INVOCATION_TAG}` = '{run.id}'")
    children = {r.data.tags[CELL_TAG]: r for r in found if CELL_TAG in r.data.tags}
    (parent,) = [r for r in found if CELL_TAG not in r.data.tags]
    assert len(children) == len(found) - 1, "a cell has two runs"
    return parent, children


def test_an_invocation_is_a_parent_with_one_complete_child_per_cell(
    store: Path, invoke: Callable[..., Invocation]
) -> None:
    table = store.parent / "table.md"
    table.write_text("| method |\n")
    records = [
        record_of("pdr", value=0.5, half=0.1, synthetic=True),
        record_of("vqvae", status="failed", error="the loss became NaN at step 3"),
    ]
    run = invoke(records, tables=["../table.md"], exit_code=1)
    summary = sync(store, run=run)
    assert (summary.created, summary.completed, summary.present, summary.gone) == (2, 0, 0, 0)

    parent, children = runs_of(store, run)
    assert parent.info.run_id == summary.run_id
    assert parent.info.status == "FAILED"
    assert parent.data.tags["mlflow.note.content"] == "| method |\n"
    good, bad = children[records[0].key], children[records[1].key]
    assert good.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert good.info.status == "FINISHED"
    assert bad.info.status == "FAILED"
    assert bad.data.tags["mlflow.note.content"] == "the loss became NaN at step 3"
    assert good.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert good.data.tags["bench.synthetic"] == "true"
    assert good.data.params["method.schedule.batch_size"] == "64"
    assert good.data.metrics["scores/accuracy"] == 0.5
    assert good.data.metrics["intervals/accuracy_low"] == 0.4
    assert good.data.metrics["training/steps"] == 1000
    assert (good.info.start_time, good.info.end_time) == tuple(
        int(moment.timestamp() * 1000) for moment in (records[0].started, records[0].ended)
    )
    inputs = {
        tag.value: given.dataset
        for given in good.inputs.dataset_inputs
        for tag in given.tags
        if tag.key == "mlflow.data.context"
    }
    assert inputs["evaluation"].name == "bbt[synthetic]"
    assert records[0].dataset is not None
    assert inputs["evaluation"].digest == records[0].dataset.digest[:32]
    assert json.loads(inputs["evaluation"].profile)["sha256"] == records[0].dataset.digest
    assert inputs["training"].name == "utkface[synthetic]"

    artifacts = store / "mlartifacts"
    copy = artifacts / good.info.run_id / "artifacts" / "record.json"
    assert Record.read(copy) == records[0]
    assert (artifacts / parent.info.run_id / "artifacts" / "tables" / "table.md").is_file()


def test_mirroring_again_adds_nothing(store: Path, invoke: Callable[..., Invocation]) -> None:
    run = invoke()
    first = sync(store, run=run)
    before = runs_of(store, run)
    second = sync(store, run=run)
    assert (second.created, second.completed, second.present) == (0, 0, 2)
    assert second.run_id == first.run_id
    after = runs_of(store, run)
    assert after[0].to_dictionary() == before[0].to_dictionary()
    assert {k: r.to_dictionary() for k, r in after[1].items()} == {k: r.to_dictionary() for k, r in before[1].items()}


@pytest.mark.parametrize("stage", ["log_batch", "log_inputs", "log_text", "set_terminated"])
def test_a_mirror_cut_off_anywhere_is_completed(store: Path, invoke: Callable[..., Invocation], stage: str) -> None:
    run = invoke([record_of("pdr"), record_of("vqvae"), record_of("ris")])
    backend = locate(store)
    with pytest.raises(TrackingError), opened(backend) as client:  # noqa: PT012
        real, calls = getattr(client, stage), []

        def broken(*args: object, **kwargs: object) -> object:
            calls.append(args)
            if len(calls) == 2:
                raise OSError("connection lost")
            return real(*args, **kwargs)

        setattr(client, stage, broken)
        _Mirror(client, backend, store, run).sync()

    summary = sync(store, run=run)
    assert (summary.created, summary.completed, summary.present) == (1, 1, 1)
    parent, children = runs_of(store, run)
    assert parent.info.status == "FINISHED"
    assert {child.info.status for child in children.values()} == {"FINISHED"}
    with opened(backend) as client:
        for child in children.values():
            assert len(client.get_metric_history(child.info.run_id, "scores/accuracy")) == 1
            assert len(child.inputs.dataset_inputs) == 2


def test_a_killed_invocation_stays_open_and_grows(store: Path, invoke: Callable[..., Invocation]) -> None:
    records = [record_of("pdr"), record_of("vqvae")]
    full = invoke(records)
    started = full.model_copy(update={"ended": None, "exit_code": None, "cells": full.cells[:1]})
    sync(store, run=started)
    assert runs_of(store, full)[0].info.status == "RUNNING"
    summary = sync(store, run=full)
    assert (summary.created, summary.present) == (1, 1)
    assert runs_of(store, full)[0].info.status == "FINISHED"


def test_a_record_that_was_deleted_is_counted_not_fatal(store: Path, invoke: Callable[..., Invocation]) -> None:
    run = invoke([record_of("pdr"), record_of("gone_method")])
    (store / run.cells[1]).unlink()
    summary = sync(store, run=run)
    assert (summary.created, summary.gone) == (1, 1)


def test_a_store_is_mirrored_as_a_whole_once(store: Path, invoke: Callable[..., Invocation]) -> None:
    run = invoke(suite="another-suite")
    summaries = sync_all(store)
    assert sum(summary.experiment == "another-suite" for summary in summaries) == 1
    again = sync_all(store)
    assert sum(summary.created + summary.completed for summary in again) == 0
    assert runs_of(store, run)[0].info.run_id in {summary.run_id for summary in again}


def curve(*losses: float | None) -> list[dict[str, object]]:
    return [
        {"epoch": n, "step": 10 * n, "train": {"loss": loss}, "validation": {"loss": 0.5}, "seconds": 2.0}
        for n, loss in enumerate(losses, start=1)
    ]


def trained(store: Path, method: str = "pdr", key: str = "f", **changes: object) -> Record:
    """A record of a training whose weights and picture are in the store."""
    fit = StageCost(key=key * 32, seconds=4, peak_memory_mb=1)
    folder = Store(store).checkpoint(fit.key)
    folder.mkdir(exist_ok=True)
    (folder / "weights.safetensors").write_bytes(b"weights")
    Image.new("RGB", (4, 4)).save(folder / "sheet.png")
    values = {"training": {"steps": 20, "curve": curve(0.9, None, 0.7)}, "stages": {"fit": fit}, **changes}
    return record_of(method, **values)


def training_of(store: Path, suite: str) -> Run:
    with opened(locate(store)) as client:
        experiment = client.get_experiment_by_name(suite)
        assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
        [found] = client.search_runs([experiment.experiment_id], f"tags.`{TRAINING_TAG}` LIKE '%'")
        return found


def test_a_training_has_a_run_with_curves_data_pictures_and_weights(
    store: Path, invoke: Callable[..., Invocation]
) -> None:
    records = [trained(store), trained(store, "pdr[features=light]")]
    run = invoke(records, suite="trainings")
    for _ in range(2):
        sync(store, run=run)
    found = training_of(store, "trainings")
    parent, cells = runs_of(store, run)
    assert found.info.status == "FINISHED"
    assert found.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert {cell.data.tags["bench.training_run"] for cell in cells.values()} == {found.info.run_id}
    assert found.data.params["method.schedule.batch_size"] == "64"
    assert [given.dataset.name for given in found.inputs.dataset_inputs] == ["utkface"]
    with opened(locate(store)) as client:
        losses = client.get_metric_history(found.info.run_id, "train/loss")
        assert [(point.step, point.value) for point in losses] == [(10, 0.9), (30, 0.7)], (
            "what is not finite has no point"
        )
        assert [point.timestamp - found.info.start_time for point in losses] == [2000, 6000]
        assert len(client.get_metric_history(found.info.run_id, "validation/loss")) == 3
        assert [one.path for one in client.list_artifacts(found.info.run_id, "pictures")] == ["pictures/sheet.png"]
        [model] = client.search_logged_models([found.info.experiment_id], f"source_run_id = '{found.info.run_id}'")
    assert (model.name, model.status, model.model_type) == ("pdr", "READY", "safetensors")
    folder = Path(url2pathname(urlsplit(model.artifact_location).path))
    assert [path.name for path in folder.iterdir()] == ["weights.safetensors"], "nothing that would be unpickled"


def test_a_training_that_goes_on_shows_its_curve_so_far(store: Path, invoke: Callable[..., Invocation]) -> None:
    going = Store(store).checkpoint("a" * 32) / PROGRESS
    (going / "e4e").mkdir(parents=True)
    epochs = curve(0.9, 0.8, 0.7)
    whole = invoke([trained(store, "stylegan2_e4e", "a", training={"e4e": {"curve": epochs}})], suite="live")
    write_sealed(going / ABOUT, {"run": whole.id, "method": "stylegan2_e4e", "seed": "0"})
    lines = [json.dumps(epoch) + "\n" for epoch in epochs]
    started = whole.model_copy(update={"ended": None, "exit_code": None, "cells": []})
    for text, steps in ((lines[0], [10]), ("".join(lines[:2]) + lines[2][:9], [10, 20])):
        (going / "e4e" / "curve.jsonl").write_text(text)
        sync(store, run=started)
        found = training_of(store, "live")
        assert found.info.status == "RUNNING"
        with opened(locate(store)) as client:
            points = client.get_metric_history(found.info.run_id, "e4e/train/loss")
        assert [point.step for point in points] == steps
    sync(store, run=whole)
    found = training_of(store, "live")
    with opened(locate(store)) as client:
        assert [point.step for point in client.get_metric_history(found.info.run_id, "e4e/train/loss")] == [10, 20, 30]
    assert found.info.status == "FINISHED"
    (going / ABOUT).unlink()


def test_a_repeat_is_a_pointer(store: Path, invoke: Callable[..., Invocation]) -> None:
    page = store.parent / "page.html"
    page.write_text("<p>large</p>")
    n_a = record_of("ris", status="not_applicable", error="x", metrics={}, intervals={})
    records = [trained(store, run="first", key="e"), n_a]
    first = invoke(records, id="first", suite="repeats")
    sync(store, run=first)
    again = first.model_copy(update={"id": "again", "figures": ["../page.html"]})
    again.write(store)
    summary = sync(store, run=again)
    assert (summary.created, summary.completed, summary.present) == (0, 0, 2)
    with opened(locate(store)) as client:
        artifacts = [one.path for one in client.list_artifacts(summary.run_id)]
        assert artifacts == ["cells.json"]
        experiment = client.get_experiment_by_name("repeats")
        assert len(client.search_runs([experiment.experiment_id])) == 5, "two invocations, a training, two cells"
        cells = json.loads((store / "mlartifacts" / summary.run_id / "artifacts" / "cells.json").read_text())
        assert client.get_run(cells[records[0].name]).data.tags[CELL_TAG] == records[0].key
    grown = again.model_copy(
        update={"id": "grown", "cells": [*again.cells, *invoke([record_of("vqvae", run="grown")]).cells]}
    )
    summary = sync(store, run=grown)
    assert (summary.created, summary.present) == (1, 2)
    with opened(locate(store)) as client:
        assert {one.path for one in client.list_artifacts(summary.run_id)} == {
            "cells.json",
            "figures",
            "invocation.json",
        }


def test_a_cell_has_its_own_pictures_and_its_heads_a_run(store: Path, invoke: Callable[..., Invocation]) -> None:
    folder = Store(store).predictions("p")
    folder.mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "pdr-masks.png")
    (folder / CURVES).write_text(json.dumps({"segment": curve(0.4), "frozen_100": curve(0.3, 0.2)}))
    own = record_of(
        "pdr",
        "celeba_mask",
        predictions="predictions/p",
        pictures=[PictureFile(file="pdr-masks.png", caption="masks")],
        files=digests(folder.iterdir()),
        run="heads",
    )
    run = invoke([own], figures=["predictions/p/pdr-masks.png"], suite="heads", id="heads")
    going = Store(store).evaluation(own.key)
    write_sealed(going / ABOUT, {"run": "heads", "method": own.name, "seed": "0"})
    (going / "segment").mkdir()
    (going / "segment" / "curve.jsonl").write_text("")
    sync(store, run=run.model_copy(update={"ended": None, "exit_code": None, "cells": []}))
    assert training_of(store, "heads").info.status == "RUNNING"
    shutil.rmtree(going)
    summary = sync(store, run=run)
    heads = training_of(store, "heads")
    assert heads.info.status == "FINISHED"
    assert [given.dataset.name for given in heads.inputs.dataset_inputs] == ["celeba_mask"]
    [cell] = runs_of(store, run)[1].values()
    with opened(locate(store)) as client:
        assert [one.path for one in client.list_artifacts(cell.info.run_id, "pictures")] == ["pictures/pdr-masks.png"]
        assert client.list_artifacts(summary.run_id, "figures") == [], "with the cell, and nowhere else"
        points = {
            name: client.get_metric_history(heads.info.run_id, f"{name}/train/loss")
            for name in ("segment", "frozen_100")
        }
    assert {name: [point.step for point in own] for name, own in points.items()} == {
        "segment": [10],
        "frozen_100": [10, 20],
    }


def test_what_something_was_derived_from_is_an_input_too(store: Path, invoke: Callable[..., Invocation]) -> None:
    derive = StageCost(key="d" * 32, seconds=1, peak_memory_mb=1)
    place = Store(store).derived(derive.key)
    write_sealed(place / "derived.json", {"data": "celebamask[synthetic]", "ingredients": {"data": "c" * 64}})
    run = invoke([record_of("ris", stages={"derive": derive})])
    sync(store, run=run)
    [cell] = runs_of(store, run)[1].values()
    assert [given.dataset.name for given in cell.inputs.dataset_inputs] == ["bbt", "utkface", "celebamask[synthetic]"]
    assert {tag.value for tag in cell.inputs.dataset_inputs[2].tags} == {"derivation"}


def test_a_deleted_experiment_is_one_line(store: Path, invoke: Callable[..., Invocation]) -> None:
    run = invoke(suite="deleted-suite")
    sync(store, run=run)
    with opened(locate(store)) as client:
        client.delete_experiment(client.get_experiment_by_name("deleted-suite").experiment_id)
    with pytest.raises(TrackingError, match="restore it"):
        sync(store, run=run)


def test_names_and_values_that_mlflow_would_refuse_are_made_fit() -> None:
    assert valid_name("accuracy@100,β") == "accuracy_100__"
    values = {param.key: param.value for param in cell_params(record_of())}
    assert values["method.features"] == '["geometry", "albedo"]'
    names = [metric.key for metric in cell_metrics(record_of())]
    assert "training/stopped" not in names
    assert len(names) == len(set(names))


def test_a_summary_is_one_line() -> None:
    summary = SyncSummary("20260102T030405Z-abcdef", "sqlite:///x.db", "pdr-bench", "id", 3, 0, 9, 1)
    assert str(summary) == (
        "20260102T030405Z-abcdef: 3 added, 0 completed, 9 there already, 1 no longer in the store "
        "(MLflow sqlite:///x.db, experiment pdr-bench)"
    )
