"""One cell, from its specification to its record; whatever goes wrong becomes the record's error."""

import traceback
from contextlib import chdir
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.record_builder import Ending, RecordBuilder
from bench.pipeline.records import Record, first_fault
from bench.pipeline.status import CellStatus
from bench.pipeline.walk import compute
from datasets.errors import BenchError, NotApplicable, ResourceMissing, described
from datasets.plain import plain


@dataclass(frozen=True)
class FitFailure:
    """Why a method could not be trained, for the other cells that wait for the same training."""

    status: Ending
    error: str


@dataclass(frozen=True)
class Done:
    """A cell that ended.

    Attributes
    ----------
    path: the record's file.
    cached: whether the record was there already.
    fit_failure: set where it was the training that went wrong.
    spent: seconds by part (`bench.timing`) that a worker process counted for it.
    """

    record: Record
    path: Path
    cached: bool = False
    fit_failure: FitFailure | None = None
    spent: dict[str, float] = field(default_factory=dict)


def run_cell(cell: Cell, context: Context, fit_failure: FitFailure | None = None) -> Done:
    """Compute what is not there of a cell. Only KeyboardInterrupt escapes: a method that calls `sys.exit` ends its own
    cell.

    `fit_failure` is what another cell met that shares this one's training: it is not tried again.
    """
    status = CellStatus(cell)
    builder = RecordBuilder(status, context, started=datetime.now(UTC))
    if cell.not_applicable is not None:
        return _ended(builder, "not_applicable", cell.not_applicable)
    if fit_failure is not None:
        return _ended(builder, fit_failure.status, fit_failure.error)
    try:
        with chdir("."):  # whatever folder other people's code goes to
            compute(status, context)
    except KeyboardInterrupt:
        raise
    except NotApplicable as error:
        return _ended(builder, "not_applicable", str(error))
    except ResourceMissing as error:
        return _ended(builder, "missing", str(error))
    except BenchError as error:
        return _ended(builder, "failed", str(error))
    except BaseException as error:
        text = f"{error.title}: {first_fault(error)}" if isinstance(error, ValidationError) else described(error)
        record = builder.ended("failed", text, {"traceback": plain(traceback.format_exc(), "traceback")})
        return _written(record, context, FitFailure("failed", text) if status.fit_failed else None)
    assert status.record is not None, f"{cell.name} ended without a record"
    return Done(status.record, context.store.record_path(status.record.key), cached=status.cached)


def died(cell: Cell, context: Context) -> Done:
    """The end of a cell whose worker processes ended without a word, twice."""
    error = "its worker process died twice (killed, or out of memory): run the same command again, or with --jobs 1"
    return _ended(RecordBuilder(CellStatus(cell), context, started=datetime.now(UTC)), "failed", error)


def _ended(builder: RecordBuilder, status: Ending, error: str) -> Done:
    failure = FitFailure(status, error) if builder.status.fit_failed else None
    return _written(builder.ended(status, error), builder.context, failure)


def _written(record: Record, context: Context, failure: FitFailure | None = None) -> Done:
    path = context.store.record_path(record.key)
    record.write(path)
    return Done(record, path, fit_failure=failure)
