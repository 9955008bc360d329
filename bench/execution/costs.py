"""What cells cost before, by the records of a store: seconds and memory of each of their stages.

Only what was the same tells: the same method, profile, settings and kind of data, on the same device with as many
threads. Another seed costs as much, and another version of the code about as much.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.grid.portable import without_folders
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.data import is_drawn
from bench.pipeline.environment import environment
from bench.pipeline.keys import canonical
from bench.pipeline.records import Record, StageCost
from bench.pipeline.status import Step


@dataclass(frozen=True)
class Costs:
    """Costs of the stages of finished cells, the newest of each kind."""

    context: Context
    known: Mapping[str, StageCost]

    @classmethod
    def of(cls, context: Context) -> "Costs":
        """Those that the records of a store tell of."""
        found: dict[str, StageCost] = {}
        for record in sorted(context.store.records(), key=lambda record: record.ended):
            if record.status == "ok":
                found.update((_of_record(record, stage), cost) for stage, cost in record.stages.items())
        return cls(context, found)

    def get(self, cell: Cell, stage: Step) -> StageCost | None:
        """What a stage of a cell cost before; None where that is not known."""
        place = environment(self.context.device, self.context.threads)
        entry = cell.training_dataset if stage == "fit" else cell.dataset
        drawn = entry is not None and is_drawn(entry, self.context.data.root)
        if stage == "fit":
            what = _training(cell.method.trained.identity(encoding=False))
        else:
            config = without_folders(cell.method.config.model_dump(mode="json"))
            what = _evaluation(cell.method.name, config, cell.task.label, cell.task.config)
        return self.known.get(canonical([stage, what, cell.profile, drawn, place.device, place.threads]))


def _of_record(record: Record, stage: str) -> str:
    """What the cost of a stage is filed under."""
    data = record.training_dataset if stage == "fit" else record.dataset
    drawn = data is not None and data.synthetic
    if stage == "fit":
        what = _training(record.ingredients.get("fit", {}).get("method", {}))
    else:
        what = _evaluation(record.method, record.method_config, record.task, record.task_config)
    return canonical([stage, what, record.profile, drawn, record.environment.device, record.environment.threads])


def _training(identity: Mapping[str, Any]) -> list[Any]:
    """What tells one training from another, whatever its code was; variants whose features alone differ share it."""
    return [identity.get(name) for name in ("class", "config", "domain")]


def _evaluation(method: str, settings: Mapping[str, Any], task: str, task_settings: Mapping[str, Any]) -> list[Any]:
    """What tells one evaluation from another. A setting that is none is as one that a record has not yet."""
    own, of_task = (
        {name: value for name, value in one.items() if value is not None} for one in (settings, task_settings)
    )
    return [method, own, task, of_task]
