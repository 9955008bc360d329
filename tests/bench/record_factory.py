"""Records made from nothing, for tests of whatever reads them."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from bench.pipeline.records import Citations, DatasetInfo, Environment, Interval, Record, StageCost
from datasets.official import COUNTS
from tasks.results import Metric, PerItem

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = ("accuracy", "f1", "nmi")


def record(method: str = "pdr", task: str = "bbt", seed: int = 0, **changes: Any) -> Record:
    """A plausible record of a finished cell on whole real datasets; `value` sets all three metrics, `half` their
    intervals' half width over tracks, `synthetic` the datasets', anything else a field of the record. What is declared
    follows `metrics` and `secondary` where those are other ones."""
    value, half = changes.pop("value", 0.5), changes.pop("half", 0.02)
    synthetic, trained = changes.pop("synthetic", False), changes.pop("trained", True)
    names = (*changes.get("metrics", NAMES), *changes.get("secondary", ()))
    digest = sha256(f"{task} {synthetic}".encode()).hexdigest()
    ok = changes.get("status", "ok") == "ok"
    fields: dict[str, Any] = {
        "key": sha256(f"{method}/{task}/{seed}/{changes.get('profile')}".encode()).hexdigest()[:32],
        "method": method,
        "task": task,
        "seed": seed,
        "profile": "mini",
        "protocol": "default",
        "status": "ok",
        "dataset": DatasetInfo(
            name=task, synthetic=synthetic, digest=digest, images=100, counts={} if synthetic else COUNTS.get(task, {})
        ),
        "training_dataset": DatasetInfo(name="utkface", synthetic=synthetic, digest="b" * 64, images=23_708)
        if trained
        else None,
        "metrics": dict.fromkeys(NAMES, value) if ok else {},
        "intervals": {n: Interval(low=value - half, high=value + half, over="tracks") for n in NAMES} if ok else {},
        "declared": [Metric(name, cites=("ward1963hierarchical",)) for name in names],
        "per_item": PerItem("clustering", "label", "tracks"),
        "citations": Citations(method=["klinghoffer2022pdr"], dataset=["tapaswi2012knock"]),
        "method_config": {"nf": 16, "schedule": {"batch_size": 64}, "features": ["geometry", "albedo"]},
        "task_config": {"protocol": "default"},
        "training": {"steps": 1000, "best_loss": 0.25, "stopped": "patience"},
        "stages": {"evaluate": StageCost(key="e" * 32, seconds=0.5, peak_memory_mb=300)},
        "environment": Environment(
            packages={"torch": "2.8"}, python="3.11", platform="any", device="cpu", threads=2, git_commit="c" * 40
        ),
        "started": START + timedelta(seconds=1),
        "ended": START + timedelta(seconds=9),
    }
    return Record(**{**fields, **changes})


def of_schema_1(**changes: Any) -> dict[str, Any]:
    """The JSON of a record as it was written before tasks declared their metrics; `changes` are of its fields."""
    plain = record().model_dump(mode="json")
    new = ("secondary", "declared", "captions", "charts", "pictures", "per_item", "citations", "run", "stages")
    old = {name: value for name, value in plain.items() if name not in new}
    return {**old, "schema_version": 1, "phases": plain["stages"], "less_is_better": [], **changes}
