"""`bench run`: plan, execute, mirror, print."""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import timing
from bench.commands.shared import request_from
from bench.execution.durations import fit_seconds
from bench.execution.executor import Done, groups_of, run_here, run_workers
from bench.execution.invocations import Invocation, new_id, portable, relative
from bench.execution.progress import RichProgress
from bench.grid.request import Request
from bench.pipeline.cell import CellRunner
from bench.pipeline.data import Data, dataset_entry
from bench.pipeline.environment import resolve_device
from bench.pipeline.plan import Cell, cells, outlook
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from datasets.errors import BenchError
from datasets.files import write_with

INTERRUPTED = 130
# How long after a manifest, or a mirroring, the next one may begin while cells are still to come.
MANIFEST_SECONDS, MIRROR_SECONDS = 1, 10


def run_command(*, dry_run: bool, suite: str, mirror: bool, store: Path, **options: Any) -> int:
    """Run a grid; returns the exit code: 0, 1 where a cell failed or lacks its data, 130 after Ctrl-C."""
    console = Console(markup=False)  # names of rows and datasets have brackets of their own
    request = request_from(**options)
    place = Store(store)
    plan = cells(request, place)
    if dry_run:
        show_plan(plan, request, place, console)
        return 0
    return Run(request, place, plan, console, suite, mirror).go()


