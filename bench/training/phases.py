"""Learners with several phases: each batch goes through all of them, each with an optimiser of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor
from torch.optim import Optimizer


def frozen_per_phase(optimizers: dict[str, Optimizer]) -> dict[str, list[Tensor]]:
    """For each phase the parameters that only other phases train.

    Their gradients would be computed, then thrown away: a generator's step through its discriminator costs a third
    less without them.
    """
    owned = {
        phase: {id(value): value for group in optimizer.param_groups for value in group["params"]}
        for phase, optimizer in optimizers.items()
    }
    everything = {key: value for parameters in owned.values() for key, value in parameters.items()}
    return {
        phase: [value for key, value in everything.items() if key not in parameters and value.requires_grad]
        for phase, parameters in owned.items()
    }


@contextmanager
def without_gradients(parameters: list[Tensor]) -> Iterator[None]:
    """Switch gradients of `parameters` off meanwhile."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
