"""Tensors in safetensors files, whole or absent, and errors that say which file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from datasets.errors import BenchError
from datasets.sealed import Damaged
from methods.weight_files import check_finite, head_of, is_safetensors, plain_names


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors from any device, in row-major order.

    By way of memory, so that a full disk is an OSError and the file has the permissions that others of the user's
    have: safetensors' own writing gives neither.
    """
    path.write_bytes(save({name: on_cpu(value) for name, value in tensors.items()}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors onto the CPU; raises Damaged."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise Damaged.of(path, str(error)) from error


def read_given_tensors(path: Path) -> dict[str, Tensor]:
    """`read_tensors` of a file that a user names, which may be anything; without the prefix of a wrapper.

    Raises BenchError too where a value is not finite.
    """
    if not is_safetensors(head_of(path)):
        raise BenchError(f"{path} is no safetensors file: convert it with bench import-weights, or get it again")
    try:
        state = plain_names(read_tensors(path))
    except Damaged as damage:
        raise BenchError(f"{damage}: get it again, or name another one") from damage
    check_finite(state, path)
    return state


def on_cpu(value: Tensor) -> Tensor:
    """The value on the CPU in row-major order."""
    return value.detach().to(torch.device("cpu")).contiguous()
