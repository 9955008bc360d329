"""The regression check: a suite's reference values, how much they vary by themselves, and what differs from them.

A reference is measured, not guessed: `bench calibrate` runs the suite with n seeds of the same code, and once more with
another number of threads. A change of the code that means nothing but sends trainings another way draws their scores
anew. So a metric's limit is that of a prediction interval for one new score beside the mean of n (normal theory, as in
Hahn and Meeker, Statistical Intervals, 1991, section 4.7),

    t * sd * sqrt(1 + 1 / n),    t of Student's t with n - 1 degrees of freedom at 1 - 0.05 / (2 m),

with m the number of metrics in the suite (Bonferroni), so that a check of all of them raises any false alarm in 5 % of
cases at most, however they depend on each other. The price is power: with 100 metrics t is 1273 of two seeds, 10.3 of
five and 5.3 of ten, so that a reference is worth its seeds. A score that is what it was, within the numeric noise, is
no alarm however far from the mean; and a cell of which nothing varied is held to that noise. Where a metric is the same
at all seeds by luck, as counts of few items are, its sd is taken to be the least that another of its cell has.
"""

import platform
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from bench.pipeline.predictions import predictions_of
from bench.pipeline.records import Environment, Frozen, Record, first_fault
from bench.pipeline.store import Store
from bench.results.crossed import quantile
from datasets.errors import BenchError
from datasets.files import write_json

# Schema 1 had other limits, around the first seed's value.
SCHEMA_VERSION: Literal[2] = 2
# How often a check of unchanged code may raise any alarm.
ALARMS = 0.05
# Metrics are sums over items in float64: a difference below this is rounding on any machine.
ROUNDING = 1e-6
# Packages whose next minor version may change every trained number.
DECISIVE = ("torch", "numpy", "scikit-learn", "scipy")


class Measured(Frozen):
    """One metric of one cell."""

    value: float = Field(description="at the first seed, which the check runs again")
    mean: float = Field(description="over the seeds")
    sd: float = Field(
        ge=0,
        description="standard deviation over the seeds; where that is 0, the least that another metric of the cell has",
    )
    noise: float = Field(ge=0, description="change when the first seed ran with another number of threads")
    limit: float = Field(gt=0, description="largest difference from the mean that is no regression")


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

    schema_version: Literal[2] = SCHEMA_VERSION
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
        """Read a reference; a missing, an old or a damaged one is a BenchError."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BenchError(f"no reference {path} ({error.strerror}): make one with `bench calibrate`") from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            if re.search(r'"schema_version":\s*1\b', text):
                raise BenchError(
                    f"{path} is a reference of schema 1, whose limits meant something else: make it anew with "
                    "`bench calibrate`"
                ) from error
            raise BenchError(
                f"{path} is no reference ({first_fault(error)}): make one with `bench calibrate`"
            ) from error


# A loss (or what is gone); a gain; a change of a number of which neither more nor less is better; a cell that failed;
# what the reference does not have, which is no difference.
Kind = Literal["regression", "gain", "change", "crash", "new"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as in the reference; `kind` decides the exit code.

    Attributes
    ----------
    metric, before, after: the number, where it is one, at the first seed.
    """

    kind: Kind
    cell: str
    text: str
    metric: str | None = None
    before: float | None = None
    after: float | None = None


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
    values = {
        (_cell(record), metric): [
            other.metrics[metric] for records in runs for other in records if _cell(other) == _cell(record)
        ]
        for record in runs[0]
        for metric in record.metrics
    }
    cells = {}
    for record in runs[0]:
        name = _cell(record)
        own = {metric: values[name, metric] for metric in record.metrics}
        least = min((sd for sd in map(stdev, own.values()) if sd > 0), default=0.0)
        cells[name] = CellReference(
            status="ok" if record.status == "ok" else "not_applicable",
            metrics={
                metric: _measured(found, noisy[name].metrics[metric], least, len(values))
                for metric, found in own.items()
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


def _measured(values: list[float], other_threads: float, least: float, metrics: int) -> Measured:
    """One metric of `metrics`; `least` is the smallest standard deviation, but 0, of its cell's metrics."""
    noise, sd = abs(other_threads - values[0]), stdev(values) or least
    limit = max(prediction_limit(sd, len(values), metrics), noise, ROUNDING)
    return Measured(value=values[0], mean=fmean(values), sd=sd, noise=noise, limit=limit)


def prediction_limit(sd: float, runs: int, metrics: int) -> float:
    """How far from the mean of `runs` scores, of standard deviation `sd`, one more may lie, so that `metrics` such
    limits hold together in 95 % of cases."""
    return quantile(runs - 1, 1 - ALARMS / (2 * metrics)) * sd * sqrt(1 + 1 / runs)


def alarms(value: float, measured: Measured) -> bool:
    """Whether a score is a regression: neither what it was nor within the limit of the mean."""
    return not (
        abs(value - measured.value) <= max(measured.noise, ROUNDING) or abs(value - measured.mean) <= measured.limit
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


def changed(reference: Reference, records: Sequence[Record]) -> int:
    """How many metrics are not what they were, within their limits or beyond."""
    here = {_cell(record): record.metrics for record in records}
    return sum(
        not abs(here.get(name, {}).get(metric, measured.value) - measured.value) <= max(measured.noise, ROUNDING)
        for name, cell in reference.cells.items()
        for metric, measured in cell.metrics.items()
    )


def findings(reference: Reference, records: Sequence[Record], store: Store) -> list[Finding]:
    """Everything in `records` that differs from the reference by more than its limit, is not there, or is new."""
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
    found += [Finding("new", name, "not in the reference: calibrate again to compare it") for name in here]
    return found


def _differences(name: str, wanted: CellReference, record: Record, store: Store) -> list[Finding]:
    found = []
    higher = {metric.name: metric.higher_is_better for metric in record.declared}
    for metric, measured in wanted.metrics.items():
        value = record.metrics.get(metric)
        if value is None:
            found.append(Finding("regression", name, f"{metric} is gone", metric, measured.value))
        elif alarms(value, measured):
            text = (
                f"{metric} {measured.value:.4f} -> {value:.4f} (mean {measured.mean:.4f} ± {measured.limit:.2g}); "
                f"{first_difference(wanted.items, items_of(predictions_of(record, store)))}"
            )
            kind = _kind(value - measured.mean, higher.get(metric))
            found.append(Finding(kind, name, text, metric, measured.value, value))
    found += [
        Finding("new", name, f"{metric} is not in the reference: calibrate again to compare it", metric, None, value)
        for metric, value in record.metrics.items()
        if metric not in wanted.metrics
    ]
    return found


def _kind(difference: float, higher_is_better: bool | None) -> Kind:
    """Whether a difference from the mean is a loss or a gain."""
    if higher_is_better is None:
        return "change"
    return "gain" if (difference > 0) == higher_is_better else "regression"


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
