"""Checkpoints of the released code: Unsup3D's and PDR's `.pth` files."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from datasets.errors import BenchError
from methods.pdr.config import PDRConfig
from methods.pdr.networks import Networks
from methods.torch_files import read_torch_file
from methods.weight_files import as_wanted, check_finite, plain_names

REQUIRED = ("netD", "netA", "netL", "netV")
OPTIONAL = "netC"
EXPECTED = "expected a checkpoint with the state dicts netD, netA, netL, netV (and netC)"


def load_unsup3d(path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint as float32, under the names of `Networks.state_dict()`.

    Layer widths are read from the file. Both layouts are known: PDR's, and Unsup3D's with bounded outputs, which loads
    where `bounded_outputs` is set. Other entries (optimisers, counters) are left out, and the prefix of a wrapper.

    Raises
    ------
    BenchError
        Where the file holds anything but tensors and plain values (nothing is unpickled), lacks a network, or has a
        weight of another shape or kind of number than the architecture's, or one that is not finite.
    """
    nets = _networks(path, _read(path))
    config = _config(path, nets)
    with torch.device("meta"):
        wanted = Networks(config).state_dict()
    state = {f"{net}.{key}": value for net, weights in nets.items() for key, value in weights.items()}
    for key, like in wanted.items():
        if key not in state:
            raise BenchError(f"{path} lacks {key}, which needs shape {tuple(like.shape)}: {EXPECTED}")
        if tuple(state[key].shape) != tuple(like.shape):
            raise BenchError(f"{path}: {key} needs shape {tuple(like.shape)}, got {tuple(state[key].shape)}")
    if extra := sorted(set(state) - set(wanted)):
        raise BenchError(f"{path} has {extra[0]}, which is no part of the architecture: {EXPECTED}")
    found = {key: as_wanted(state[key], like.dtype, f"{path}: {key}").contiguous() for key, like in wanted.items()}
    check_finite(found, path)
    return found


def _read(path: Path) -> dict[str, Any]:
    """The checkpoint's dictionary, read without running anything that the file says."""
    pickled = (
        f"{path} holds pickled objects beside tensors (Unsup3D's own files hold its metrics), which are not loaded "
        "because unpickling runs code: where you trust the file, save its state dicts netD, netA, netL, netV and "
        "netC alone into a new one, with the code that wrote it"
    )
    damaged = f"{path} is no PyTorch checkpoint: {EXPECTED}"
    return read_torch_file(path, pickled=pickled, damaged=damaged, expected=EXPECTED)


def _networks(path: Path, found: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """The state dicts by network."""
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise BenchError(f"{path} lacks {', '.join(missing)}: {EXPECTED}")
    nets = {}
    for name in (*REQUIRED, *([OPTIONAL] if OPTIONAL in found else [])):
        weights = found[name]
        if not isinstance(weights, dict) or not all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in weights.items()
        ):
            raise BenchError(f"{path}: {name} is no state dict of tensors: {EXPECTED}")
        nets[name] = plain_names(weights)
    return nets


def _config(path: Path, nets: dict[str, dict[str, Tensor]]) -> PDRConfig:
    """The configuration that the file's layers have."""

    def size(net: str, key: str, dim: int = 0) -> int:
        value = nets[net].get(key)
        if value is None or value.ndim != 4:
            raise BenchError(f"{path}: {net}.{key} is missing or no convolution: {EXPECTED}")
        return value.shape[dim]

    confidence = OPTIONAL in nets
    widths = {
        "nf": size("netD", "network_down.0.weight"),
        "zdim": size("netD", "network_down.11.weight"),
        "nf_encoder": size("netL", "network.0.weight"),
    }
    if confidence:
        widths["nf_confidence"] = size(OPTIONAL, "network.0.weight")
        widths["zdim_confidence"] = size(OPTIONAL, "network.11.weight")
    if bad := [name for name in ("nf", "nf_confidence") if widths.get(name, 16) % 16]:
        raise BenchError(f"{path}: {bad[0]} is {widths[bad[0]]}, but the normalisation needs a multiple of 16")
    return PDRConfig(**widths, confidence=confidence, bounded_outputs="network.10.weight" in nets["netL"])
