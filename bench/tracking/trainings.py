"""Trainings on their way into MLflow: a run each, shared by all cells that go by it, with curves while it goes on."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bench.escaping import mlflow as valid_name
from bench.execution.invocations import Invocation
from bench.pipeline.predictions import curves_in, curves_of, sheets_of
from bench.pipeline.records import Record
from bench.pipeline.store import ABOUT, PROGRESS, WEIGHTS, Store
from bench.tracking import entities
from datasets.sealed import leaving_out_damaged, read_sealed

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

# Metrics of one request.
BATCH = 1000
# How to get the weights back, which are plain tensors: nothing that MLflow would have to unpickle.
LOADED = "bench.api.load, or safetensors.torch.load_file"


class Trainings:
    """The trainings of one invocation in one experiment."""

    def __init__(self, client: "MlflowClient", experiment: str, store: Store, run: Invocation, parent: str) -> None:
        self.client = client
        self.experiment = experiment
        self.store = store
        self.run = run
        self.parent = parent
        self.known: dict[str, str] = {}  # key of the checkpoint -> run

    def going_on(self) -> None:
        """Mirror what the invocation's unfinished trainings, of methods and of tasks, have come to so far."""
        root = self.store.root
        unfinished = {path: path.parent.parent.name for path in root.glob(f"checkpoints/*/{PROGRESS}/{ABOUT}")}
        unfinished |= {path: path.parent.name for path in root.glob(f"evaluations/*/{ABOUT}")}
        for path, key in unfinished.items():
            with leaving_out_damaged(), suppress(FileNotFoundError):  # it may end meanwhile
                about = read_sealed(path)
                if about["run"] != self.run.id:
                    continue
                found = self._found(key)
                if found is None or found.info.status == "RUNNING":
                    found = found or self._created(key, about["method"], about["seed"])
                    self._curves(found, _named(curves_in(path.parent)))

    def of_task(self, record: Record) -> None:
        """Mirror what a record's task trained, where it trained anything: the curves, with the data."""
        curves = _named(curves_of(record, self.store))
        found = self._found(record.key) if curves else None
        if curves and (found is None or found.info.status == "RUNNING"):
            found = found or self._created(record.key, record.name, str(record.all_seeds))
            self._curves(found, curves)
            if record.dataset is not None:
                self.client.log_inputs(found.info.run_id, [entities.dataset_input(record.dataset, "training")])
            self.client.set_terminated(found.info.run_id, "FINISHED", end_time=entities.milliseconds(record.ended))

    def behind(self, record: Record) -> str | None:
        """The run of the training behind a record, whole: what was chosen, curves, data, pictures and weights. None for
        a record without one."""
        if "fit" not in record.stages or not record.training:
            return None
        key = record.stages["fit"].key
        if key not in self.known:
            found = self._found(key)
            if found is None or found.info.status == "RUNNING":
                found = found or self._created(key, record.method, str(record.all_seeds))
                self._curves(found, dict(curves_within(record.training)))
                self._end(found, key, record)
            self.known[key] = str(found.info.run_id)
        return self.known[key]

    def _found(self, key: str) -> "Run | None":
        query = f"tags.`{entities.TRAINING_TAG}` = '{key}'"
        return next(iter(self.client.search_runs([self.experiment], query, max_results=1)), None)

    def _created(self, key: str, method: str, seed: str) -> "Run":
        tags = {
            entities.TRAINING_TAG: key,
            "mlflow.source.name": "bench",
            "mlflow.source.type": "LOCAL",
            "mlflow.parentRunId": self.parent,
            "bench.method": method,
        }
        return self.client.create_run(
            self.experiment,
            start_time=entities.milliseconds(self.run.started),
            tags=tags,
            run_name=f"training of {method}, seed {seed}",
        )

    def _curves(self, found: "Run", curves: Mapping[str, list[dict[str, Any]]]) -> None:
        """Add the epochs that are not there yet."""
        metrics: list[Metric] = []
        for name, curve in curves.items():
            points = list(entities.curve_metrics(curve, name, found.info.start_time))
            known = -1
            if points and points[0].key in found.data.metrics:
                history = self.client.get_metric_history(found.info.run_id, points[0].key)
                known = max(point.step for point in history)
            metrics += [point for point in points if point.step > known]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(found.info.run_id, metrics=metrics[start : start + BATCH])

    def _end(self, found: "Run", key: str, record: Record) -> None:
        """All that is known once a training has ended, its end last."""
        run_id = found.info.run_id
        params = entities.params(dict(entities.flatten({"method": record.method_config})))
        entities.log(self.client, run_id, entities.training_metrics(record), params)
        if record.training_dataset is not None:
            self.client.log_inputs(run_id, [entities.dataset_input(record.training_dataset, "training")])
        for path, _ in sheets_of(self.store.checkpoint(key)):
            self.client.log_artifact(run_id, str(path), "pictures")
        self._weights(run_id, key, record)
        self.client.set_terminated(run_id, "FINISHED", end_time=entities.milliseconds(record.ended))

    def _weights(self, run_id: str, key: str, record: Record) -> None:
        """The weights as a model of MLflow's: safetensors, with the settings that they belong to."""
        path = self.store.checkpoint(key) / WEIGHTS
        query = f"source_run_id = '{run_id}'"
        if not path.is_file() or self.client.search_logged_models([self.experiment], query):
            return
        model = self.client.create_logged_model(
            self.experiment,
            name=re.sub(r"[^\w-]", "_", record.method),
            source_run_id=run_id,
            tags={"bench.weights_sha256": record.weights_sha256 or "", "bench.load": LOADED},
            params={param.key: param.value for param in entities.cell_params(record)[: entities.PARAMETERS]},
            model_type="safetensors",
        )
        self.client.log_model_artifact(model.model_id, str(path))
        self.client.finalize_logged_model(model.model_id, "READY")


def curves_within(summary: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(name, epochs) of every training in a summary, which may hold several at any depth; one alone has no name."""
    for name, value in summary.items():
        if name == "curve" and isinstance(value, list):
            yield prefix, value
        elif isinstance(value, Mapping):
            yield from curves_within(value, f"{prefix}{valid_name(name)}/")


def _named(curves: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Curves by what stands before their metrics' names; the usual training of a method has no name."""
    return {"" if name == "train" else f"{valid_name(name)}/": curve for name, curve in curves.items()}
