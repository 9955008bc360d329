"""Mirroring: one experiment per suite, a parent run per invocation, a nested run per cell.

A run's status is set last, so a run that is still RUNNING was interrupted half-way (or belongs to an
invocation that has not ended). Everything before that can be repeated without adding anything twice: parameters
and tags are what they were, metrics carry the record's time, dataset inputs and artifacts have the same names.
So mirroring again completes what is half there, creates what is missing, and leaves alone what is finished.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.execution.invocations import Invocation, invocations
from bench.pipeline.records import Record
from bench.streams import say
from bench.tracking import entities
from bench.tracking.backend import Backend, experiment, locate, opened
from datasets.sealed import Damaged

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, Run

# Limits of one request (parameters) and of a run's description that shows the table.
BATCH = 100
NOTE_LENGTH = 5000


@dataclass(frozen=True)
class SyncSummary:
    """What mirroring one invocation did.

    Attributes
    ----------
    invocation: its id.
    uri: the backend, without a password.
    experiment: the suite's name.
    run_id: the parent run.
    created, completed, present: cells whose run was added, was half there, was finished already.
    gone: cells and files that the manifest names but the store no longer has.
    """

    invocation: str
    uri: str
    experiment: str
    run_id: str
    created: int
    completed: int
    present: int
    gone: int

    def __str__(self) -> str:
        parts = [f"{self.created} added", f"{self.completed} completed", f"{self.present} there already"]
        if self.gone:
            parts.append(f"{self.gone} no longer in the store")
        return f"{self.invocation}: {', '.join(parts)} (MLflow {self.uri}, experiment {self.experiment})"


def sync(store_root: Path, *, run: Invocation, uri: str | None = None) -> SyncSummary:
    """Mirror one invocation; `uri` defaults to $MLFLOW_TRACKING_URI, else to an sqlite file in the store.

    Raises
    ------
    TrackingError
        Where MLflow cannot be reached or written, as one line; calling again later completes the mirror.
    """
    backend = locate(store_root, uri)
    with opened(backend) as client:
        return _Mirror(client, backend, store_root, run).sync()


def sync_all(store_root: Path, *, uri: str | None = None) -> list[SyncSummary]:
    """Mirror every invocation of a store, oldest first, over one connection."""
    backend = locate(store_root, uri)
    with opened(backend) as client:
        return [_Mirror(client, backend, store_root, run).sync() for run in invocations(store_root)]


class _Mirror:
    """One invocation on its way into one backend."""

    def __init__(self, client: "MlflowClient", backend: Backend, store_root: Path, run: Invocation) -> None:
        self.client = client
        self.backend = backend
        self.store_root = store_root
        self.run = run
        self.gone = 0

    def sync(self) -> SyncSummary:
        self.experiment_id = experiment(self.client, self.backend, self.run.suite)
        found = self._existing()
        parent = found.pop("", None)
        parent_id = parent.info.run_id if parent is not None else self._create_parent()
        counts = {"created": 0, "completed": 0, "present": 0}
        for name in self.run.cells:
            path = self.store_root / name
            if not path.is_file():
                self.gone += 1
                continue
            try:
                counts[self._cell(path, parent_id, found)] += 1
            except Damaged as damage:
                say(f"warning: {damage} and is not mirrored", error=True)
                self.gone += 1
        if parent is None or parent.info.status == "RUNNING":
            self._finish_parent(parent_id)
        return SyncSummary(self.run.id, self.backend.shown, self.run.suite, parent_id, **counts, gone=self.gone)

    def _existing(self) -> dict[str, "Run"]:
        """The invocation's runs by cell key; the parent's is the empty one."""
        runs: dict[str, Run] = {}
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id],
                f"tags.`{entities.INVOCATION_TAG}` = '{self.run.id}'",
                max_results=1000,
                page_token=token,
            )
            runs.update((found.data.tags.get(entities.CELL_TAG, ""), found) for found in page)
            token = page.token
            if not token:
                return runs

    def _cell(self, path: Path, parent_id: str, found: dict[str, "Run"]) -> str:
        """Mirror one record; says what that took. Raises Damaged."""
        known = found.get(path.stem)
        if known is not None and known.info.status != "RUNNING":
            return "present"
        record = Record.read(path)
        if known is not None:
            run_id = known.info.run_id
        else:
            created = self.client.create_run(
                self.experiment_id,
                start_time=entities.milliseconds(record.started),
                tags=entities.cell_tags(record, self.run, parent_id),
                run_name=record.name,
            )
            run_id = created.info.run_id
        self._log(run_id, entities.cell_metrics(record), entities.cell_params(record))
        if inputs := entities.dataset_inputs(record):
            self.client.log_inputs(run_id, inputs)
        self.client.log_text(run_id, path.read_text(encoding="utf-8"), "record.json")
        self.client.set_terminated(
            run_id, entities.RUN_STATUS[record.status], end_time=entities.milliseconds(record.ended)
        )
        return "created" if known is None else "completed"

    def _create_parent(self) -> str:
        created = self.client.create_run(
            self.experiment_id,
            start_time=entities.milliseconds(self.run.started),
            tags=entities.invocation_tags(self.run),
            run_name=self.run.id,
        )
        return str(created.info.run_id)

    def _finish_parent(self, run_id: str) -> None:
        """The manifest, tables and figures. The run ends only if the invocation has: a live one will grow."""
        run = self.run
        command = {"command": " ".join(run.argv), "profile": run.profile, "protocol": run.protocol}
        self.client.log_text(run_id, run.model_dump_json(indent=2), "invocation.json")
        for folder, names in (("tables", run.tables), ("figures", run.figures)):
            for name in names:
                path = self.store_root / name
                if not path.is_file():
                    self.gone += 1
                    continue
                self.client.log_artifact(run_id, str(path), folder)
                if path.suffix == ".md":
                    self._describe(run_id, path.read_text(encoding="utf-8"))
        metrics = entities.metrics({f"cells_{name}": n for name, n in run.counts.items()}, run.ended or run.started)
        self._log(run_id, metrics, entities.params(command))
        if run.ended is not None:
            status = "FINISHED" if run.exit_code == 0 else "FAILED"
            self.client.set_terminated(run_id, status, end_time=entities.milliseconds(run.ended))

    def _describe(self, run_id: str, table: str) -> None:
        """Show a table as the run's description, where it fits."""
        if len(table) <= NOTE_LENGTH:
            self.client.set_tag(run_id, "mlflow.note.content", table)

    def _log(self, run_id: str, metrics: Sequence["Metric"], params: Sequence["Param"]) -> None:
        """As few requests as MLflow's limit on parameters allows."""
        self.client.log_batch(run_id, metrics=metrics, params=params[:BATCH])
        for start in range(BATCH, len(params), BATCH):
            self.client.log_batch(run_id, params=params[start : start + BATCH])
