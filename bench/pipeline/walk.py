"""The one way through a cell's stages, for all who ask: a run computes, a plan and a question look.

    data -> fit -> checkpoint -> derive -> derived -> encode -> features -> evaluate -> record

Each stage's key hashes what the stages before it gave, so looking ends at the first that is not there.
"""

from typing import Any, Literal, TypeVar

from bench.grid.registry import Entry
from bench.pipeline.cell import Cell
from bench.pipeline.context import Context
from bench.pipeline.derive import derive_stage
from bench.pipeline.encode import encode_stage
from bench.pipeline.evaluate import evaluate_stage
from bench.pipeline.fit import fit_stage
from bench.pipeline.stage import Artifact, Stage
from bench.pipeline.status import CellStatus
from datasets.base import Dataset
from datasets.errors import BenchError, described
from datasets.sealed import Damaged

A = TypeVar("A", bound=Artifact)
# Walks over a cell while what they find is damaged: something that is damaged whenever it is written is no accident.
ATTEMPTS = 4
# Where a walk may end: with the method's weights, with what it derives, with features, or with the record.
Last = Literal["fit", "derive", "encode", "evaluate"]


def look(cell: Cell, context: Context, *, until: Last = "evaluate") -> CellStatus:
    """What is there of a cell, found out without decoding, training or encoding anything. Whatever keeps it from being
    computed is noted, errors of a user's own code too."""
    status = CellStatus(cell)
    try:
        _Walk(status, context, compute=False, until=until).go()
        if status.trains or (status.weightless and status.missing is None):
            cell.method.trained.cls.check_resources(cell.method.trained.config)
    except BenchError as error:
        status.missing = str(error)
    except Exception as error:
        status.missing = described(error)
    return status


def compute(status: CellStatus, context: Context, *, until: Last = "evaluate") -> None:
    """Go through a cell's stages, computing what is not there; whatever was found is noted in `status` at once, so
    that it says how far the cell came where an error ends it.

    Raises
    ------
    BenchError
        Where data, weights or settings do not allow it.
    """
    for left in reversed(range(ATTEMPTS)):
        walk = _Walk(status, context, compute=True, until=until)
        try:
            walk.go()
            break
        except Damaged:
            if not left:
                raise
            walk.mend()


class _Walk:
    """One walk over the stages of a cell."""

    def __init__(self, status: CellStatus, context: Context, *, compute: bool, until: Last) -> None:
        self.status = status
        self.context = context
        self.compute = compute
        self.until = until
        self.taken: list[Stage[Any]] = []

    def go(self) -> None:
        """Walk until the last stage asked for, or the first that is not there."""
        status, cell, context = self.status, self.status.cell, self.context
        status.dataset = self._dataset(cell.dataset)
        if cell.training_dataset is not None:
            status.training = self._dataset(cell.training_dataset)
        trained = status.training is not None or cell.training_dataset is None
        if status.dataset is not None and trained:
            status.states["data"] = "cached"
        if not trained:
            return
        status.checkpoint = self._fit(fit_stage(cell, status.training, context))
        if status.checkpoint is None or self.until == "fit":
            return
        if cell.derived_dataset is not None:
            source = self._dataset(cell.derived_dataset)
            if source is None:
                return
            status.derived = self._take(derive_stage(cell, status.checkpoint, source, context))
            if status.derived is None:
                return
        if status.dataset is None or self.until == "derive":
            return
        frames = status.frames = cell.frames(status.dataset)
        encode = None
        if cell.encodes:
            encode = encode_stage(cell, status.checkpoint, status.derived, status.dataset, frames, context)
        if self.until == "encode":
            status.features = None if encode is None else self._take(encode)
            return
        evaluate = evaluate_stage(status, frames, None if encode is None else encode.key, context)
        status.key = evaluate.key
        if (record := evaluate.find(context)) is not None:
            # The record tells all: whether features are still there does not matter.
            if encode is not None:
                self._note(encode, cached=True)
            self._note(evaluate, cached=True)
            status.record, status.cached = record, True
            return
        if encode is not None:
            status.features = self._take(encode)
            if status.features is None:
                self._note(evaluate, cached=False)
                return
        status.record = self._take(evaluate)

    def mend(self) -> None:
        """Remove what is damaged of what this walk has found, so that the next one computes it again."""
        cell, context = self.status.cell, self.context
        for entry in cell.datasets:
            context.data.mend(entry, cell.method.size, context.progress)
        for stage in self.taken:
            stage.mend(context)

    def _dataset(self, entry: Entry) -> Dataset | None:
        data, size = self.context.data, self.status.cell.method.size
        return data.prepare(entry, size, self.context.progress) if self.compute else data.find(entry, size)

    def _fit(self, stage: Stage[A]) -> A | None:
        try:
            return self._take(stage)
        except KeyboardInterrupt:
            raise
        except BaseException:  # whatever ended it, the next cell would train for as long and come as far
            self.status.fit_failed = True
            raise

    def _take(self, stage: Stage[A]) -> A | None:
        """The stage's artifact: computed where this walk computes, else as far as it is there."""
        self._note(stage, cached=False)
        self.taken.append(stage)
        found = stage.get_or_compute(self.context) if self.compute else stage.find(self.context)
        if found is not None:
            self._note(stage, cached=True)
        return found

    def _note(self, stage: Stage[A], *, cached: bool) -> None:
        self.status.ingredients[stage.name] = stage.ingredients
        if stage.name in self.status.states:  # a method that trains nothing has a checkpoint, but no step of its own
            self.status.states[stage.name] = "cached" if cached else "to do"
