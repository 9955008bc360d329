"""A method with weights: from a checkpoint of the store, from a file, or as published."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bench.pipeline.specs import MethodSpec
from bench.training.tensors import read_given_tensors, read_tensors
from datasets.errors import BenchError
from methods.base import Method
from methods.weight_files import as_wanted


def untrained_method(spec: MethodSpec, seed: int) -> Method:
    """The method before any training: with imported weights, those that were published, or the initial ones."""
    method = spec.build(seed)
    if spec.weights is not None:
        load_weights(method, read_given_tensors(spec.weights), spec.weights, spec.name)
    else:
        method.load_published()
    return method


def load_method(
    spec: MethodSpec, seed: int, device: str, *, weights: Path | None, derived: Mapping[str, Tensor] | None
) -> Method:
    """The method with the weights in a file and what it derived, in eval mode on the device.

    `weights` is None for a method without any.
    """
    method = spec.build(seed)
    if weights is not None and method.module is not None:
        load_weights(method, read_tensors(weights), weights, spec.name)
    if method.module is not None:
        method.module.to(device).eval()
        for value in (*method.module.parameters(), *method.module.buffers()):
            if value.dim() == 4:  # `Module.to(memory_format=...)` fails where a weight has five dimensions
                value.data = value.data.contiguous(memory_format=torch.channels_last)
    if derived is not None:
        method.use({name: value.to(device) for name, value in derived.items()})
    return method


def load_weights(method: Method, state: dict[str, Tensor], path: Path, name: str) -> None:
    """Load the tensors of a file into a method, in its own types; what does not fit is one `BenchError` that names the
    first."""
    assert method.module is not None, f"{name} has no weights to load"
    wanted = method.module.state_dict()
    for key, value in wanted.items():
        if key not in state:
            raise BenchError(f"{path.name} lacks {key}: these are not weights of {name} at this configuration")
        if state[key].shape != value.shape:
            raise BenchError(
                f"{path.name}: {key} has shape {tuple(state[key].shape)}, {name} at this configuration needs "
                f"{tuple(value.shape)}"
            )
    if extra := sorted(set(state) - set(wanted)):
        raise BenchError(f"{path.name} has {extra[0]}, which {name} at this configuration does not know")
    # Assigned, not copied: a large network may have been built without memory of its own (on the meta device).
    fitting = {key: as_wanted(state[key], value.dtype, f"{path.name}: {key}") for key, value in wanted.items()}
    method.module.load_state_dict(fitting, assign=True)
