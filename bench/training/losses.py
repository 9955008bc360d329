"""Mean losses of an epoch, and the first batch whose loss is not a finite number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from datasets.errors import Divergence


@dataclass(frozen=True, slots=True)
class Origin:
    """The batch that a loss is of, for a person.

    Attributes
    ----------
    title: what is being trained.
    kind: `training` or `validation`.
    epoch, batch, batches: from 1, of so many.
    step: optimiser step, from 0 as learners count.
    phase: the phase of a learner that has several, else "".
    """

    title: str
    kind: str
    epoch: int
    batch: int
    batches: int
    step: int
    phase: str = ""

    def __str__(self) -> str:
        phase = f", phase {self.phase}" if self.phase else ""
        return f"step {self.step} (epoch {self.epoch}, batch {self.batch} of {self.batches}{phase})"


class LossMeter:
    """Collects the losses of an epoch's batches without waiting for the device at each.

    The losses of up to `every` batches stay on the device, then come over in one transfer and are checked; every
    one is kept with its origin, so that a loss that is not finite is traced to its own batch.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._waiting: list[tuple[Origin, float, dict[str, Tensor]]] = []
        self._sums: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(self, origin: Origin, losses: Mapping[str, Tensor], weight: float = 1.0) -> None:
        """Note the scalar losses of one batch.

        Raises
        ------
        Divergence
            If `"loss"` was not finite, here or in one of the `every` batches before.
        """
        self._waiting.append((origin, weight, {name: value.detach() for name, value in losses.items()}))
        if len(self._waiting) >= self.every:
            self._flush()

    def means(self) -> dict[str, float | None]:
        """Weighted mean of each loss over all batches so far; of several phases, as `phase/name`.

        A part that is not a finite number, though the loss is, becomes None (JSON knows no infinity).
        """
        self._flush()
        means = {name: total / self._weights[name] for name, total in self._sums.items()}
        return {name: mean if math.isfinite(mean) else None for name, mean in means.items()}

    def _flush(self) -> None:
        if not self._waiting:
            return
        scalars = [value.float().reshape(()) for _, _, losses in self._waiting for value in losses.values()]
        values = iter(torch.stack(scalars).tolist())
        for origin, weight, losses in self._waiting:
            numbers = {name: next(values) for name in losses}
            if not math.isfinite(numbers["loss"]):
                parts = ", ".join(f"{name}={number:.4g}" for name, number in numbers.items())
                raise Divergence(
                    f"{origin.title}: the {origin.kind} loss is not finite at {origin}: {parts}; "
                    "try a lower schedule.learning_rate or schedule.precision=32-true"
                )
            for name, number in numbers.items():
                key = f"{origin.phase}/{name}" if origin.phase else name
                self._sums[key] = self._sums.get(key, 0.0) + weight * number
                self._weights[key] = self._weights.get(key, 0.0) + weight
        self._waiting.clear()
