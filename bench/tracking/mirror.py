"""Mirroring: one experiment per suite, a parent run per invocation, a nested run per training and per cell.

A cell that an earlier invocation computed has its run there: the parent names it in `cells.json`. A repeat of which
all cells have is no more than that.

A run's status is set last, so a run that is still RUNNING was interrupted half-way (or belongs to an
invocation that has not ended). Everything before that can be repeated without adding anything twice: parameters
and tags are what they were, metrics carry the record's time, dataset inputs and artifacts have the same names.
So mirroring again completes what is half there, creates what is missing, and leaves alone what is finished.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.execution.invocations import Invocation, invocations
from bench.pipeline.predictions import files_of, sheets_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.streams import say
from bench.tracking import entities
from bench.tracking.backend import Backend, experiment, locate, opened
from bench.tracking.trainings import Trainings
from datasets.sealed import Damaged, find_sealed

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# Limit of a run's description that shows the table.
NOTE_LENGTH = 5000
# Where the invocation's run says which runs its cells have.
CELLS = "cells.json"
# Folders of the store whose pictures lie with the runs of cells and trainings.
WITH_RUNS = ("predictions", "checkpoints", "derived")


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
        self.elsewhere: dict[str, str] = {}  # cell -> its run, of another invocation
        self.computed: dict[str, dict[str, Run]] = {}  # invocation -> runs of the cells that it computed, by key

    def sync(self) -> SyncSummary:
        self.experiment_id = experiment(self.client, self.backend, self.run.suite)
        found = self._existing()
        parent = found.pop("", None)
        parent_id = parent.info.run_id if parent is not None else self._create_parent()
        self.trainings = Trainings(self.client, self.experiment_id, Store(self.store_root), self.run, parent_id)
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
        self.trainings.going_on()
        if parent is None or parent.info.status == "RUNNING":
            self._finish_parent(parent_id, pointer=bool(self.elsewhere) and len(self.elsewhere) == len(self.run.cells))
        return SyncSummary(self.run.id, self.backend.shown, self.run.suite, parent_id, **counts, gone=self.gone)

    def _existing(self) -> dict[str, "Run"]:
        """The invocation's runs by cell key; the parent's is the empty one."""
        runs = self._search(entities.INVOCATION_TAG, self.run.id)
        return {found.data.tags.get(entities.CELL_TAG, ""): found for found in runs}

    def _search(self, tag: str, value: str) -> list["Run"]:
        """All runs with a tag."""
        runs: list[Run] = []
        token: str | None = None
        while True:
            query = f"tags.`{tag}` = '{value}'"
            page = self.client.search_runs([self.experiment_id], query, max_results=1000, page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs

    def _of_another(self, record: Record) -> "Run | None":
        """The finished run of a cell that another invocation computed, or that none had to compute."""
        if record.status == "not_applicable":
            others = self._search(entities.CELL_TAG, record.key)
        elif record.run in (None, self.run.id):
            return None
        else:
            by = str(record.run)
            if by not in self.computed:
                runs = self._search(entities.COMPUTED_TAG, by)
                self.computed[by] = {one.data.tags[entities.CELL_TAG]: one for one in runs}
            others = [self.computed[by][record.key]] if record.key in self.computed[by] else []
        same = (one for one in others if one.data.tags.get("bench.status") == record.status)
        return next((one for one in same if one.info.status != "RUNNING"), None)

    def _cell(self, path: Path, parent_id: str, found: dict[str, "Run"]) -> str:
        """Mirror one record; says what that took. Raises Damaged."""
        known = found.get(path.stem)
        if known is not None and known.info.status != "RUNNING":
            return "present"
        record = Record.read(path)
        if known is None and (other := self._of_another(record)) is not None:
            self.elsewhere[record.name] = str(other.info.run_id)
            return "present"
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
        entities.log(self.client, run_id, entities.cell_metrics(record), entities.cell_params(record))
        store = Store(self.store_root)
        folder = store.derived(record.stages["derive"].key) if "derive" in record.stages else None
        derived = None if folder is None else find_sealed(folder / "derived.json")
        inputs = [*entities.dataset_inputs(record), *([] if derived is None else [entities.derivation_input(derived)])]
        if inputs:
            self.client.log_inputs(run_id, inputs)
        pictures = [picture for picture, _ in files_of(record, store)]
        if folder is not None:
            pictures += [picture for picture, _ in sheets_of(folder)]
        for picture in pictures:
            self.client.log_artifact(run_id, str(picture), "pictures")
        self.trainings.of_task(record)
        if (training := self.trainings.behind(record)) is not None:
            self.client.set_tag(run_id, "bench.training_run", training)
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

    def _finish_parent(self, run_id: str, *, pointer: bool) -> None:
        """The manifest, tables and figures; of a repeat, a `pointer`, which runs its cells have and nothing else. The
        run ends only if the invocation has: a live one will grow."""
        run = self.run
        if self.elsewhere:
            self.client.log_text(run_id, json.dumps(self.elsewhere, indent=2), CELLS)
        if pointer:
            self.client.set_tag(run_id, "mlflow.note.content", f"A repeat: all cells were there ({CELLS}).")
            self._end_parent(run_id)
            return
        command = {"command": " ".join(run.argv), "profile": run.profile, "protocol": run.protocol}
        self.client.log_text(run_id, run.model_dump_json(indent=2), "invocation.json")
        for folder, names in (("tables", run.tables), ("figures", run.figures)):
            for name in names:
                if Path(name).parts[0] in WITH_RUNS:
                    continue
                path = self.store_root / name
                if not path.is_file():
                    self.gone += 1
                    continue
                self.client.log_artifact(run_id, str(path), folder)
                if path.suffix == ".md":
                    self._describe(run_id, path.read_text(encoding="utf-8"))
        metrics = entities.metrics({f"cells_{name}": n for name, n in run.counts.items()}, run.ended or run.started)
        entities.log(self.client, run_id, metrics, entities.params(command))
        self._end_parent(run_id)

    def _end_parent(self, run_id: str) -> None:
        """End the run, if the invocation has."""
        if self.run.ended is not None:
            status = "FINISHED" if self.run.exit_code == 0 else "FAILED"
            self.client.set_terminated(run_id, status, end_time=entities.milliseconds(self.run.ended))

    def _describe(self, run_id: str, table: str) -> None:
        """Show a table as the run's description, where it fits."""
        if len(table) <= NOTE_LENGTH:
            self.client.set_tag(run_id, "mlflow.note.content", table)
