"""How far trainings of one method lie apart, as a committed file remembers it for rows of one training.

`bench publish` writes `results/PROFILE/spread.json` from a run of at least three seeds. It is of drawn data, since
nothing else is published: it says nothing of rows on real photographs.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from bench.pipeline.records import Frozen, Record, first_fault
from bench.results.trainings import ENOUGH, Trainings
from datasets.errors import BenchError
from datasets.files import write_json

RESULTS = Path(__file__).parents[2] / "results"
FILE = "spread.json"


class Spread(Frozen):
    """Of one method on one task."""

    trainings: int = Field(ge=ENOUGH, description="how many were measured")
    sd: dict[str, float] = Field(description="metric -> standard deviation over these trainings")


class Spreads(Frozen):
    """Of one profile."""

    schema_version: Literal[1] = 1
    profile: str
    methods: dict[str, dict[str, Spread]] = Field(default_factory=dict, description="method -> task -> its spread")

    def of(self, method: str, task: str, metric: str) -> tuple[float, int] | None:
        """The standard deviation and the number of trainings; None where it was not measured."""
        found = self.methods.get(method, {}).get(task)
        return None if found is None or metric not in found.sd else (found.sd[metric], found.trainings)

    def with_measured(self, records: Iterable[Record]) -> "Spreads":
        """With what `records` of this profile tell anew: their rows of at least three trainings replace the known
        ones, the others stay."""
        cells: dict[tuple[str, str], list[Record]] = {}
        for record in records:
            if record.status == "ok":
                cells.setdefault((record.row, record.section), []).append(record)
        methods = {method: dict(tasks) for method, tasks in self.methods.items()}
        for (method, task), own in cells.items():
            measured: dict[str, float] = {}
            trainings = 0
            for metric in {name: None for record in own for name in (*record.metrics, *record.secondary)}:
                scored = [record for record in own if metric in record.metrics or metric in record.secondary]
                row = Trainings(metric, tuple(scored), (None,) * len(scored))
                if row.sd is not None:
                    measured[metric], trainings = row.sd, row.number
            if measured:
                methods.setdefault(method, {})[task] = Spread(trainings=trainings, sd=measured)
        return self.model_copy(update={"methods": methods})

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))


@cache
def committed(profile: str, results: Path = RESULTS) -> Spreads:
    """What is known of a profile; nothing where there is no file.

    Raises BenchError where the file is damaged.
    """
    path = results / profile / FILE
    if not path.is_file():
        return Spreads(profile=profile)
    try:
        return Spreads.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise BenchError(f"{path} does not hold spreads ({first_fault(error)}): write it with bench publish") from error
