"""A method with weights: from a checkpoint of the store, from a file, or as published."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bench.pipeline.specs import MethodSpec
from bench.training.tensors import read_tensors
from datasets.errors import BenchError
from methods.base import Method


def untrained_method(spec: MethodSpec, seed: int) -> Method:
    """The method before any training: with imported weights, those that were published, or the initial ones."""
    method = spec.build(seed)
    if spec.weights is not None:
        load_weights(method, spec.weights, spec.name)
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
        load_weights(method, weights, spec.name)
    if method.module is not None:
        method.module.to(device).eval()
        for value in (*method.module.parameters(), *method.module.buffers()):
            if value.dim() == 4:  # `Module.to(memory_format=...)` fails where a weight has five dimensions
                value.data = value.data.contiguous(memory_format=torch.channels_last)
    if derived is not None:
        method.use({name: value.to(device) for name, value in derived.items()})
    return method


def load_weights(method: Method, path: Path, name: str) -> None:
    """Load safetensors into a method; keys and shapes that do not fit are one `BenchError` naming the first."""
    assert method.module is not None, f"{name} has no weights to load"
    state, wanted = read_tensors(path), method.module.state_dict()
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
    method.module.load_state_dict(state, assign=True)
