"""A record while its cell runs, and what goes into it."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.grid.request import Request
from bench.pipeline.encode import Derived, Features
from bench.pipeline.environment import environment, resolve_device
from bench.pipeline.fit import Checkpoint, peak_memory_mb
from bench.pipeline.keys import key_of
from bench.pipeline.plan import Cell
from bench.pipeline.records import DatasetInfo, Phase, Record, Uncertainty
from datasets.base import Dataset
from tasks.base import Scores


@dataclass
class Draft:
    """A record while its cell runs."""

    cell: Cell
    request: Request
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: str = ""
    dataset: DatasetInfo | None = None
    training_dataset: DatasetInfo | None = None
    ingredients: dict[str, Any] = field(default_factory=dict)
    phases: dict[str, Phase] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def took_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Note the weights and what training them cost."""
        info = checkpoint.info
        self.values.update(
            weights_sha256=checkpoint.sha256,
            parameters=info["parameters"],
            notes=info["notes"],
            training=info.get("training", {}),
        )
        if "ingredients" in info:
            self.ingredients["fit"] = info["ingredients"]
            self.phases["fit"] = phase(checkpoint.key, info)

    def took_derived(self, derived: Derived) -> None:
        """Note what was derived besides the weights, what the method says of it, and what it cost."""
        self.values["notes"] = list(dict.fromkeys([*self.values["notes"], *derived.info["notes"]]))
        self.ingredients["derive"] = derived.info["ingredients"]
        self.phases["derive"] = phase(derived.key, derived.info)

    def took_features(self, features: Features) -> None:
        """Note the features and what encoding them cost."""
        self.ingredients["encode"] = features.info["ingredients"]
        self.phases["encode"] = phase(features.key, features.info)
        self.values["feature_size"] = int(features.values.shape[1])

    def took_scores(self, scores: Scores, predictions: str | None, seconds: float) -> None:
        """Note the scores and what they cost."""
        self.details.update(scores.details)
        self.values.update(
            metrics=scores.metrics,
            less_is_better=sorted(self.cell.task.task.less_is_better & scores.metrics.keys()),
            intervals={name: Uncertainty(low=i.low, high=i.high, over=i.over) for name, i in scores.intervals.items()},
            predictions=predictions,
        )
        self.phases["evaluate"] = phase(self.key, {"seconds": seconds, "peak_memory_mb": peak_memory_mb()})

    def record(self, status: Any, error: str | None) -> Record:
        """The finished record. A cell that never came to its key is filed under its specification."""
        method, task = self.cell.method, self.cell.task
        values = self.values if status == "ok" else {}
        specification = {
            "stage": "specification",
            "method": [method.name, method.identity(encoding=False)],
            "task": [task.name, task.identity],
            "seeds": asdict(self.cell.seeds),
            "profile": self.request.profile.name,
            "protocol": self.request.protocol,
            "synthetic": self.request.data_root is None,
        }
        return Record(
            key=self.key or key_of(specification),
            method=method.name,
            task=task.name,
            seed=self.cell.seeds.fit,
            seeds=self.cell.seeds.others,
            profile=self.request.profile.name,
            protocol=self.request.protocol,
            status=status,
            error=error,
            dataset=self.dataset,
            training_dataset=self.training_dataset,
            details=self.details,
            method_config=method.config.model_dump(mode="json"),
            task_config=task.config,
            phases=self.phases,
            ingredients=self.ingredients or {"specification": specification},
            environment=environment(resolve_device(self.request.device)),
            started=self.started,
            ended=datetime.now(UTC),
            **values,
        )


def phase(key: str, info: dict[str, Any]) -> Phase:
    """What a stage cost, from the file that it left."""
    return Phase(key=key, seconds=info["seconds"], peak_memory_mb=info["peak_memory_mb"])


def dataset_info(dataset: Dataset) -> DatasetInfo:
    """A dataset's identity for the record."""
    return DatasetInfo(
        name=dataset.name,
        synthetic=dataset.synthetic,
        digest=dataset.digest,
        images=len(dataset),
        size=dataset.size,
        skipped=dict(dataset.skipped),
    )
