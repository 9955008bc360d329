"""PyTorch files of weights, read without running anything that they say."""

import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import torch

from datasets.errors import BenchError
from methods.weight_files import PICKLE, ZIP, head_of, is_safetensors

# What reading a file that is not what it seems may end in, besides the reader's own refusals.
DAMAGED = (
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
)


def read_torch_file(path: Path, *, pickled: str, damaged: str, expected: str, mapped: bool = False) -> dict[str, Any]:
    """The dictionary of tensors and plain values that a file holds, on the CPU; nothing else is unpickled.

    Parameters
    ----------
    pickled: the error's text where the file holds other objects too.
    damaged: the error's text where it is no PyTorch file.
    expected: how the error's text ends where it holds no dictionary.
    mapped: whether tensors are mapped, which costs nothing until they are used; a file older than torch 1.6 cannot be,
        and is read.

    Raises BenchError with one of these texts, or where the file cannot be read.
    """
    head = head_of(path)
    if is_safetensors(head):
        raise BenchError(f"{path} is a safetensors file: {expected}")
    zipped = head.startswith(ZIP)
    if not zipped and not head.startswith(PICKLE):
        raise BenchError(damaged)
    try:
        if zipped:
            _check_unpacked(path)
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped and zipped)
    except pickle.UnpicklingError as error:
        # An operation that no checkpoint has is chance bytes; whatever else is refused is an object of some class.
        raise BenchError(damaged if "Unsupported operand" in str(error) else pickled) from error
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror or error}") from error
    except (*DAMAGED, RecursionError, MemoryError) as error:
        raise BenchError(damaged) from error
    if not isinstance(found, dict):
        raise BenchError(f"{path} holds a {type(found).__name__}: {expected}")
    return found


def _check_unpacked(path: Path) -> None:
    """Refuse an archive whose parts are larger than itself: torch stores them as they are, and what a small file
    unpacks to may be anything."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    size = path.stat().st_size
    if unpacked > size:
        raise BenchError(
            f"{path} is {size:,} bytes and would unpack to {unpacked:,}: torch.save compresses nothing; unpack it with "
            "the tool that packed it, or get the original file"
        )
