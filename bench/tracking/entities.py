"""What a record looks like in MLflow: parameters, metrics, tags, dataset inputs. Pure functions of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bench.escaping import markdown
from bench.escaping import mlflow as valid_name
from bench.execution.invocations import Invocation
from bench.pipeline.records import DatasetInfo, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric, Param

# Tags that the mirror finds its own runs by.
INVOCATION_TAG = "bench.invocation"
CELL_TAG = "bench.cell_key"
COMPUTED_TAG = "bench.computed_by"
TRAINING_TAG = "bench.training_key"

# Parameters of one request.
PARAMETERS = 100

# MLflow stores at most 36 characters of a dataset's digest; the full SHA-256 is in the dataset's profile.
DIGEST_LENGTH = 32

RUN_STATUS = {"ok": "FINISHED", "failed": "FAILED", "missing": "FAILED", "not_applicable": "FINISHED"}


def milliseconds(moment: datetime) -> int:
    """MLflow's time: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def cell_tags(record: Record, run: Invocation, parent: str) -> dict[str, str]:
    """Tags of a cell's run: how it ended, on what, and from which code."""
    tags = {
        INVOCATION_TAG: run.id,
        CELL_TAG: record.key,
        COMPUTED_TAG: record.run or run.id,
        "mlflow.parentRunId": parent,
        "mlflow.source.name": "bench",
        "mlflow.source.type": "LOCAL",
        "bench.method": record.method,
        "bench.task": record.task,
        "bench.seed": str(record.all_seeds),
        "bench.profile": record.profile,
        "bench.protocol": record.protocol,
        "bench.status": record.status,
        "bench.synthetic": str(record.synthetic).lower(),
        "bench.cached": str(record.ended < run.started).lower(),
        "bench.device": record.environment.device,
    }
    if record.environment.git_commit is not None:
        tags["mlflow.source.git.commit"] = record.environment.git_commit
    if record.environment.git_dirty is not None:
        tags["mlflow.source.git.dirty"] = str(record.environment.git_dirty).lower()
    if text := "\n\n".join(map(markdown, filter(None, [record.error, *record.notes]))):
        tags["mlflow.note.content"] = text
    return tags


def invocation_tags(run: Invocation) -> dict[str, str]:
    """Tags of the parent run."""
    return {
        INVOCATION_TAG: run.id,
        "mlflow.source.name": "bench",
        "mlflow.source.type": "LOCAL",
        "bench.profile": run.profile,
        "bench.protocol": run.protocol,
    }


def cell_params(record: Record) -> list["Param"]:
    """Everything that was chosen for a cell; configurations flattened as `method.schedule.batch_size`."""
    chosen: dict[str, Any] = {
        "method": record.method,
        "task": record.task,
        "seed": str(record.all_seeds),
        "profile": record.profile,
        "protocol": record.protocol,
    }
    nested = {"method": record.method_config, "task": record.task_config}
    return params({**chosen, **dict(flatten(nested))})


def params(values: Mapping[str, Any]) -> list["Param"]:
    """MLflow parameters; values that are not text become JSON."""
    from mlflow.entities import Param

    return [
        Param(valid_name(name), value if isinstance(value, str) else json.dumps(value))
        for name, value in values.items()
    ]


def cell_metrics(record: Record) -> list["Metric"]:
    """Scores, the bounds of their intervals, what each stage cost, sizes and the numbers of the training. What stands
    before the slash is what MLflow's charts are grouped by."""
    values = {f"scores/{name}": value for name, value in {**record.metrics, **record.secondary}.items()}
    for name, interval in record.intervals.items():
        values[f"intervals/{name}_low"], values[f"intervals/{name}_high"] = interval.low, interval.high
    for name, stage in record.stages.items():
        values[f"seconds/{name}"], values[f"peak_memory_mb/{name}"] = stage.seconds, stage.peak_memory_mb
    for name in ("parameters", "feature_size"):
        if (size := getattr(record, name)) is not None:
            values[f"size/{name}"] = size
    return [*metrics(values, record.ended), *training_metrics(record)]


def training_metrics(record: Record) -> list["Metric"]:
    """What a training came to, in numbers."""
    values = {
        f"training/{name}": value
        for name, value in flatten(record.training)
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return metrics(values, record.ended)


def curve_metrics(curve: Sequence[Mapping[str, Any]], name: str, start: int) -> Iterator["Metric"]:
    """A training's losses and speed by optimiser step, epoch by epoch, from `start` (MLflow's time) on by its own
    clock, so that the same epoch is always the same point. A loss that is not finite has none."""
    from mlflow.entities import Metric

    passed = 0.0
    for epoch in curve:
        passed += epoch.get("seconds", 0.0)
        found = {
            **{f"{name}train/{loss}": value for loss, value in epoch["train"].items()},
            **{f"{name}validation/{loss}": value for loss, value in epoch.get("validation", {}).items()},
            f"{name}speed/images_per_second": epoch.get("images_per_second"),
        }
        for key, value in found.items():
            if value is not None:
                yield Metric(valid_name(key), float(value), start + round(1000 * passed), epoch["step"])


def metrics(values: Mapping[str, float], moment: datetime) -> list["Metric"]:
    """MLflow metrics at one moment; with the record's own time, logging them again adds no second point."""
    from mlflow.entities import Metric

    return [Metric(valid_name(name), float(value), milliseconds(moment), 0) for name, value in values.items()]


def dataset_inputs(record: Record) -> list["DatasetInput"]:
    """The datasets behind a cell, as metadata; no image is opened."""
    used = {"evaluation": record.dataset, "training": record.training_dataset}
    return [dataset_input(data, context) for context, data in used.items() if data is not None]


def derivation_input(derived: Mapping[str, Any]) -> "DatasetInput":
    """The dataset that a method derived something from, as the derivation's own file names it: its label and digest."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    label, digest = derived["data"], derived["ingredients"]["data"]
    source = json.dumps({"tags": {"mlflow.source.name": "bench", "dataset": label}})
    dataset = Dataset(label, digest[:DIGEST_LENGTH], "code", source, profile=json.dumps({"sha256": digest}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "derivation")])


def dataset_input(data: DatasetInfo, context: str) -> "DatasetInput":
    """A dataset as MLflow has it; `context` says what it was for."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    # "code" is MLflow's source type for data that has no address of its own.
    source = json.dumps({"tags": {"mlflow.source.name": "bench", "dataset": data.name}})
    profile = json.dumps({"images": data.images, "skipped": data.skipped, "sha256": data.digest})
    dataset = Dataset(data.label, data.digest[:DIGEST_LENGTH], "code", source, profile=profile)
    tags = [
        InputTag("mlflow.data.context", context),
        InputTag("bench.synthetic", str(data.synthetic).lower()),
    ]
    return DatasetInput(dataset, tags)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested dictionaries with dotted names; lists are leaves.

    >>> dict(flatten({"a": {"b": 1, "c": [2]}}))
    {'a.b': 1, 'a.c': [2]}
    """
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def log(client: "MlflowClient", run_id: str, metrics: Sequence["Metric"], params: Sequence["Param"]) -> None:
    """Log in as few requests as MLflow's limit on parameters allows."""
    client.log_batch(run_id, metrics=metrics, params=params[:PARAMETERS])
    for start in range(PARAMETERS, len(params), PARAMETERS):
        client.log_batch(run_id, params=params[start : start + PARAMETERS])
