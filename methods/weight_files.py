"""What files of weights have in common, whichever format they are of: what is none, and what their tensors must be."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from datasets.errors import BenchError
from datasets.files import regular_size

Value = TypeVar("Value")

# Bytes that tell what a file is.
HEAD = 512
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<script")
POINTER = b"version https://git-lfs"
# What training in parallel, and compiling, put before every name.
WRAPPERS = ("module.", "_orig_mod.")


def head_of(path: Path) -> bytes:
    """The first bytes of a file of weights.

    Raises BenchError where it cannot be read, is no regular file, is empty, or is a web page or a Git LFS pointer in
    the place of one.
    """
    try:
        size = regular_size(path)
        with path.open("rb") as handle:
            head = handle.read(HEAD)
    except (OSError, ValueError) as error:
        raise BenchError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    again = "get the official file again"
    if not size:
        raise BenchError(f"{path} is empty, not weights: {again}")
    if start.startswith(PAGES):
        raise BenchError(f"{path} is a web page, not weights (a quota or a login of the site?): {again}")
    if start.startswith(POINTER):
        raise BenchError(f"{path} is a Git LFS pointer, not weights: {again}, as by `git lfs pull`")
    return head


def is_safetensors(head: bytes) -> bool:
    """Whether a file begins as safetensors: the length of a header, then JSON."""
    return head[8:9] == b"{"


def plain_names(state: Mapping[str, Value]) -> dict[str, Value]:
    """A state dict without the prefix of a wrapper that all its names begin with."""
    plain = dict(state)
    for wrapper in WRAPPERS:
        if plain and all(name.startswith(wrapper) for name in plain):
            plain = {name.removeprefix(wrapper): value for name, value in plain.items()}
    return plain


def as_wanted(value: Tensor, dtype: torch.dtype, place: str) -> Tensor:
    """A weight in the type that a network needs; `place` names file and key.

    Raises BenchError where only other numbers would come of it: complex, whole or sparse ones in the place of floats.
    """
    if value.is_quantized or value.layout != torch.strided:
        raise BenchError(f"{place} is quantised or sparse: expected a plain tensor of {_name(dtype)}")
    if (value.dtype.is_floating_point, value.dtype.is_complex) != (dtype.is_floating_point, dtype.is_complex):
        raise BenchError(f"{place} is of {_name(value.dtype)}: expected {_name(dtype)}")
    return value.to(dtype)


def check_finite(state: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights with NaN or infinity, of which every feature would be one."""
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            bad = int((~torch.isfinite(value)).sum())
            raise BenchError(
                f"{path}: {key} has {bad:,} of {value.numel():,} values that are not finite: the training that wrote "
                "it diverged; take an earlier checkpoint"
            )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
