"""The regression check: a suite's reference values, how much they vary by themselves, and what differs from them.

A reference is measured, not guessed: `bench calibrate` runs the suite with several seeds of the same code, and once
more with another number of threads. A metric's limit is the repeatability limit of ISO 5725, 2.8 standard deviations
(two single results of the same method differ by more in one case of twenty), and at least the numeric noise.
"""

import platform
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Environment, Frozen, Record, first_fault
from bench.pipeline.store import Store
from datasets.errors import BenchError
from datasets.files import write_json

REPEATABILITY = 2.8
# Metrics are sums over items in float64: a difference below this is rounding on any machine.
ROUNDING = 1e-6
# Packages whose next minor version may change every trained number.
DECISIVE = ("torch", "numpy", "scikit-learn", "scipy")


class Measured(Frozen):
    """One metric of one cell."""

    value: float = Field(description="at the first seed, which the check runs again")
    mean: float = Field(description="over the seeds")
    sd: float = Field(ge=0, description="standard deviation over the seeds")
    noise: float = Field(ge=0, description="change when the first seed ran with another number of threads")
    limit: float = Field(gt=0, description="largest difference that is no regression")


class CellReference(Frozen):
    """One cell: method x task."""

    status: Literal["ok", "not_applicable"]
    metrics: dict[str, Measured] = Field(default_factory=dict)
    items: dict[str, str] = Field(
        default_factory=dict,
        description="per-item predictions at the first seed, apart by spaces: integers, or a checksum per item",
    )


class Suite(Frozen):
    """What is run."""

    methods: str = "all"
    tasks: str = "all"
    profile: str = "smoke"


class Reference(Frozen):
    """What `bench check` compares with."""

    schema_version: Literal[1] = 1
    suite: Suite
    seeds: list[int] = Field(description="seeds that were run; the first is that of the check")
    environment: Environment
    machine: str = Field(description="processor architecture")
    calibrated: datetime
    cells: dict[str, CellReference] = Field(description="`method/task` -> its reference")

    def write(self, path: Path) -> None:
        """Write the reference as JSON, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> "Reference":
        """Read a reference; a missing or damaged one is a BenchError."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BenchError(f"no reference {path} ({error.strerror}): make one with `bench calibrate`") from error
        except ValidationError as error:
            raise BenchError(
                f"{path} is no reference ({first_fault(error)}): make one with `bench calibrate`"
            ) from error


@dataclass(frozen=True)
class Finding:
    """One difference; `kind` decides the exit code."""

    kind: Literal["regression", "crash"]
    cell: str
    text: str


def calibrated(
    suite: Suite, runs: Sequence[Sequence[Record]], again: Sequence[Record], store: Store, now: datetime
) -> Reference:
    """The reference of a suite.

    Parameters
    ----------
    runs: the records of each seed.
    again: those of the first seed, run with another number of threads.
    store: where the per-item predictions of `runs` are.

    Raises BenchError where a cell failed or is missing.
    """
    for record in [record for records in [*runs, again] for record in records]:
        if record.status not in ("ok", "not_applicable"):
            raise BenchError(f"{record.name} {record.status}: {record.error}; a reference needs every cell")
    noisy = {_cell(record): record for record in again}
    cells = {}
    for record in runs[0]:
        name = _cell(record)
        same = [other for records in runs for other in records if _cell(other) == name]
        cells[name] = CellReference(
            status="ok" if record.status == "ok" else "not_applicable",
            metrics={
                metric: _measured([other.metrics[metric] for other in same], noisy[name].metrics[metric])
                for metric in record.metrics
            },
            items=items_of(predictions_of(record, store)),
        )
    return Reference(
        suite=suite,
        seeds=[records[0].seed for records in runs],
        environment=runs[0][0].environment,
        machine=platform.machine(),
        calibrated=now,
        cells=cells,
    )


def _measured(values: list[float], other_threads: float) -> Measured:
    noise = abs(other_threads - values[0])
    sd = stdev(values)
    return Measured(
        value=values[0], mean=fmean(values), sd=sd, noise=noise, limit=max(REPEATABILITY * sd, noise, ROUNDING)
    )


def items_of(predictions: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Per-item arrays, short: integers as they are, anything wider as a checksum per item."""
    return {name: " ".join(map(str, _short(values))) for name, values in sorted(predictions.items())}


def _short(values: np.ndarray) -> list[int]:
    if values.ndim == 1 and np.issubdtype(values.dtype, np.integer):
        return [int(value) for value in values]
    return [zlib.crc32(np.ascontiguousarray(row).tobytes()) for row in values]


def void(reference: Reference, environment: Environment) -> list[str]:
    """Why a comparison would mean nothing: another kind of machine, or other versions of what computes."""
    reasons = []
    if platform.machine() != reference.machine:
        reasons.append(f"processor {platform.machine()}, the reference was measured on {reference.machine}")
    if environment.device.startswith("cpu") != reference.environment.device.startswith("cpu"):
        reasons.append(f"device {environment.device}, the reference was measured on {reference.environment.device}")
    for package in DECISIVE:
        here, there = (known.packages.get(package, "none") for known in (environment, reference.environment))
        if here.split(".")[:2] != there.split(".")[:2]:
            reasons.append(f"{package} {here}, the reference was measured with {there}")
    return reasons


def findings(reference: Reference, records: Sequence[Record], store: Store) -> list[Finding]:
    """Everything in `records` that differs from the reference by more than its limit, or is not there."""
    found = []
    here = {_cell(record): record for record in records}
    for name, wanted in reference.cells.items():
        record = here.pop(name, None)
        if record is None:
            found.append(Finding("regression", name, "the cell is gone"))
        elif record.status in ("failed", "missing"):
            found.append(Finding("crash", name, f"{record.status}: {record.error}"))
        elif record.status != wanted.status:
            found.append(Finding("regression", name, f"was {wanted.status}, is {record.status}: {record.error}"))
        else:
            found += _differences(name, wanted, record, store)
    found += [Finding("regression", name, "a new cell: calibrate again") for name in here]
    return found


def _differences(name: str, wanted: CellReference, record: Record, store: Store) -> list[Finding]:
    found = []
    for metric, measured in wanted.metrics.items():
        value = record.metrics.get(metric)
        if value is None:
            found.append(Finding("regression", name, f"{metric} is gone"))
        elif not abs(value - measured.value) <= measured.limit:
            text = (
                f"{metric} {measured.value:.4f} -> {value:.4f} ({value - measured.value:+.4f}, limit "
                f"{measured.limit:.2g}); {first_difference(wanted.items, items_of(predictions_of(record, store)))}"
            )
            found.append(Finding("regression", name, text))
    found += [
        Finding("regression", name, f"a new metric, {metric}: calibrate again")
        for metric in record.metrics
        if metric not in wanted.metrics
    ]
    return found


def first_difference(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """The first item whose prediction is not what it was; both as of `items_of`."""
    for name, text in wanted.items():
        values, others = text.split(), found.get(name, "").split()
        if len(others) != len(values):
            return f"{name} has {len(others)} items, the reference {len(values)}"
        for index, (before, after) in enumerate(zip(values, others, strict=True)):
            if before != after:
                return f"first differing item: {name}[{index}] was {before}, is {after}"
    return "no item's prediction differs"


def _cell(record: Record) -> str:
    return f"{record.method}/{record.task}"