@dataclass
class Run:
    """One invocation under way. Its manifest is rewritten as cells end, so that a killed run is on record."""

    request: Request
    store: Store
    plan: list[Cell]
    console: Console
    suite: str
    mirror: bool = True
    done: dict[int, tuple[Done, Record]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    written: float = 0.0
    spent: Counter[str] = field(default_factory=Counter)
    mirrored: float = field(default_factory=time.monotonic)
    mirroring: threading.Thread | None = None

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self.data = Data(self.request, self.store)
        self.manifest = Invocation(
            id=new_id(now),
            started=now,
            argv=portable(sys.argv[1:]),
            profile=self.request.profile.name,
            protocol=self.request.protocol,
            suite=self.suite,
        )

    def go(self) -> int:
        """Run, whatever happens write what was found, and return the exit code."""
        if self.request.profile_time:
            timing.start()
        self._announce()
        interrupted = False
        with RichProgress(self.console) as progress:
            try:
                self._execute(progress)
            except KeyboardInterrupt:
                interrupted = True
        return self._finish(interrupted)

    def _announce(self) -> None:
        data = "synthetic stand-ins" if self.request.data_root is None else str(self.request.data_root)
        self.console.print(
            f"{len(self.plan)} cells, profile {self.request.profile.name}, data: {data}, "
            f"device {resolve_device(self.request.device)}",
            highlight=False,
        )

    def _execute(self, progress: RichProgress) -> None:
        jobs = min(self._jobs(), len(groups_of(self.plan)))
        if jobs == 1 or not any(self._trains_anew(cell) for cell in self.plan):
            run_here(self.plan, self.request, self.store, progress, self._take)
            return
        self._prepare_data(progress)
        for index in run_workers(self.plan, self.request, self.store, jobs, progress, self._take):
            record, path = CellRunner(self.request, self.store, progress).died(self.plan[index])
            self._take(Done(index, path, cached=False), record)

    def _jobs(self) -> int:
        """Worker processes: as asked, or one per core; one on a GPU, which they would have to share."""
        if self.request.jobs:
            return self.request.jobs
        return 1 if resolve_device(self.request.device) == "cuda" else min(os.cpu_count() or 1, 4)

    def _trains_anew(self, cell: Cell) -> bool:
        """Whether there may be a training to do: starting workers for a cached grid would only cost time."""
        if cell.not_applicable is not None:
            return False
        seen = outlook(cell, self.data)
        return seen.stages.get("fit") == "to do" and seen.missing is None

    def _prepare_data(self, progress: RichProgress) -> None:
        """Decode every dataset before the workers start, which then only map it. What is missing is theirs to tell."""
        for cell in self.plan:
            if cell.not_applicable is not None:
                continue
            for entry in filter(None, (cell.training_entry, cell.derived_entry, dataset_entry(cell.task))):
                try:
                    self.data.prepare(entry, cell.method.size, progress)
                except BenchError:
                    continue

    def _take(self, done: Done, record: Record) -> None:
        self.done[done.index] = (done, record)
        self.spent.update(done.spent)
        cell = self.plan[done.index]
        if record.status == "ok":
            shown = [name for name in cell.task.task.metrics if name in record.metrics]
            scores = "  ".join(f"{name} {record.metrics[name]:.3f}" for name in shown)
            spent = "cached" if done.cached else f"{(record.ended - record.started).total_seconds():.0f} s"
            line = Text.assemble(("✓", "green"), f" {cell.name}  {scores}  ", (spent, "dim"))
        elif record.status == "not_applicable":
            line = Text(f"– {cell.name}  not applicable: {record.error}", "dim")
        else:
            line = Text.assemble(("✗", "red"), f" {cell.name}  {record.status}: {record.error}")
        self.console.print(line, highlight=False)
        # Not after every one of a thousand cached cells: what a killed run leaves may lack its last second.
        if time.monotonic() - self.written > MANIFEST_SECONDS:
            self._write_manifest()
            self._mirror_meanwhile()

    def _write_manifest(self, **values: Any) -> None:
        paths = [self.done[index][0].path for index in sorted(self.done)]
        counts = Counter(record.status for _, record in self.done.values())
        self.manifest = self.manifest.model_copy(
            update={"cells": relative(paths, self.store.root), "counts": dict(counts), **values}
        )
        self.manifest.write(self.store.root)
        self.written = time.monotonic()

    def _finish(self, interrupted: bool) -> int:
        records = [self.done[index][1] for index in sorted(self.done)]
        bad = [record for record in records if record.status in ("failed", "missing")]
        code = INTERRUPTED if interrupted else int(bool(bad) or len(records) < len(self.plan))
        try:
            with timing.span("log"):
                files = self._write_tables(records) if records else []
        except BenchError as error:
            # Records are safe already; the run still has to end on record, and says at the end what went wrong.
            files, code = [], code or 1
            print(f"error: no table: {error}", file=sys.stderr)
        self._write_manifest(
            ended=datetime.now(UTC),
            exit_code=code,
            tables=relative(files, self.store.root),
            figures=relative(self._sheets(records), self.store.root),
        )
        with timing.span("log"):
            report = self._write_report(records) if files else None
            if records and self.mirror:
                self._mirror()
        cached = sum(done.cached for done, _ in self.done.values())
        seconds = time.monotonic() - self.started
        self.console.print(
            f"{len(records)} of {len(self.plan)} cells, {cached} from the cache, {len(bad)} failed or missing, "
            f"in {seconds:.0f} s" + (f"; tables: {', '.join(map(str, files))}; report: {report}" if files else ""),
            highlight=False,
            soft_wrap=True,
        )
        if self.request.profile_time:
            self.spent.update(timing.take())
            self.console.print(time_table(self.spent, seconds))
        if interrupted:
            self.console.print("interrupted: run the same command again and it goes on where it stopped")
        for record in bad:
            print(f"error: {record.name}: {record.error}", file=sys.stderr)
        return code

    def _write_report(self, records: list[Record]) -> Path:
        """The run as one HTML page, which the mirror takes along."""
        from bench.results.report import report_path, write_report

        path = report_path(self.store, self.manifest)
        write_report(self.manifest, records, self.store, path)
        self._write_manifest(figures=[*self.manifest.figures, *relative([path], self.store.root)])
        return path

    def _sheets(self, records: list[Record]) -> list[Path]:
        """The contact sheets of the trained methods and of what others derived, and tasks' pictures, each once."""
        places = {"fit": self.store.checkpoint, "derive": self.store.derived, "evaluate": self.store.predictions}
        folders = dict.fromkeys(
            place(record.phases[stage].key)
            for stage, place in places.items()
            for record in records
            if stage in record.phases
        )
        return [path for folder in folders for path in sorted(folder.glob("*.png"))]

    def _write_tables(self, records: list[Record]) -> list[Path]:
        """Print the table and write it as CSV and Markdown, one pair of files per invocation."""
        table = tables.build(records)
        self.console.print(tables.to_rich(table))
        folder = self.store.root.parent / "tables"
        files = []
        for suffix, text in (("csv", tables.to_csv(table)), ("md", tables.to_markdown(table))):
            path = folder / f"{self.manifest.id}.{suffix}"
            write_text(path, text)
            files.append(path)
        return files

    def _mirror_meanwhile(self) -> None:
        """Mirror what has ended so far, in the background. What goes wrong is tried again, and told, at the end."""
        if not self.mirror or (self.mirroring is not None and self.mirroring.is_alive()):
            return
        if time.monotonic() - self.mirrored > MIRROR_SECONDS:
            manifest = self.manifest

            def work() -> None:
                from bench import tracking

                with suppress(BenchError):
                    tracking.sync(self.store.root, uri=os.environ.get("MLFLOW_TRACKING_URI"), run=manifest)

            self.mirroring = threading.Thread(target=work, name="mirror", daemon=True)
            self.mirroring.start()
            self.mirrored = time.monotonic()

    def _mirror(self) -> None:
        """Mirror to MLflow. The records are the truth, so a server that is down costs a warning and nothing else."""
        from bench import tracking

        if self.mirroring is not None:
            self.mirroring.join()
        try:
            tracking.sync(self.store.root, uri=os.environ.get("MLFLOW_TRACKING_URI"), run=self.manifest)
        except BenchError as error:
            self.console.print(f"warning: {error}; later: python -m bench mlflow sync", style="yellow", highlight=False)


def time_table(spent: Mapping[str, float], wall: float) -> Table:
    """Where the time went, by part, in seconds and as a share of what was counted."""
    table = Table(title=f"time by part, summed over all processes; the run took {wall:.1f} s", title_justify="left")
    table.add_column("part")
    table.add_column("seconds", justify="right")
    table.add_column("share", justify="right")
    table.add_column("what")
    total = sum(spent.values())
    for part, what in timing.PARTS.items():
        seconds = spent.get(part, 0.0)
        table.add_row(part, f"{seconds:.1f}", f"{seconds / total:.1%}" if total else "-", what)
    return table


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_with(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def show_plan(plan: list[Cell], request: Request, store: Store, console: Console) -> None:
    """What a run would do: per cell what is cached, what is to do or missing, and an estimate of the time."""
    grid = Table(title=f"{len(plan)} cells, profile {request.profile.name}", title_justify="left")
    for column in ("cell", "data", "fit", "encode", "evaluate"):
        grid.add_column(column)
    missing: dict[str, None] = {}
    fits: dict[str, float] = {}
    data, seconds = Data(request, store), fit_seconds(store)
    for cell in plan:
        if cell.not_applicable is not None:
            grid.add_row(cell.name, "not applicable", "", "", "")
            continue
        seen = outlook(cell, data)
        if seen.missing is not None:
            missing[seen.missing] = None
            grid.add_row(cell.name, "missing", "", "", "")
            continue
        grid.add_row(cell.name, *(seen.stages.get(stage, "-") for stage in ("data", "fit", "encode", "evaluate")))
        if seen.stages.get("fit") == "to do":
            fits[cell.checkpoint_group] = seconds.get(cell.method.trained.name, 0.0)
    console.print(grid)
    for text in missing:
        console.print(f"missing: {text}", highlight=False, soft_wrap=True)
    console.print(estimate(fits), highlight=False, soft_wrap=True)


def estimate(fits: dict[str, float]) -> str:
    """One line on the time that the trainings take; encoding and evaluation are small beside them."""
    if not fits:
        return "nothing to train"
    known = [seconds for seconds in fits.values() if seconds]
    unknown = len(fits) - len(known)
    text = f"to train: {len(fits)} models"
    if known:
        text += f", about {sum(known) / 60:.0f} minutes of training one after the other"
    return text + (f" ({unknown} of them never timed)" if unknown else "")
