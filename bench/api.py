"""The harness from Python: `from bench import api`.

Each function does what a command does, or gives what one would otherwise read from the store by hand. The store is the
commands' where none is given: `$BENCH_STORE`, or results/store.

They are not `bench.run` and `bench.results`: those are modules, and whether a name of the package is one or a function
would depend on what has been imported before.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor, nn

from bench.commands.table import FORMATS
from bench.execution.invocations import Invocation, invocations, path_of
from bench.execution.progress import RichProgress
from bench.grid import defaults
from bench.grid.catalogue import DATASETS, TRAINING_DATASET
from bench.grid.registry import FOLDER
from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.context import Context
from bench.pipeline.records import Record
from bench.pipeline.single import single, walked
from bench.pipeline.specs import TaskSpec
from bench.pipeline.status import CellStatus
from bench.pipeline.store import Store
from bench.pipeline.walk import Last
from bench.results.table.chosen import chosen
from bench.run import SIGNALLED, Run
from bench.terminal import Terminal
from datasets.base import track_labels
from datasets.errors import BenchError
from datasets.names import at_home
from methods.base import Domain, Method
from tasks.base import EvaluationInputs, Scores, Task, TaskConfig

__all__ = ["Encoder", "FeatureTable", "features", "load", "results", "run", "table"]


def run(
    methods: str = "all",
    tasks: str = "all",
    *,
    store: Path | str | None = None,
    suite: str = defaults.SUITE,
    mlflow: bool = True,
    quiet: bool = False,
    jobs: int = 1,
    **options: Any,
) -> pd.DataFrame:
    """Run a grid, as `bench run` does, and return what `results` says of it.

    Parameters
    ----------
    methods, tasks: as on the command line: names, wildcards, groups, FILE.py:CLASS, tracks:DIR.
    quiet: print nothing.
    jobs: worker processes; each imports the script that calls this, which more than one need to be guarded by
        `if __name__ == "__main__":`.
    options: the command's others by name (`bench.grid.request.Options`): profile="smoke", seeds="0-4",
        settings=["pdr.nf=32"], data_root=Path("/data"), ...

    A cell that fails has its reason in the column `error`; the others are computed all the same. Raises BenchError for
    what is no grid, and KeyboardInterrupt after Ctrl-C, when what had ended is in the store.
    """
    request, opened = Options(methods=methods, tasks=tasks, jobs=jobs, **options).request(), _opened(store)
    console = Terminal(quiet=quiet)
    under_way = Run(request, opened, cells(request, opened), console, suite, mlflow)
    if under_way.go() > SIGNALLED:
        raise KeyboardInterrupt
    return _tidy(under_way.records)


def results(store: Path | str | None = None, run: str | None = None) -> pd.DataFrame:
    """The records of a store, one row per cell and metric.

    Parameters
    ----------
    run: identity of a run, or `latest`; None for every record.

    Returns
    -------
    Columns: `method`, `task`, `dataset`, `synthetic`, `profile`, `protocol`, `seed`, `status`, `error`, `metric`,
    `value`, `low`, `high` (95 % over the units `over` of the test set), `over`, `secondary` (whether only tables of
    their own show it), `run`, `ended`, `key`. A cell without a value has one row, without a `metric`.
    """
    root = _opened(store).root
    if run is None:
        return _tidy(_opened(store).records())
    if run == "latest":
        there = list(invocations(root))
        if not there:
            raise BenchError(f"{root}: no runs; run something first")
        return _tidy(there[-1].records(root))
    return _tidy(Invocation.read(path_of(root, run)).records(root))


def _opened(store: Path | str | None) -> Store:
    return Store(at_home(Path(store or os.environ.get("BENCH_STORE") or defaults.STORE)))


def _tidy(records: Iterable[Record]) -> pd.DataFrame:
    columns = (
        "method task dataset synthetic profile protocol seed status error metric value low high over secondary run"
    )
    return pd.DataFrame(_rows(records), columns=[*columns.split(), "ended", "key"])


def _rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    for record in records:
        cell = {
            "method": record.method,
            "task": record.task,
            "dataset": None if record.dataset is None else record.dataset.name,
            "synthetic": None if record.dataset is None else record.dataset.synthetic,
            "profile": record.profile,
            "protocol": record.protocol,
            "seed": str(record.all_seeds),
            "status": record.status,
            "error": record.error,
            "run": record.run,
            "ended": record.ended,
            "key": record.key,
        }
        values = [(name, value, False) for name, value in record.metrics.items()]
        values += [(name, value, True) for name, value in record.secondary.items()]
        if not values:
            yield {**cell, "metric": None, "secondary": False}
        for name, value, secondary in values:
            interval = record.intervals.get(name)
            span = {} if interval is None else {"low": interval.low, "high": interval.high, "over": interval.over}
            yield {**cell, "metric": name, "value": value, "secondary": secondary, **span}


def table(
    store: Path | str | None = None,
    *,
    methods: str = "all",
    tasks: str = "all",
    metrics: str = "all",
    profile: str | None = None,
    format: str = "md",
) -> str:
    """A table of any rows and columns of a store, as `bench table --methods ... --tasks ...` prints it: `md`, `csv`,
    `latex` (needs booktabs) or `html`.

    Raises BenchError where a name stands for nothing, or the records do not belong in one table.
    """
    if format not in FORMATS:
        raise BenchError(f"unknown format {format!r}: expected one of {', '.join(FORMATS)}")
    opened = _opened(store)
    return FORMATS[format](chosen(list(opened.records()), methods, tasks, metrics, profile, opened), "Results")


class Encoder(nn.Module):
    """A trained method as a module: images in, features out, nothing to prepare but their size.

    Attributes
    ----------
    method: the method, whose `module` has the weights.
    image_size: side of the images, in pixels.
    """

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method
        self.module = method.module
        self.image_size = method.size_for(method.config)

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
        """Features of RGB images in [0, 1], on the module's device; with gradients where the method passes any."""
        return self.method.encode(images)


