"""Mirroring into one sqlite store; the tests share it, each with an invocation of its own."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from record_factory import record as record_of

from bench.execution.invocations import Invocation
from bench.pipeline.records import Record
from bench.tracking import SyncSummary, TrackingError, sync, sync_all
from bench.tracking.backend import locate, opened
from bench.tracking.entities import CELL_TAG, INVOCATION_TAG, cell_metrics, cell_params, valid_name
from bench.tracking.mirror import _Mirror


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
    assert good.data.metrics["accuracy"] == 0.5
    assert good.data.metrics["accuracy_low"] == 0.4
    assert good.data.metrics["training.steps"] == 1000
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
            assert len(client.get_metric_history(child.info.run_id, "accuracy")) == 1
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
    assert "training.stopped" not in names
    assert len(names) == len(set(names))


def test_a_summary_is_one_line() -> None:
    summary = SyncSummary("20260102T030405Z-abcdef", "sqlite:///x.db", "pdr-bench", "id", 3, 0, 9, 1)
    assert str(summary) == (
        "20260102T030405Z-abcdef: 3 added, 0 completed, 9 there already, 1 no longer in the store "
        "(MLflow sqlite:///x.db, experiment pdr-bench)"
    )
