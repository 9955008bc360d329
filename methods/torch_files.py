"""PyTorch files of weights, read without running anything that they say."""

import pickle
from pathlib import Path
from typing import Any

import torch

from datasets.errors import BenchError


def read_torch_file(path: Path, *, pickled: str, damaged: str, expected: str, mapped: bool = False) -> dict[str, Any]:
    """The dictionary of tensors and plain values that a file holds, on the CPU; nothing else is unpickled.

    Parameters
    ----------
    pickled: the error's text where the file holds other objects too.
    damaged: the error's text where it is no PyTorch file.
    expected: how the error's text ends where it holds no dictionary.
    mapped: whether tensors are mapped, which costs nothing until they are used; a file older than torch 1.6 cannot be.

    Raises BenchError with one of these texts, or where the file cannot be read.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise BenchError(pickled) from error
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror or error}") from error
    except (RuntimeError, EOFError, KeyError, ValueError) as error:
        raise BenchError(damaged) from error
    if not isinstance(found, dict):
        raise BenchError(f"{path} holds a {type(found).__name__}: {expected}")
    return found