def load(
    method: str,
    *,
    domain: Domain = "faces",
    store: Path | str | None = None,
    quiet: bool = False,
    **options: Any,
) -> Encoder:
    """A method with its trained weights: from the store, or trained now as `bench run` would.

    `options` are those of `run`; `seeds` names one. Raises BenchError where data, weights or settings do not allow it.
    """
    status, context = _walked(method, _task(TRAINING_DATASET[domain], "image", domain), store, quiet, "derive", options)
    return Encoder(status.load(context.device))


@dataclass(frozen=True)
class FeatureTable:
    """Features of a dataset's images, or tracks, and what is known of them.

    Attributes
    ----------
    values: (n, d), float32.
    labels: kind of label -> (n,) or (n, attributes) numbers, -1 where it is unknown; of CelebA's attributes 0 and 1.
    classes: kind of label -> the names that its numbers stand for.
    """

    values: Float[np.ndarray, "n d"]
    labels: dict[str, Int[np.ndarray, "n *a"]]
    classes: dict[str, tuple[str, ...]]


def features(
    method: str,
    dataset: str,
    *,
    by: Literal["image", "track"] = "image",
    domain: Domain = "faces",
    store: Path | str | None = None,
    quiet: bool = False,
    **options: Any,
) -> FeatureTable:
    """Features of all images of a dataset (`bench list datasets`; `images:DIR` and `tracks:DIR` are one's own), or
    means over its tracks, from the store or computed now; the method is trained first where it has to be.

    `domain` is the kind of object on the images, `options` are those of `run`; `seeds` names one. Raises BenchError
    where data, weights or settings do not allow it.
    """
    status, _ = _walked(method, _task(dataset, by, domain), store, quiet, "encode", options)
    found, encoded = status.dataset, status.features
    assert found is not None, f"{dataset} was found or made"
    assert encoded is not None, f"features of {dataset} were found or made"
    labels = {kind: np.asarray(values) for kind, values in found.labels.items()}
    if by == "track":
        tracks = np.asarray(found.tracks)
        labels = {kind: track_labels(values, tracks, len(found.track_names)) for kind, values in labels.items()}
    return FeatureTable(np.asarray(encoded.values, dtype=np.float32), labels, dict(found.classes))


class _OnDataset(TaskConfig):
    dataset: str
    folder: str | None = None


class _Images(Task):
    """All images of a dataset, of which nothing is asked but their features."""

    Config: ClassVar[type[TaskConfig]] = _OnDataset
    metrics = ()

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Never asked for."""
        raise NotImplementedError


def _task(dataset: str, by: Literal["image", "track"], domain: Domain) -> TaskSpec:
    entry = DATASETS.get(dataset)
    folder = entry.preset.get(FOLDER)
    name = dataset.partition(":")[0] if folder is not None else entry.name
    task = _Images(_OnDataset(dataset=name, folder=folder))
    task.dataset, task.domain, task.reduce = name, domain, "track_mean" if by == "track" else "none"
    return TaskSpec(entry.name, task, entry.name)


def _walked(
    method: str, task: TaskSpec, store: Path | str | None, quiet: bool, until: Last, options: dict[str, Any]
) -> tuple[CellStatus, Context]:
    """What is found or made of one method with one seed on a dataset."""
    request, opened = Options(methods=method, baselines=False, **options).request(), _opened(store)
    cell = single(request, task, opened)
    with RichProgress(Terminal(quiet=quiet)) as progress:
        context = Context.of(request, opened, progress)
        return walked(cell, context, until=until), context
