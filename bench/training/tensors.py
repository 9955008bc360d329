"""Tensors in safetensors files, whole or absent, and errors that say which file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from datasets.errors import BenchError


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors from any device, in row-major order.

    By way of memory, so that a full disk is an OSError and the file has the permissions that others of the user's
    have: safetensors' own writing gives neither.
    """
    path.write_bytes(save({name: on_cpu(value) for name, value in tensors.items()}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors onto the CPU; a damaged or absent file is a `BenchError`."""
    try:
        return load_file(path)
    except (SafetensorError, FileNotFoundError) as error:
        raise BenchError(f"{path} is damaged ({error}): delete {path.parent} and run again") from error


def on_cpu(value: Tensor) -> Tensor:
    """The value on the CPU in row-major order."""
    return value.detach().to(torch.device("cpu")).contiguous()
