"""One invocation of `bench run`: executes a plan, keeps its manifest, mirrors it, and ends with tables and a report."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench import timing
from bench.execution.base import Executor, Job, units_of
from bench.execution.invocations import Invocation, config_of, invocations, new_id, portable, relative
from bench.execution.local import Local
from bench.execution.outlook import outlook
from bench.execution.processes import Processes
from bench.execution.progress import RichProgress, Whole
from bench.execution.signals import ending_like_ctrl_c
from bench.execution.workers import worker_count
from bench.grid.config import write_config
from bench.grid.request import Request
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.records import Record
from bench.pipeline.run import Done
from bench.pipeline.store import Store
from bench.pipeline.walk import look
from bench.results import table as tables
from bench.results.report import report_path, write_report
from bench.streams import say
from bench.surroundings import told
from datasets.base import Silent, shortened
from datasets.errors import BenchError, first_line
from datasets.files import write_text
from datasets.names import brief, printable
from datasets.sealed import digests

# What a shell reports of a program that was ended by a signal: 128 and the signal's number.
SIGNALLED = 128
# How long after a manifest, or a mirroring, the next one may begin while cells are still to come.
MANIFEST_SECONDS, MIRROR_SECONDS = 1, 10
# Seconds that a finished run waits for MLflow at most: some, and some more for each cell.
MIRROR_AT_LEAST, MIRROR_PER_CELL = 60.0, 0.2

ChooseExecutor = Callable[[Job, Sequence[Cell], RichProgress], Executor]


@dataclass
class Run:
    """One invocation under way. Its manifest is rewritten as cells end, so that a killed run is on record.

    Attributes
    ----------
    suite: name of the MLflow experiment.
    mirror: whether to mirror to MLflow.
    choose: gives the executor; by default as many processes as pay.
    done: place in the plan -> the cell's end.
    """

    request: Request
    store: Store
    plan: list[Cell]
    console: Console
    suite: str
    mirror: bool = True
    choose: ChooseExecutor | None = None
    done: dict[int, Done] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    written: float = 0.0
    spent: Counter[str] = field(default_factory=Counter)
    mirrored: float = field(default_factory=time.monotonic)
    mirroring: threading.Thread | None = None
    starting: threading.Lock = field(default_factory=threading.Lock)
    table: tables.Table | None = None
    progress: RichProgress | None = None

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self.manifest = Invocation(
            id=new_id(now),
            started=now,
            argv=portable(sys.argv[1:]),
            profile=self.request.profile.name,
            protocol=self.request.protocol,
            suite=printable(self.suite),
        )
        self.context = Context.of(self.request, self.store, run=self.manifest.id)

    @property
    def records(self) -> list[Record]:
        """Those of the cells that have ended, in the plan's order."""
        return [self.done[index].record for index in sorted(self.done)]

    def go(self) -> int:
        """Run, whatever happens write what was found, and return the exit code: 0, 1 where a cell failed or lacks its
        data, 130 after Ctrl-C (143 and 129 after SIGTERM and SIGHUP)."""
        if self.request.profile_time:
            timing.start()
        self.store.sweep()
        file = config_of(self.store.root, self.manifest.id)
        write_config(file, self.request, device=self.context.device, suite=self.suite, mlflow=self.mirror)
        self.manifest = self.manifest.model_copy(update={"files": digests([file])})
        data = "synthetic stand-ins" if self.request.data_root is None else str(self.request.data_root)
        self._say(
            f"{len(self.plan)} cells, profile {self.request.profile.name}, data: {data}, device {self.context.device}"
        )
        ended_by: int | None = None
        over = threading.Event()
        if self.mirror:
            threading.Thread(target=self._mirror_trainings, args=[over], name="curves", daemon=True).start()
        with self._on_record(), ending_like_ctrl_c(), RichProgress(self.console) as progress:
            try:
                self.progress = progress
                job = Job(self.request, self.store.root, self.manifest.id)
                executor = (self.choose or self._executor)(job, self.plan, progress)
                executor.run(units_of(self.plan), self._take)
            except KeyboardInterrupt as interruption:
                ended_by = interruption.args[0] if interruption.args else signal.SIGINT
            finally:
                over.set()
        return self._finish(ended_by)

    @contextmanager
    def _on_record(self) -> Iterator[None]:
        """Hold a lock that tells `bench store gc` that a run is under way; wait for the end of one that is at work."""
        silent, identity = Silent(), self.manifest.id
        with self.store.lock("run", identity, silent):
            with self.store.lock("gc", "store", silent):
                pass
            yield
        (self.store.root / "locks" / f"run-{identity}.lock").unlink(missing_ok=True)

    def _executor(self, job: Job, plan: Sequence[Cell], progress: RichProgress) -> Executor:
        """This process, where one worker is enough or nothing is to be trained; else worker processes."""
        if not any(self._trains(cell) for cell in plan):
            progress.follow(Whole(len(plan)))
            return Local(job, plan, progress)
        ahead = outlook([look(cell, self.context) for cell in plan if cell.not_applicable is None], self.context)
        workers = min(worker_count(self.request, self.context.device, ahead.memory_mb), len(units_of(plan)))
        progress.follow(Whole(len(plan), workers, ahead.cells, ahead.guessed))
        if workers == 1:
            return Local(job, plan, progress)
        self._prepare_data(progress)
        return Processes(job, plan, workers, progress)

    def _trains(self, cell: Cell) -> bool:
        """Whether there may be a training to do: starting workers for a cached grid would only cost time."""
        return cell.not_applicable is None and look(cell, self.context, until="fit").trains

    def _prepare_data(self, progress: RichProgress) -> None:
        """Decode every dataset before the workers start, which then only map it. What goes wrong is theirs to tell."""
        for cell in self.plan:
            if cell.not_applicable is not None:
                continue
            for entry in cell.datasets:
                with suppress(Exception), chdir("."):
                    self.context.data.prepare(entry, cell.method.size, progress)

    def _take(self, index: int, done: Done) -> None:
        """Note a cell's end, say it, and keep manifest and mirror up to date."""
        self.done[index] = done
        self.spent.update(done.spent)
        self._say(ending(self.plan[index], done))
        if self.progress is not None:
            self.progress.ended(self.plan[index].name)
        # Not after every one of a thousand cached cells: what a killed run leaves may lack its last second.
        if time.monotonic() - self.written > MANIFEST_SECONDS:
            self._write_manifest()
            self._mirror_meanwhile()

    def _write_manifest(self, **values: Any) -> None:
        paths = [self.done[index].path for index in sorted(self.done)]
        counts = Counter(done.record.status for done in self.done.values())
        self.manifest = self.manifest.model_copy(
            update={"cells": relative(paths, self.store.root), "counts": dict(counts), **values}
        )
        self.manifest.write(self.store.root)
        self.written = time.monotonic()

    def _finish(self, ended_by: int | None) -> int:
        """Tables, report, mirror and a summary; returns the exit code. `ended_by` is a signal's number."""
        records = self.records
        bad = [record for record in records if record.status in ("failed", "missing")]
        code = int(bool(bad) or len(records) < len(self.plan)) if ended_by is None else SIGNALLED + ended_by
        files: list[Path] = []
        try:
            with timing.part("log"):
                files = self._write_tables(records) if records else []
        except BenchError as error:
            # Records are safe already; the run still has to end on record, and says at the end what went wrong.
            code = code or 1
            say(f"error: no table: {error}", error=True)
        self._write_manifest(
            exit_code=code,
            ended=datetime.now(UTC),
            tables=relative(files, self.store.root),
            figures=relative(self._pictures(records), self.store.root),
        )
        report: Path | None = None
        with timing.part("log"):
            try:
                report = self._write_report(records) if files else None
            except (BenchError, OSError, MemoryError, ImportError) as error:
                if (line := str(error) if isinstance(error, BenchError) else told(error)) is None:
                    raise
                code = code or 1
                say(f"error: no report: {line}", error=True)
            if records and self.mirror and ended_by is None:
                self._mirror()
        cached = sum(done.cached for done in self.done.values())
        self._say(
            f"{len(records)} of {len(self.plan)} cells, {cached} from the cache, {len(bad)} failed or missing, "
            f"in {self.seconds:.0f} s" + (f"; tables: {', '.join(map(str, files))}; report: {report}" if files else "")
        )
        self.spent.update(timing.take())
        if ended_by is not None:
            self._say("interrupted: run the same command again and it goes on where it stopped")
        for reason, names in _by_error(bad).items():
            say(f"error: {names[0] if len(names) == 1 else shortened(names)}: {reason}", error=True)
        return code

    @property
    def seconds(self) -> float:
        """Since the invocation began."""
        return time.monotonic() - self.started

    def _say(self, text: str | Text) -> None:
        self.console.print(text, soft_wrap=True)

    def _write_report(self, records: list[Record]) -> Path:
        """The run as one HTML page, which the mirror takes along; of a repeat, the page that there is."""
        path = self._page_of_the_same()
        if path is None:
            path = report_path(self.store, self.manifest)
            write_report(self.manifest, records, self.store, path, self.table)
        self._write_manifest(figures=[*self.manifest.figures, *relative([path], self.store.root)])
        return path

    def _page_of_the_same(self) -> Path | None:
        """The page of an earlier run of the same cells, where none of them had to be computed again."""
        if not all(done.cached or done.record.status == "not_applicable" for done in self.done.values()):
            return None
        for earlier in reversed(list(invocations(self.store.root))):
            same = (earlier.suite, earlier.cells) == (self.manifest.suite, self.manifest.cells)
            if same and earlier.id != self.manifest.id and (path := report_path(self.store, earlier)).is_file():
                return path
        return None

    def _pictures(self, records: list[Record]) -> list[Path]:
        """The contact sheets of the trained methods and of what others derived, and tasks' pictures, each once."""
        places = {"fit": self.store.checkpoint, "derive": self.store.derived, "evaluate": self.store.predictions}
        folders = dict.fromkeys(
            place(record.stages[stage].key)
            for stage, place in places.items()
            for record in records
            if stage in record.stages
        )
        return [path for folder in folders for path in sorted(folder.glob("*.png"))]

    def _write_tables(self, records: list[Record]) -> list[Path]:
        """Print the table and write it as CSV and Markdown, one pair of files per invocation."""
        self.table = table = tables.build(records, self.store)
        self.console.print(tables.to_rich(table))
        folder = self.store.root.parent / "tables"
        texts = {"csv": tables.to_csv(table), "md": tables.to_markdown(table)}
        files = {folder / f"{self.manifest.id}.{suffix}": text for suffix, text in texts.items()}
        for path, text in files.items():
            write_text(path, text)
        return list(files)

    def _sync(self, manifest: Invocation) -> None:
        """Mirror the cells that a manifest names."""
        from bench import tracking

        tracking.sync(self.store.root, uri=os.environ.get("MLFLOW_TRACKING_URI"), run=manifest)

    def _mirror_trainings(self, over: threading.Event) -> None:
        """Mirror now and then until `over`: between the ends of two cells a training's curve may grow for hours."""
        while not over.wait(max(MIRROR_SECONDS, 1)):
            self._mirror_meanwhile()

    def _mirror_meanwhile(self) -> None:
        """Mirror what has come so far, in the background. What goes wrong is tried again, and told, at the end."""
        with self.starting:
            if not self.mirror or (self.mirroring is not None and self.mirroring.is_alive()):
                return
            if time.monotonic() - self.mirrored <= MIRROR_SECONDS:
                return
            manifest = self.manifest

            def work() -> None:
                with suppress(Exception, SystemExit):
                    self._sync(manifest)

            self.mirroring = threading.Thread(target=work, name="mirror", daemon=True)
            self.mirroring.start()
            self.mirrored = time.monotonic()

    def _mirror(self) -> None:
        """Mirror to MLflow. The records are the truth, so a server that is down, or answers too slowly, costs a warning
        and nothing else."""
        deadline = time.monotonic() + MIRROR_AT_LEAST + MIRROR_PER_CELL * len(self.plan)
        warnings: list[str] = []

        def work() -> None:
            if self.mirroring is not None:
                self.mirroring.join()
            try:
                self._sync(self.manifest)
            except BenchError as error:
                warnings.append(str(error))
            except BaseException as error:  # in a thread of its own: whatever it is would end in a traceback, unsaid
                text = first_line(error, 200) or "no more is known"
                warnings.append(f"MLflow failed ({type(error).__name__}: {text}); no result is lost")

        # In a thread that ends with the process: no deadline of the client's own covers a server that answers a byte
        # at a time.
        mirror = threading.Thread(target=work, name="last-mirror", daemon=True)
        mirror.start()
        mirror.join(deadline - time.monotonic())
        if mirror.is_alive():
            warnings.append("MLflow did not take the run in time; no result is lost")
        for warning in warnings:
            self.console.print(
                f"warning: {warning}; later: python -m bench mlflow sync",
                style="yellow",
                soft_wrap=True,
            )


def _by_error(records: Sequence[Record]) -> dict[str, list[str]]:
    """The names of cells by what went wrong, which is told once."""
    found: dict[str, list[str]] = {}
    for record in records:
        found.setdefault(str(record.error), []).append(record.name)
    return found


def ending(cell: Cell, done: Done) -> Text:
    """How a cell ended, in one line."""
    record = done.record
    if record.status == "ok":
        shown = [metric for metric in record.declared if metric.name in record.metrics]
        scores = "  ".join(f"{metric.header} {record.metrics[metric.name]:.3f}" for metric in shown)
        spent = "cached" if done.cached else f"{(record.ended - record.started).total_seconds():.0f} s"
        return Text.assemble(("✓", "green"), f" {cell.name}  {scores}  ", (spent, "dim"))
    if record.status == "not_applicable":
        return Text(f"– {cell.name}  not applicable: {record.error}", "dim")
    return Text.assemble(("✗", "red"), f" {cell.name}  {record.status}: {brief(record.error or '')}")
