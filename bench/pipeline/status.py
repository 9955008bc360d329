"""How far a cell is: what is there of its stages, and what they left."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Int

from bench.pipeline.cell import Cell
from bench.pipeline.derive import Derived
from bench.pipeline.encode import Features
from bench.pipeline.fit import Checkpoint
from bench.pipeline.records import Record
from bench.pipeline.stage import State
from bench.pipeline.weights import load_method
from datasets.base import Dataset
from methods.base import Method

Step = Literal["data", "fit", "derive", "encode", "evaluate"]
STEPS: tuple[Step, ...] = ("data", "fit", "derive", "encode", "evaluate")


@dataclass
class CellStatus:
    """What a walk over a cell's stages has found or computed (`bench.pipeline.walk`).

    Attributes
    ----------
    states: step -> `cached` or `to do`, of the steps that the cell has, in order.
    ingredients: stage -> what its key hashes, as far as that is known before the stages ahead of it are done.
    key: that of the record, once it is known.
    frames: indices of the dataset's images that the task uses, once they are chosen.
    missing: what a cell that cannot be computed lacks (files of a dataset, say), or None.
    cached: whether the record was there before.
    fit_failed: whether it was the training that raised an error: the cells that share it need not try again.
    """

    cell: Cell
    states: dict[Step, State] = field(default_factory=dict)
    ingredients: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: str = ""
    missing: str | None = None
    cached: bool = False
    fit_failed: bool = False
    dataset: Dataset | None = None
    frames: Int[np.ndarray, " m"] | None = None
    training: Dataset | None = None
    checkpoint: Checkpoint | None = None
    derived: Derived | None = None
    features: Features | None = None
    record: Record | None = None

    def __post_init__(self) -> None:
        cell = self.cell
        has = {
            "fit": cell.method.trained.trains,
            "derive": cell.derived_dataset is not None,
            "encode": cell.encodes,
        }
        self.states = {step: "to do" for step in STEPS if has.get(step, True)}

    def load(self, device: str) -> Method:
        """A fresh copy of the method with the weights, and what it derived, that were found; in eval mode.

        Raises Damaged where they are not what was written.
        """
        assert self.checkpoint is not None, f"{self.cell.name} is asked for its method before that is there"
        derived = None if self.derived is None else self.derived.tensors()
        cell, weights = self.cell, self.checkpoint.weights
        return load_method(cell.method, cell.seeds.fit, device, weights=weights, derived=derived)

    @property
    def trains(self) -> bool:
        """Whether the cell waits for a training that can be done."""
        return self.states.get("fit") == "to do" and self.missing is None

    @property
    def weightless(self) -> bool:
        """Whether the weights of a method that never trains have yet to be taken from where they are."""
        return not self.cell.method.trained.cls.trains and self.checkpoint is None
